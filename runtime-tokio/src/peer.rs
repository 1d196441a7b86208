//! One connection as the driver sees it: a stream, its waker and a few flags, no buffer.

use std::{
    io, iter,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use chat_core::{Chunk, ConnId, mutant};
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
    /// The peer sends nothing more.
    pub(crate) ended: bool,
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

/// How a read ended.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum ReadEnd {
    /// There is nothing more now; the waker is set.
    Waits,
    /// The buffer is full: there may be more.
    Full,
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
    /// The stream took no more; the waker is set.
    Waits,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(conn: ConnId, stream: S, waker: Waker) -> Self {
        Self {
            conn,
            stream,
            waker,
            readable: true,
            wanted: true,
            ended: false,
            listed: false,
            blocked: false,
            closing: false,
            shut: false,
            written_in: 0,
        }
    }

    /// Whether to read from it now.
    pub(crate) fn wants_read(&self) -> bool {
        self.readable && !self.ended && (self.shut || self.wanted && !self.closing)
    }

    /// One buffer of what came: how many bytes, and why no more. A stream may give them in pieces.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> (usize, ReadEnd) {
        let mut filled = ReadBuf::new(buffer);
        let context = &mut Context::from_waker(&self.waker);
        let end = loop {
            let before = filled.filled().len();
            if filled.remaining() == 0 {
                break ReadEnd::Full;
            }
            match Pin::new(&mut self.stream).poll_read(context, &mut filled) {
                Poll::Pending => break ReadEnd::Waits,
                Poll::Ready(Ok(())) if filled.filled().len() == before => break ReadEnd::End,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => break ReadEnd::Failed,
            }
        };
        self.readable = end == ReadEnd::Full;
        self.ended |= end == ReadEnd::End;
        (filled.filled().len(), end)
    }

    /// Shuts our side down; whether that is done.
    pub(crate) fn shut_down(&mut self) -> Poll<io::Result<()>> {
        let context = &mut Context::from_waker(&self.waker);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    /// One write, of [`WRITE_MAX`] bytes at the most: a lone chunk as it is, several gathered. How
    /// much has left, and why no more.
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
            return self.write_once(&first[..len], len == first.len());
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
        self.write_once(gathered, all)
    }

    fn write_once(&mut self, bytes: &[u8], all: bool) -> io::Result<(usize, WriteEnd)> {
        let context = &mut Context::from_waker(&self.waker);
        let mut sent = 0;
        // A short write is no promise of a wake-up: only Pending is.
        while sent < bytes.len() {
            match Pin::new(&mut self.stream).poll_write(context, &bytes[sent..]) {
                Poll::Pending => return Ok((sent, WriteEnd::Waits)),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written))
                    if mutant!(TokioShortWriteWaits) && written < bytes.len() - sent =>
                {
                    return Ok((sent + written, WriteEnd::Waits));
                }
                Poll::Ready(Ok(written)) => sent += written,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        Ok((sent, if all { WriteEnd::All } else { WriteEnd::Bound }))
    }
}
