//! One connection as the driver sees it: a stream, its waker and a few flags, no buffer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use chat_core::{Chunk, ConnId, Pause};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that one flush gathers and writes at the most.
pub(crate) const WRITE_MAX: usize = 64 << 10;

pub(crate) struct Peer<S> {
    pub(crate) conn: ConnId,
    pub(crate) stream: S,
    pub(crate) waker: Waker,
    /// There may be something to read.
    pub(crate) readable: bool,
    /// The core wants what comes.
    pub(crate) wanted: bool,
    /// Waits in the ready list.
    pub(crate) listed: bool,
    /// The stream took no more: flush it unasked when it is woken.
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

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(conn: ConnId, stream: S, waker: Waker) -> Self {
        Self {
            conn,
            stream,
            waker,
            readable: true,
            wanted: true,
            listed: false,
            blocked: false,
            closing: false,
            shut: false,
            written_in: 0,
        }
    }

    /// One read. With [`ReadEnd::Nothing`] the waker is set.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> ReadEnd {
        let mut filled = ReadBuf::new(buffer);
        let context = &mut Context::from_waker(&self.waker);
        match Pin::new(&mut self.stream).poll_read(context, &mut filled) {
            Poll::Pending => {
                self.readable = false;
                ReadEnd::Nothing
            }
            Poll::Ready(Ok(())) => match filled.filled().len() {
                0 => {
                    self.readable = false;
                    ReadEnd::End
                }
                bytes => ReadEnd::Bytes(bytes),
            },
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                ReadEnd::Nothing
            }
            Poll::Ready(Err(_)) => ReadEnd::Failed,
        }
    }

    /// Shuts our side down; whether that is done.
    pub(crate) fn shut_down(&mut self) -> Poll<io::Result<()>> {
        let context = &mut Context::from_waker(&self.waker);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    /// One write: a lone chunk as it is, several gathered. How much has left, and whether the
    /// stream or our own bound ended it. When the stream took no more, the waker is set.
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
        let context = &mut Context::from_waker(&self.waker);
        let mut sent = 0;
        // A short write is no promise of a wake-up: only Pending is.
        while sent < bytes.len() {
            match Pin::new(&mut self.stream).poll_write(context, &bytes[sent..]) {
                Poll::Pending => return Ok((sent, Pause::Full)),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => sent += written,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        Ok((sent, if more { Pause::Yield } else { Pause::Full }))
    }
}
