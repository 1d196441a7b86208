//! One connection as the loop sees it: a socket and a few flags, no buffer.

use std::io::{self, Read, Write};

use chat_core::{Chunk, ConnId, Pause};

use crate::stream::Stream;

/// Bytes that one flush gathers and writes at the most.
pub(crate) const WRITE_MAX: usize = 64 << 10;

pub(crate) struct Peer {
    pub(crate) conn: ConnId,
    pub(crate) stream: Stream,
    /// There may be something to read.
    pub(crate) readable: bool,
    /// The peer has ended its side: read on until that shows.
    pub(crate) ending: bool,
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
    Bytes(usize),
    Nothing,
    End,
    Failed,
}

impl Peer {
    pub(crate) fn new(conn: ConnId, stream: Stream) -> Self {
        Self {
            conn,
            stream,
            readable: true,
            ending: false,
            wanted: true,
            listed: false,
            blocked: false,
            closing: false,
            shut: false,
            written_in: 0,
        }
    }

    /// One read.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> ReadEnd {
        match self.stream.read(buffer) {
            Ok(0) => {
                self.readable = false;
                ReadEnd::End
            }
            Ok(bytes) => {
                // A short read has emptied the socket; the end, if it is there, is still to come.
                self.readable = bytes == buffer.len() || self.ending;
                ReadEnd::Bytes(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                ReadEnd::Nothing
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => ReadEnd::Nothing,
            Err(_) => ReadEnd::Failed,
        }
    }

    /// One write: a lone chunk as it is, several gathered. How much has left, and whether the
    /// socket or our own bound ended it.
    pub(crate) fn write<'a>(
        &mut self,
        mut chunks: impl Iterator<Item = Chunk<'a>>,
        gathered: &mut Vec<u8>,
    ) -> io::Result<(usize, Pause)> {
        let Some(first) = chunks.next() else { return Ok((0, Pause::Full)) };
        let Some(second) = chunks.next() else { return self.write_once(&first, false) };
        gathered.clear();
        let mut more = false;
        for chunk in [first, second].into_iter().chain(chunks) {
            let room = WRITE_MAX - gathered.len();
            gathered.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                more = true;
                break;
            }
        }
        self.write_once(gathered, more)
    }

    fn write_once(&mut self, bytes: &[u8], more: bool) -> io::Result<(usize, Pause)> {
        loop {
            match self.stream.write(bytes) {
                Ok(sent) if sent == bytes.len() && more => return Ok((sent, Pause::Yield)),
                Ok(sent) => return Ok((sent, Pause::Full)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok((0, Pause::Full));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
