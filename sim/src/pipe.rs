//! One connection between a client and the server: two queues of bytes, each with its troubles.

use std::{collections::VecDeque, net::IpAddr};

use crate::{bounds::Pieces, rng::Rng};

/// Bytes that have arrived at the server and wait there to be read, at the most.
const ARRIVED_MAX: usize = 64 << 10;

/// Whose connection it is.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Client(usize),
    Stranger(usize),
}

pub(crate) struct Pipe {
    pub(crate) end: End,
    /// Where the server sees it come from.
    pub(crate) address: IpAddr,
    pub(crate) pieces: Pieces,
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
    /// The server's end is closed.
    pub(crate) server_done: bool,
    /// The server let go of it without sending an end first.
    pub(crate) cut: bool,
    /// Whether the server's host takes what comes. Until it does, bytes stay on their way.
    pub(crate) reading: bool,
    /// The server's host waits for room.
    pub(crate) blocked: bool,
    /// A look whether there is room is under way.
    pub(crate) writable_due: bool,
    /// The server was told that the client sends nothing more.
    pub(crate) eof_told: bool,
    /// The last byte written ends a line.
    pub(crate) at_line: bool,
}

/// One direction.
#[derive(Default)]
pub(crate) struct Way {
    pub(crate) bytes: VecDeque<u8>,
    /// Of these, so many have arrived and wait to be read.
    pub(crate) arrived: usize,
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
        let (first, second) = self.bytes.as_slices();
        let split = count.min(first.len());
        into.extend_from_slice(&first[..split]);
        into.extend_from_slice(&second[..count - split]);
        self.bytes.drain(..count);
        self.arrived = self.arrived.saturating_sub(count);
    }
}

impl Pipe {
    pub(crate) fn new(end: End, address: IpAddr, pieces: Pieces, rng: Rng) -> Self {
        Self {
            end,
            address,
            pieces,
            rng,
            up: Way::default(),
            down: Way::default(),
            vanished: false,
            harmed: false,
            client_done: false,
            server_done: false,
            cut: false,
            reading: true,
            blocked: false,
            writable_due: false,
            eof_told: false,
            at_line: true,
        }
    }

    /// When the next piece reaches the server, if one sets out now.
    pub(crate) fn sets_out_up(&mut self, now: u64) -> Option<u64> {
        let room = self.up.arrived < ARRIVED_MAX;
        let waits =
            self.up.bytes.len() > self.up.arrived && room || self.up.ended && !self.eof_told;
        let open = self.reading && !self.vanished && !self.server_done;
        (waits && open && !self.up.due).then(|| {
            self.up.due = true;
            (now + self.latency()).max(self.up.stalled_until)
        })
    }

    /// When the next piece, or the end, reaches the client, if it sets out now.
    pub(crate) fn sets_out_down(&mut self, now: u64) -> Option<u64> {
        let waits = !self.down.bytes.is_empty() || self.down.ended;
        let open = !self.vanished && !self.client_done;
        (waits && open && !self.down.due).then(|| {
            self.down.due = true;
            let at = (now + self.latency()).max(self.down.stalled_until);
            at + if now < self.down.slow_until { 20_000 } else { 0 }
        })
    }

    /// When the server's host learns that there is room again, if somebody has to tell it.
    pub(crate) fn becomes_writable(&mut self, now: u64) -> Option<u64> {
        (self.blocked && !self.writable_due && !self.server_done).then(|| {
            self.writable_due = true;
            now + self.latency()
        })
    }

    /// Microseconds that the next piece travels.
    pub(crate) fn latency(&mut self) -> u64 {
        match self.pieces {
            Pieces::Whole => 0,
            // Many pieces, so that each must be quick.
            Pieces::Bytes => self.rng.below(20),
            Pieces::Mixed => match self.rng.below(10) {
                0 => self.rng.between(10_000, 80_000),
                1..4 => self.rng.between(0, 50),
                _ => self.rng.between(50, 3_000),
            },
        }
    }

    /// How many of `len` bytes travel together.
    pub(crate) fn portion(&mut self, len: usize) -> usize {
        match self.pieces {
            Pieces::Whole => len,
            Pieces::Bytes => len.min(1),
            Pieces::Mixed => self.rng.portion(len),
        }
    }
}
