//! The server: connections, shared state and their outputs, composed.

use crate::{Chunk, Config, ConfigError, ConnId, Input, Instant, Now, Output, PeerInfo, Refused};

/// A chat server as a pure state machine.
pub struct Server {}

#[allow(clippy::todo, unused_variables, missing_docs)]
impl Server {
    pub fn new(config: Config, seed: [u8; 32], now: Now) -> Result<Self, ConfigError> {
        todo!()
    }
    pub fn open(&mut self, now: Now, peer: PeerInfo) -> Result<ConnId, Refused> {
        todo!()
    }
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        todo!()
    }
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }
    pub fn outbox(&self, conn: ConnId) -> impl Iterator<Item = Chunk<'_>> {
        core::iter::empty()
    }
}
