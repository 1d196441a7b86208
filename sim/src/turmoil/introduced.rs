//! The network of the real client: each of its connections is a life, judged line by line.
//!
//! The judge knows a life by its first line, `USER u<life> …`. The client core knows nothing of lives and
//! has one user name for good, so that line is said for it, and its own USER is left out.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use runtime_tokio::{Connect, Opening};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

use super::{
    chaos::Chopped,
    net::TurmoilNet,
    stage::{Shared, now_us},
};
use crate::judge::LifeId;

/// turmoil's network for the real client.
pub(super) struct Introducing(pub(super) Shared);

impl Connect for Introducing {
    type Stream = Introduced;

    fn connect(&self, server: &str) -> Opening<Introduced> {
        let (shared, opening) = (self.0.clone(), TurmoilNet.connect(server));
        Box::pin(async move {
            let stream = opening.await?;
            let address = stream.local_addr()?;
            let (life, pieces, rng) = shared.lock().core_connects(address, now_us());
            let mut introduced = Introduced {
                stream: Chopped::new(stream, pieces, rng),
                shared,
                life,
                unsent: Vec::new(),
                said: Vec::new(),
                heard: Vec::new(),
            };
            introduced.say(format!("USER u{life} 0 * :core\r\n").as_bytes());
            Ok(introduced)
        })
    }
}

/// A connection of the real client.
pub(super) struct Introduced {
    stream: Chopped<TcpStream>,
    shared: Shared,
    life: LifeId,
    /// Whole lines that the stream has not taken yet.
    unsent: Vec<u8>,
    /// The beginning of a line that the client is saying, and of one that it hears.
    said: Vec<u8>,
    heard: Vec<u8>,
}

impl Introduced {
    /// Takes a line of the client's, its end included.
    fn say(&mut self, line: &[u8]) {
        self.shared.lock().core_says(self.life, line, now_us());
        self.unsent.extend_from_slice(line);
    }

    /// Writes what is unsent.
    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let len = ready!(Pin::new(&mut self.stream).poll_write(context, &self.unsent))?;
            self.unsent.drain(..len);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Introduced {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.shared.lock().core_waits(context.waker());
        if this.shared.lock().core_breaks() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // Nobody else comes back to it. That the connection is gone is found out by reading.
        let _ = this.poll_unsent(context);
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        this.heard.extend_from_slice(&buffer.filled()[before..]);
        let end = this.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in this.heard.drain(..end).as_slice().split_inclusive(|byte| *byte == b'\n') {
            this.shared.lock().core_hears(this.life, line, now_us());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Introduced {
    /// Takes all, once nothing is unsent.
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        let mut said = mem::take(&mut this.said);
        said.extend_from_slice(bytes);
        let end = said.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in said[..end].split_inclusive(|byte| *byte == b'\n') {
            if !line.starts_with(b"USER ") {
                this.say(line);
            }
        }
        said.drain(..end);
        this.said = said;
        let _ = this.poll_unsent(context);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_unsent(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_unsent(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl Drop for Introduced {
    fn drop(&mut self) {
        self.shared.lock().core_lost(self.life);
    }
}
