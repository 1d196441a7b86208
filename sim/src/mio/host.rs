//! What the server is given beside its sockets: a clock that the crowd moves, and a host who passes on
//! what it is asked and told.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    Answer, Now, Report, Request,
    host::{Clock, Host, Reply},
};

use crate::bounds::Bounds;

/// Shared, since the server owns its clock and its host; always on one thread.
#[derive(Clone)]
pub(super) struct Desk(Arc<Mutex<Papers>>);

struct Papers {
    now: Now,
    asked: Vec<(Reply, Answer)>,
    reports: Vec<Report>,
}

impl Desk {
    pub(super) fn at(now: Now) -> Self {
        Self(Arc::new(Mutex::new(Papers { now, asked: Vec::new(), reports: Vec::new() })))
    }

    /// Moves the clock.
    pub(super) fn set(&self, now: Now) {
        self.papers().now = now;
    }

    /// What was asked since the last time, with the answer that is right.
    pub(super) fn take_asked(&self) -> Vec<(Reply, Answer)> {
        mem::take(&mut self.papers().asked)
    }

    /// What was reported since the last time.
    pub(super) fn take_reports(&self) -> Vec<Report> {
        mem::take(&mut self.papers().reports)
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Desk {
    fn now(&self) -> Now {
        self.papers().now
    }
}

impl Host for Desk {
    fn ask(&mut self, request: Request, reply: Reply) {
        self.papers().asked.push((reply, Bounds::answer(&request)));
    }

    fn report(&mut self, report: &Report) {
        self.papers().reports.push(report.clone());
    }
}
