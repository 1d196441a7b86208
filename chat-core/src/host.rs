//! What an adapter is given beside the core: a clock and somebody who answers.

use alloc::boxed::Box;

use crate::{
    Now,
    io::{Answer, Report, Request},
};

/// Both clocks of a host. A test gives one that it moves itself.
pub trait Clock: Send {
    /// Both clocks now; the monotonic one never goes back.
    fn now(&self) -> Now;
}

/// Where an answer goes: call it once, from any thread. Dropped without a call, the core's own
/// deadline ends the wait.
pub type Reply = Box<dyn FnOnce(Answer) + Send>;

/// Answers what the core asks, and hears what it reports.
pub trait Host: Send {
    /// Answers `request` through `reply`. It must not block: what takes long goes elsewhere.
    fn ask(&mut self, request: Request, reply: Reply);

    /// Hears of something worth a log line.
    fn report(&mut self, report: &Report);
}

/// Where a recording goes. Failing to write is its own affair: chat goes on.
pub trait Tape: Send {
    /// Appends `bytes`.
    fn write(&mut self, bytes: &[u8]);
}
