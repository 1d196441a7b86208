//! One connection as a turn sees it: a socket and a few flags, no buffer.

use std::{io, iter};

use chat_core::{Chunk, ConnId, Pause, mutant};

use crate::socket::{ReadEnd, Socket};

/// Bytes that one flush gathers and writes at the most.
pub(crate) const WRITE_MAX: usize = 64 << 10;

pub(crate) struct Peer<S> {
    pub(crate) conn: ConnId,
    pub(crate) socket: S,
    /// The turn in which it was last written.
    pub(crate) written_in: u32,
    pub(crate) room: Room,
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
    /// To be closed when all is written.
    pub(crate) closing: bool,
    /// Our side is shut down; what comes is dropped until the peer closes.
    pub(crate) shut: bool,
}

/// Whether a socket takes bytes.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    /// As far as is known.
    Some,
    /// It took no more, and the core knows: flush it unasked when there is room.
    None,
    /// It took no more, and there may be room again.
    Perhaps,
}

impl<S: Socket> Peer<S> {
    pub(crate) const fn new(conn: ConnId, socket: S) -> Self {
        Self {
            conn,
            socket,
            written_in: 0,
            room: Room::Some,
            readable: true,
            ending: false,
            ended: false,
            wanted: true,
            listed: false,
            closing: false,
            shut: false,
        }
    }

    /// Whether to read from it now.
    pub(crate) const fn wants_read(&self) -> bool {
        self.readable && !self.ended && (self.shut || self.wanted && !self.closing)
    }

    /// The socket may take bytes; whether somebody waits for that.
    pub(crate) fn has_room_again(&mut self) -> bool {
        let waits = self.room == Room::None;
        if waits {
            self.room = Room::Perhaps;
        }
        waits
    }

    /// Whether our side is to be shut down when all is written.
    pub(crate) const fn is_to_be_shut(&self) -> bool {
        self.closing && !self.shut
    }

    /// One read: how many bytes, and why no more.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> (usize, ReadEnd) {
        let (len, end) = self.socket.read(buffer);
        self.readable = end == ReadEnd::More || self.ending && len > 0;
        self.ended |= end == ReadEnd::End;
        (len, end)
    }

    /// Writes up to [`WRITE_MAX`] bytes: a lone chunk as it is, several gathered. How much has
    /// left, and why no more.
    pub(crate) fn write<'a>(
        &mut self,
        chunks: impl Iterator<Item = Chunk<'a>>,
        gathered: &mut Vec<u8>,
    ) -> io::Result<(usize, Pause)> {
        let mut chunks = chunks.filter(|chunk| !chunk.is_empty());
        let Some(first) = chunks.next() else { return Ok((0, Pause::Yield)) };
        let mut rest = chunks.peekable();
        if rest.peek().is_none() {
            let len = first.len().min(WRITE_MAX);
            return self.write_all(&first[..len]);
        }
        gathered.clear();
        for chunk in iter::once(first).chain(rest) {
            let len = chunk.len().min(WRITE_MAX - gathered.len());
            gathered.extend_from_slice(&chunk[..len]);
            if len < chunk.len() {
                break;
            }
        }
        self.write_all(gathered)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<(usize, Pause)> {
        let mut sent = 0;
        // A short write is no promise of readiness: only WouldBlock is.
        while sent < bytes.len() {
            match self.socket.write(&bytes[sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) if mutant!(ShortWriteWaits) && written < bytes.len() - sent => {
                    return Ok((sent + written, Pause::Full));
                }
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let gone = mutant!(BlockedRestLost => bytes.len(), else sent);
                    return Ok((gone, Pause::Full));
                }
                Err(error) if mutant!(InterruptedWriteFails) => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // All that was to be seen, or our own bound: others' writes may lead to more for this peer before
        // the core hears of this one.
        Ok((sent, Pause::Yield))
    }
}
