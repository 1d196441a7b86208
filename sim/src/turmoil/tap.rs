//! A network that tells what passes through the server's end of each connection.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use runtime_tokio::{Listen, Net};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::TcpStream;

use super::{
    net::{TurmoilListener, TurmoilNet},
    stage::{Shared, now_us},
};
use crate::{judge::LifeId, log::What};

/// turmoil's network, tapped.
pub(super) struct Tapped(pub(super) Shared);

pub(super) struct TappedListener {
    listener: TurmoilListener,
    shared: Shared,
}

impl Net for Tapped {
    type Listener = TappedListener;
    type Stream = Tap;

    fn bind(&self, address: &Listen) -> io::Result<(TappedListener, Listen)> {
        let (listener, address) = TurmoilNet.bind(address)?;
        Ok((TappedListener { listener, shared: self.0.clone() }, address))
    }

    fn poll_accept(
        listener: &mut TappedListener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Tap, Option<IpAddr>)>> {
        let (stream, address) = ready!(TurmoilNet::poll_accept(&mut listener.listener, context))?;
        Poll::Ready(Ok((Tap { stream, shared: listener.shared.clone() }, address)))
    }
}

/// The server's end of a connection.
pub(super) struct Tap {
    stream: TcpStream,
    shared: Shared,
}

impl Tap {
    fn tell(&self, bytes: &[u8], what: impl FnOnce(LifeId, Vec<u8>) -> What) {
        if let Ok(address) = self.stream.peer_addr() {
            self.shared.lock().passes(address, bytes, now_us(), what);
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        this.tell(came, |life, bytes| What::ReachedServer { life, bytes });
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let len = ready!(Pin::new(&mut this.stream).poll_write(context, bytes))?;
        this.tell(&bytes[..len], |life, bytes| What::Wrote { life, bytes });
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Ok(address) = self.stream.peer_addr() {
            self.shared.lock().server_closed(address);
        }
    }
}
