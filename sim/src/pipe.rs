//! One connection between a client and the server: two queues of bytes, each with its troubles.

use std::collections::VecDeque;

use chat_core::ConnId;

use crate::rng::Rng;

pub(crate) struct Pipe {
    pub(crate) client: usize,
    pub(crate) conn: ConnId,
    pub(crate) rng: Rng,
    /// Bytes on their way to the server.
    pub(crate) up: Way,
    /// Bytes on their way to the client: at most the window.
    pub(crate) down: Way,
    /// The client is gone and nobody was told.
    pub(crate) vanished: bool,
    /// Something was done to it that may rightly end it.
    pub(crate) harmed: bool,
    /// The client's end is closed.
    pub(crate) client_done: bool,
    /// The server's end is closed; its id is free.
    pub(crate) server_done: bool,
    /// What the host knows of it: whether it reads.
    pub(crate) reading: bool,
    /// The socket took less than all; it is flushed again, unasked, when it takes more.
    pub(crate) blocked: bool,
    /// A look whether it takes more is under way.
    pub(crate) writable_due: bool,
    /// To be closed when the outbox is empty.
    pub(crate) closing: bool,
    /// The server was told that the client sends nothing more.
    pub(crate) eof_told: bool,
    /// The last byte written ends a line.
    pub(crate) at_line: bool,
}

/// One direction.
#[derive(Default)]
pub(crate) struct Way {
    pub(crate) bytes: VecDeque<u8>,
    /// The sender sends nothing more.
    pub(crate) ended: bool,
    /// An arrival is under way.
    pub(crate) due: bool,
    /// Nothing arrives before.
    pub(crate) stalled_until: u64,
    /// Little arrives at a time until then.
    pub(crate) slow_until: u64,
}

impl Way {
    /// Takes bytes from the front.
    pub(crate) fn take(&mut self, count: usize, into: &mut Vec<u8>) {
        into.clear();
        into.extend(self.bytes.drain(..count));
    }
}

impl Pipe {
    pub(crate) fn new(client: usize, conn: ConnId, rng: Rng) -> Self {
        Self {
            client,
            conn,
            rng,
            up: Way::default(),
            down: Way::default(),
            vanished: false,
            harmed: false,
            client_done: false,
            server_done: false,
            reading: true,
            blocked: false,
            writable_due: false,
            closing: false,
            eof_told: false,
            at_line: true,
        }
    }

    /// Microseconds that the next piece travels.
    pub(crate) fn latency(&mut self) -> u64 {
        match self.rng.below(10) {
            0 => self.rng.between(10_000, 80_000),
            1..4 => self.rng.between(0, 50),
            _ => self.rng.between(50, 3_000),
        }
    }
}
