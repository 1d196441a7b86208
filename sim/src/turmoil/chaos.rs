//! A chopper around streams: the same bytes in other pieces and at other times, on any network.

use std::{
    fmt,
    io::{self, IoSlice},
    mem,
    net::IpAddr,
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use runtime_tokio::{Connect, Listen, Net, Opening};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::{
    bounds::Pieces,
    rng::{Concern, Rng},
};

/// A network whose streams are [`Chopped`].
#[derive(Debug)]
pub struct Chaos<N> {
    net: N,
    pieces: Pieces,
    seed: u64,
    host: u32,
    opened: AtomicU32,
}

impl<N> Chaos<N> {
    /// Chops the streams of `net`. The seed is that of the run; `host` tells apart those that have
    /// streams of their own in it.
    pub const fn new(net: N, pieces: Pieces, seed: u64, host: u32) -> Self {
        Self { net, pieces, seed, host, opened: AtomicU32::new(0) }
    }
}

/// A listener whose newcomers' streams are [`Chopped`].
pub struct ChaosListener<N: Net> {
    listener: N::Listener,
    pieces: Pieces,
    seed: u64,
    host: u32,
    accepted: u32,
}

impl<N: Net> Net for Chaos<N> {
    type Listener = ChaosListener<N>;
    type Stream = Chopped<N::Stream>;

    fn bind(&self, address: &Listen) -> io::Result<(Self::Listener, Listen)> {
        let (listener, address) = self.net.bind(address)?;
        let Self { pieces, seed, host, .. } = *self;
        Ok((ChaosListener { listener, pieces, seed, host, accepted: 0 }, address))
    }

    fn poll_accept(
        listener: &mut Self::Listener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, Option<IpAddr>)>> {
        let (stream, address) = ready!(N::poll_accept(&mut listener.listener, context))?;
        let ChaosListener { pieces, seed, host, accepted: number, .. } = *listener;
        listener.accepted += 1;
        let rng = Rng::new(seed, Concern::Stream { host, number });
        Poll::Ready(Ok((Chopped::new(stream, pieces, rng), address)))
    }
}

impl<N: Connect> Connect for Chaos<N> {
    type Stream = Chopped<N::Stream>;

    fn connect(&self, server: &str) -> Opening<Self::Stream> {
        let opening = self.net.connect(server);
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let rng = Rng::new(self.seed, Concern::Stream { host: self.host, number });
        let pieces = self.pieces;
        Box::pin(async move { opening.await.map(|stream| Chopped::new(stream, pieces, rng)) })
    }
}

/// A stream that reads and writes in pieces of any size, is often not ready for no reason, and rests
/// at times. What it carries is what its inner stream carries.
pub struct Chopped<S> {
    inner: S,
    rng: Rng,
    reads: Mood,
    writes: Mood,
    /// Found out while there still was something to give.
    failed: Option<io::Error>,
    gathered: Vec<u8>,
}

impl<S> Chopped<S> {
    /// Chops `inner`.
    pub fn new(inner: S, pieces: Pieces, rng: Rng) -> Self {
        let (reads, writes) = (Mood::new(pieces), Mood::new(pieces));
        Self { inner, rng, reads, writes, failed: None, gathered: Vec::new() }
    }
}

/// How one direction behaves for a while.
struct Mood {
    pieces: Pieces,
    style: Style,
    /// Calls that are left in this style.
    left: u64,
    /// The last call was put off for no reason; this one is not.
    stumbled: bool,
    rest: Option<Pin<Box<Sleep>>>,
}

#[derive(Copy, Clone)]
enum Style {
    /// All that there is.
    Whole,
    /// Any part of it.
    Part,
    /// 1 to 7 bytes.
    Crumb,
    /// One byte.
    Byte,
}

impl Mood {
    const fn new(pieces: Pieces) -> Self {
        Self { pieces, style: Style::Whole, left: 0, stumbled: false, rest: None }
    }

    /// Whether a call goes through: if not, the task is woken when it is worth another try.
    fn poll(&mut self, rng: &mut Rng, context: &mut Context<'_>) -> Poll<()> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(context));
            self.rest = None;
            return Poll::Ready(());
        }
        if self.pieces == Pieces::Whole || mem::take(&mut self.stumbled) {
            return Poll::Ready(());
        }
        match rng.below(64) {
            0 => {
                let mut rest =
                    Box::pin(sleep(Duration::from_millis(rng.between(1, LONGEST_REST_MS))));
                let polled = rest.as_mut().poll(context);
                self.rest = Some(rest);
                polled
            }
            1..8 => {
                self.stumbled = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// How many of `len` bytes the next call may move: at least one, if there is one.
    fn bite(&mut self, rng: &mut Rng, len: usize) -> usize {
        if self.left == 0 {
            self.left = rng.between(1, LONGEST_MOOD);
            self.style = match (self.pieces, rng.below(8)) {
                (Pieces::Whole, _) | (Pieces::Mixed, 0..3) => Style::Whole,
                (Pieces::Mixed, 3..6) => Style::Part,
                (Pieces::Mixed, 6) => Style::Crumb,
                _ => Style::Byte,
            };
        }
        self.left -= 1;
        let most = len as u64;
        let bite = match self.style {
            Style::Whole => most,
            Style::Part => rng.between(1, most.max(1)),
            Style::Crumb => rng.between(1, 7),
            Style::Byte => 1,
        };
        bite.min(most) as usize
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Chopped<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Err(error));
        }
        ready!(this.reads.poll(&mut this.rng, context));
        let most = this.reads.bite(&mut this.rng, buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        // What comes in pieces is merged as far as it fits.
        let polled = loop {
            let before = part.filled().len();
            match Pin::new(&mut this.inner).poll_read(context, &mut part) {
                Poll::Ready(Ok(())) if part.remaining() > 0 && part.filled().len() > before => {}
                Poll::Ready(Err(error)) if before > 0 => {
                    this.failed = Some(error);
                    break Poll::Ready(Ok(()));
                }
                Poll::Pending if before > 0 => break Poll::Ready(Ok(())),
                polled => break polled,
            }
        };
        let filled = part.filled().len();
        buffer.advance(filled);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Chopped<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.writes.poll(&mut this.rng, context));
        let most = this.writes.bite(&mut this.rng, bytes.len());
        Pin::new(&mut this.inner).poll_write(context, &bytes[..most])
    }

    /// As many slices as the bite reaches into, the last of them cut.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.writes.poll(&mut this.rng, context));
        let len = slices.iter().map(|slice| slice.len()).sum();
        let mut left = this.writes.bite(&mut this.rng, len);
        let bitten = slices.iter().filter_map(|slice| {
            let part = slice.len().min(left);
            left -= part;
            (part > 0).then(|| &slice[..part])
        });
        if this.inner.is_write_vectored() {
            let bitten: Vec<IoSlice<'_>> = bitten.map(IoSlice::new).collect();
            return Pin::new(&mut this.inner).poll_write_vectored(context, &bitten);
        }
        this.gathered.clear();
        bitten.for_each(|part| this.gathered.extend_from_slice(part));
        Pin::new(&mut this.inner).poll_write(context, &this.gathered)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.writes.poll(&mut this.rng, context));
        Pin::new(&mut this.inner).poll_shutdown(context)
    }
}

impl<S> fmt::Debug for Chopped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chopped")
    }
}

/// The longest rest of a direction, in ms.
const LONGEST_REST_MS: u64 = 40;
/// The most calls in one style.
const LONGEST_MOOD: u64 = 40;
