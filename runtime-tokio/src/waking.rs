//! A network's streams as a turn sees them: each has a waker of its own.

use std::{
    io,
    marker::PhantomData,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use runtime::{ReadEnd, Socket, Sockets};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Net, ready::Ready};

/// A stream, and who is woken for it.
pub(crate) struct Waking<S> {
    stream: S,
    waker: Waker,
}

/// A network, as where newcomers come from.
pub(crate) struct Newcomers<'a, 'b, N> {
    context: &'a mut Context<'b>,
    woken: &'a Arc<Ready>,
    net: PhantomData<N>,
}

impl<'a, 'b, N> Newcomers<'a, 'b, N> {
    /// For a turn of the future whose context this is.
    pub(crate) const fn new(context: &'a mut Context<'b>, woken: &'a Arc<Ready>) -> Self {
        Self { context, woken, net: PhantomData }
    }
}

impl<N: Net> Sockets for Newcomers<'_, '_, N> {
    type Listener = N::Listener;
    type Socket = Waking<N::Stream>;

    fn accept(&mut self, listener: &mut N::Listener) -> io::Result<(Self::Socket, Option<IpAddr>)> {
        let (stream, address) = now(N::poll_accept(listener, self.context))?;
        // Until it has a number there is nobody to wake.
        Ok((Waking { stream, waker: Waker::noop().clone() }, address))
    }

    fn register(&mut self, socket: &mut Self::Socket, number: usize) -> io::Result<()> {
        socket.waker = self.woken.waker(number);
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for Waking<S> {
    /// A stream may give what it has in pieces: only when it has no more will it wake us.
    fn read(&mut self, buffer: &mut [u8]) -> (usize, ReadEnd) {
        let mut filled = ReadBuf::new(buffer);
        let context = &mut Context::from_waker(&self.waker);
        let end = loop {
            let before = filled.filled().len();
            if filled.remaining() == 0 {
                break ReadEnd::More;
            }
            match Pin::new(&mut self.stream).poll_read(context, &mut filled) {
                Poll::Pending => break ReadEnd::Waits,
                Poll::Ready(Ok(())) if filled.filled().len() == before => break ReadEnd::End,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(_)) => break ReadEnd::Failed,
            }
        };
        (filled.filled().len(), end)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let context = &mut Context::from_waker(&self.waker);
        now(Pin::new(&mut self.stream).poll_write(context, bytes))
    }

    fn shut_down_write(&mut self) -> io::Result<()> {
        let context = &mut Context::from_waker(&self.waker);
        now(Pin::new(&mut self.stream).poll_shutdown(context))
    }
}

fn now<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
