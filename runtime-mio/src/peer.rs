//! One connection as the loop sees it: a socket and a few flags, no buffer.

use std::{io, iter};

use chat_core::{Chunk, ConnId, mutant};

use crate::sys::Stream;

/// Bytes that one flush gathers and writes at the most.
pub(crate) const WRITE_MAX: usize = 64 << 10;

pub(crate) struct Peer<S> {
    pub(crate) conn: ConnId,
    pub(crate) stream: S,
    /// There may be something to read.
    pub(crate) readable: bool,
    /// The peer's end is to be read: short reads do not mean that there is nothing more.
    pub(crate) ending: bool,
    /// The peer sends nothing more.
    pub(crate) ended: bool,
    /// The core wants what comes.
    pub(crate) wanted: bool,
    /// Waits in the ready list.
    pub(crate) listed: bool,
    /// The socket took no more: flush it unasked when it is writable.
    pub(crate) blocked: bool,
    /// To be closed when all is written.
    pub(crate) closing: bool,
    /// Our side is shut down; what comes is dropped until the peer closes.
    pub(crate) shut: bool,
    /// The turn in which it was last written.
    pub(crate) written_in: u32,
}

/// What a read brought.
pub(crate) enum ReadEnd {
    /// So many bytes.
    Bytes(usize),
    /// There is nothing now.
    Nothing,
    /// The peer sends nothing more.
    End,
    /// The stream is broken.
    Failed,
}

/// How a write ended.
pub(crate) enum WriteEnd {
    /// All of the outbox was taken.
    All,
    /// Our own bound was reached.
    Bound,
    /// The socket took no more.
    Blocked,
}

impl<S: Stream> Peer<S> {
    pub(crate) const fn new(conn: ConnId, stream: S) -> Self {
        Self {
            conn,
            stream,
            readable: true,
            ending: false,
            ended: false,
            wanted: true,
            listed: false,
            blocked: false,
            closing: false,
            shut: false,
            written_in: 0,
        }
    }

    /// Whether to read from it now.
    pub(crate) const fn wants_read(&self) -> bool {
        self.readable && !self.ended && (self.shut || self.wanted && !self.closing)
    }

    /// One read.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> ReadEnd {
        match self.stream.read(buffer) {
            Ok(0) => {
                self.ended = true;
                ReadEnd::End
            }
            Ok(bytes) => {
                self.readable = bytes == buffer.len() || self.ending;
                self.ended = mutant!(MioShortReadIsLast) && bytes < buffer.len();
                ReadEnd::Bytes(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                ReadEnd::Nothing
            }
            Err(_) if mutant!(MioInterruptedReadFails) => ReadEnd::Failed,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => ReadEnd::Nothing,
            Err(_) => ReadEnd::Failed,
        }
    }

    /// Writes up to [`WRITE_MAX`] bytes: a lone chunk as it is, several gathered. How much has
    /// left, and why no more.
    pub(crate) fn write<'a>(
        &mut self,
        chunks: impl Iterator<Item = Chunk<'a>>,
        gathered: &mut Vec<u8>,
    ) -> io::Result<(usize, WriteEnd)> {
        let mut chunks = chunks.filter(|chunk| !chunk.is_empty());
        let Some(first) = chunks.next() else { return Ok((0, WriteEnd::All)) };
        let mut rest = chunks.peekable();
        if rest.peek().is_none() {
            let len = first.len().min(WRITE_MAX);
            return self.write_all(&first[..len], len == first.len());
        }
        gathered.clear();
        let mut all = true;
        for chunk in iter::once(first).chain(rest) {
            let len = chunk.len().min(WRITE_MAX - gathered.len());
            gathered.extend_from_slice(&chunk[..len]);
            if len < chunk.len() {
                all = false;
                break;
            }
        }
        self.write_all(gathered, all)
    }

    fn write_all(&mut self, bytes: &[u8], all: bool) -> io::Result<(usize, WriteEnd)> {
        let mut sent = 0;
        // A short write is no promise of an edge: only WouldBlock is.
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) if mutant!(MioShortWriteWaits) && written < bytes.len() - sent => {
                    return Ok((sent + written, WriteEnd::Blocked));
                }
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let gone = mutant!(MioBlockedRestLost => bytes.len(), else sent);
                    return Ok((gone, WriteEnd::Blocked));
                }
                Err(error) if mutant!(MioInterruptedWriteFails) => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok((sent, if all { WriteEnd::All } else { WriteEnd::Bound }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemStream;

    #[test]
    fn a_connection_costs_the_loop_less_than_a_cache_line() {
        assert!(size_of::<Option<Peer<SystemStream>>>() < 64);
    }
}
