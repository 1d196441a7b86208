//! What others want of a running server, from any thread.

use std::{sync::mpsc, task::Waker};

use chat_core::{Answer, Config, Ticket};

/// Stops or reconfigures a running server, from any thread.
#[derive(Clone)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    waker: Waker,
}

pub(crate) enum Wish {
    Stop,
    Reload(Box<Config>),
    Answer(Ticket, Answer),
}

impl Handle {
    /// A handle whose wishes are heard by a turn after `waker` was called.
    pub(crate) fn new(waker: Waker) -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, heard) = mpsc::channel();
        (Self { wishes, waker }, heard)
    }

    /// Tells everybody, flushes, closes; the server's `run` then returns.
    pub fn stop(&self) {
        self.wish(Wish::Stop);
    }

    /// Takes a new configuration; a wrong one changes nothing and is reported.
    pub fn reload(&self, config: Config) {
        self.wish(Wish::Reload(Box::new(config)));
    }

    /// Looks at the clock again: for whoever moves it.
    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }

    pub(crate) fn wish(&self, wish: Wish) {
        // A server that is gone has no wishes to grant.
        if self.wishes.send(wish).is_ok() {
            self.waker.wake_by_ref();
        }
    }
}
