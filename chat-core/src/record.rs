//! Recordings: every input of a server, and hashes of all that it did, so that a run can be proved again.

use alloc::boxed::Box;

use crate::{
    Chunk, Config, ConfigError, ConnId, Input, Instant, Now, Output, PeerInfo, Refused, Server,
    host::Tape,
};

/// A [`Server`] whose every call may be written to a tape.
pub struct Recorded {
    server: Server,
}

#[allow(clippy::todo, unused_variables, missing_docs)]
impl Recorded {
    pub fn new(
        config: Config,
        seed: [u8; 32],
        now: Now,
        tape: Option<Box<dyn Tape>>,
    ) -> Result<Self, ConfigError> {
        Ok(Self { server: Server::new(config, seed, now)? })
    }
    pub fn open(&mut self, now: Now, peer: PeerInfo) -> Result<ConnId, Refused> {
        self.server.open(now, peer)
    }
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        self.server.handle(now, input);
    }
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }
    pub fn poll_output(&mut self) -> Option<Output> {
        self.server.poll_output()
    }
    pub fn outbox(&self, conn: ConnId) -> impl Iterator<Item = Chunk<'_>> {
        self.server.outbox(conn)
    }
}
