//! Recordings: every input of a server, and hashes of all that it did, so that a run can be proved again.
//!
//! A recording is a header, and records in order (`frame.rs` tells how each is kept):
//!
//! | record | holds |
//! | --- | --- |
//! | start | configuration, seed, time |
//! | open | time, peer |
//! | handle | time, input |
//! | proof | hash of all that the server did since the last proof |
//! | end | nothing; without it the recording was cut off |
//!
//! What comes before a call is how many outputs were taken since the record before; a proof stands
//! where a host had taken them all. The hash covers the outputs, the answers of `open`, and the bytes
//! that left. Calls are written before they are made: if one panics, it is the last on the tape.
//!
//! A recording holds what peers sent, passwords too. It proves the build that made it: another one may
//! rightly do something else.

mod frame;
mod replay;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::{hash::Hasher as _, mem};

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

pub use replay::{Difference, Place, Replay, ReplayError, Summary, replay};

use crate::{
    Chunk, Config, ConfigError, ConnId, Input, Instant, Now, Output, PeerInfo, Refused, Server,
    host::Tape,
};

/// A [`Server`] whose every call may be written to a tape. Without a tape it costs nothing.
///
/// The recording ends when this is dropped.
pub struct Recorded {
    server: Server,
    recorder: Option<Box<Recorder>>,
}

impl Recorded {
    /// A new server; see [`Server::new`]. With a tape, the recording starts with this call.
    ///
    /// # Errors
    /// As [`Server::new`]; nothing is written then.
    pub fn new(
        config: Config,
        seed: [u8; 32],
        now: Now,
        tape: Option<Box<dyn Tape>>,
    ) -> Result<Self, ConfigError> {
        let recorder = match tape {
            Some(tape) => {
                config.check()?;
                Some(Box::new(Recorder::new(tape, &config, seed, now)))
            }
            None => None,
        };
        Ok(Self { server: Server::new(config, seed, now)?, recorder })
    }

    /// A new connection; see [`Server::open`].
    ///
    /// # Errors
    /// As [`Server::open`].
    pub fn open(&mut self, now: Now, peer: PeerInfo) -> Result<ConnId, Refused> {
        let Some(recorder) = &mut self.recorder else { return self.server.open(now, peer) };
        recorder.call(Kind::Open, now, &peer);
        let opened = self.server.open(now, peer);
        recorder.turn.opened(&opened);
        recorder.calling = false;
        opened
    }

    /// Anything that happened; see [`Server::handle`].
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        let Some(recorder) = &mut self.recorder else { return self.server.handle(now, input) };
        recorder.call(Kind::Handle, now, &input);
        recorder.turn.handling(&self.server, &input);
        self.server.handle(now, input);
        recorder.calling = false;
    }

    /// When to say [`Input::Timeout`]; see [`Server::poll_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }

    /// The next thing to do; see [`Server::poll_output`].
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.server.poll_output();
        if let Some(recorder) = &mut self.recorder {
            recorder.took(output.as_ref());
        }
        output
    }

    /// The server, to look at.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// What a connection is to send; see [`Server::outbox`].
    pub fn outbox(&self, conn: ConnId) -> impl Iterator<Item = Chunk<'_>> {
        self.server.outbox(conn)
    }
}

/// The kinds of records: the first byte of each.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
enum Kind {
    Start,
    Open,
    Handle,
    Proof,
    End,
}

/// Writes what happens to a tape.
struct Recorder {
    tape: Box<dyn Tape>,
    turn: Turn,
    /// All outputs were taken, and a proof of it is still to be written.
    drained: bool,
    /// A call has begun and not come back.
    calling: bool,
    /// Number of the next record. `None`: one could not be written, and the recording is over.
    next: Option<u64>,
    /// The record being written; kept for its room.
    frame: Vec<u8>,
}

impl Recorder {
    fn new(mut tape: Box<dyn Tape>, config: &Config, seed: [u8; 32], now: Now) -> Self {
        tape.write(frame::MAGIC);
        let mut recorder = Self {
            tape,
            turn: Turn::default(),
            drained: false,
            calling: false,
            next: Some(0),
            frame: Vec::new(),
        };
        recorder.write(Kind::Start, &(config, seed, now));
        recorder
    }

    fn call<T: Serialize>(&mut self, kind: Kind, now: Now, what: &T) {
        self.settle();
        let outputs = mem::take(&mut self.turn.outputs);
        self.write(kind, &(outputs, now, what));
        self.calling = true;
    }

    fn took(&mut self, output: Option<&Output>) {
        match output {
            Some(output) => {
                self.settle();
                self.turn.took(output);
            }
            None => self.drained |= !self.turn.is_empty(),
        }
    }

    /// Writes the proof that is due. Late, since who drains twice has done nothing more.
    fn settle(&mut self) {
        if mem::take(&mut self.drained) {
            let proof = self.turn.rest();
            self.write(Kind::Proof, &proof);
        }
    }

    fn write<T: Serialize>(&mut self, kind: Kind, what: &T) {
        let Some(number) = self.next else { return };
        let mut frame = mem::take(&mut self.frame);
        frame.clear();
        frame.resize(frame::HEAD, 0);
        // A payload that is too long, or that postcard can't write, ends the recording: it can't be
        // replayed past the hole, and so is better known as cut off there.
        self.next = None;
        if let Ok(mut frame) = postcard::to_extend(&(kind, what), frame)
            && frame::seal(number, &mut frame)
        {
            self.tape.write(&frame);
            self.frame = frame;
            self.next = Some(number + 1);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.calling {
            // The call panicked.
            return;
        }
        self.settle();
        let end = self.turn.rest();
        self.write(Kind::End, &end);
    }
}

/// What a server did since the last proof: the same when recording and when replaying.
#[derive(Default)]
struct Turn {
    /// Outputs taken: since the last record when recording, since the start when replaying.
    outputs: u64,
    /// Bytes that left, since the start.
    bytes_sent: u64,
    /// Of all that happened since the last proof.
    hasher: SipHasher13,
    /// Calls and outputs since the last proof.
    events: u64,
    scratch: Vec<u8>,
}

impl Turn {
    fn is_empty(&self) -> bool {
        self.events == 0
    }

    fn took(&mut self, output: &Output) {
        self.outputs += 1;
        self.add(output);
    }

    fn opened(&mut self, opened: &Result<ConnId, Refused>) {
        self.add(opened);
    }

    /// Notes an input before it takes effect, and the bytes that leave by it.
    fn handling(&mut self, server: &Server, input: &Input<'_>) {
        self.events += 1;
        let Input::Sent(conn, mut left, _) = *input else { return };
        for chunk in server.outbox(conn) {
            if left == 0 {
                break;
            }
            let bytes = chunk.get(..left).unwrap_or(&chunk);
            left -= bytes.len();
            self.bytes_sent += bytes.len() as u64;
            self.hasher.write(bytes);
        }
    }

    fn add<T: Serialize>(&mut self, what: &T) {
        self.events += 1;
        self.scratch.clear();
        if let Ok(bytes) = postcard::to_extend(what, mem::take(&mut self.scratch)) {
            self.hasher.write(&bytes);
            self.scratch = bytes;
        }
    }

    /// What a proof holds: outputs since the last record, hash since the last proof.
    fn rest(&mut self) -> (u64, (u64, u64)) {
        (mem::take(&mut self.outputs), self.finish())
    }

    /// The hash of all since the last one.
    fn finish(&mut self) -> (u64, u64) {
        self.events = 0;
        mem::take(&mut self.hasher).finish128().as_u64()
    }
}

/// A payload's parts, if it is made of just these.
fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}
