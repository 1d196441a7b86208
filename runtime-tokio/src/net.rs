//! The network as server and client use it, and the machine's own.

use std::{
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use runtime::{Bound, Listen, SocketFile};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// A network: the machine's, or a simulated one.
pub trait Net: Send + 'static {
    /// What takes newcomers.
    type Listener: Send;
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Listens; also the address that it really got.
    ///
    /// # Errors
    /// The address can't be listened on.
    fn bind(&self, address: &Listen) -> io::Result<(Self::Listener, Listen)>;

    /// The next newcomer and its address, `None` for one without.
    ///
    /// # Errors
    /// The listener's, or the newcomer's own.
    fn poll_accept(
        listener: &mut Self::Listener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, Option<IpAddr>)>>;
}

/// A connection that is being opened.
pub type Opening<S> = Pin<Box<dyn Future<Output = io::Result<S>> + Send>>;

/// How a client reaches a server: over the machine's network, or a simulated one.
pub trait Connect: Send + 'static {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens a connection to `server`, as [`ClientOptions`](crate::ClientOptions) names it.
    fn connect(&self, server: &str) -> Opening<Self::Stream>;
}

/// TCP and Unix sockets of this machine.
#[derive(Copy, Clone, Debug, Default)]
pub struct SystemNet;

/// A listener of either kind.
pub enum SystemListener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, with its file.
    Unix(UnixListener, SocketFile),
}

/// A stream of either kind.
pub enum SystemStream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl Net for SystemNet {
    type Listener = SystemListener;
    type Stream = SystemStream;

    fn bind(&self, address: &Listen) -> io::Result<(SystemListener, Listen)> {
        let (bound, address) = address.bind()?;
        let listener = match bound {
            Bound::Tcp(listener) => SystemListener::Tcp(TcpListener::from_std(listener)?),
            Bound::Unix(listener, file) => {
                SystemListener::Unix(UnixListener::from_std(listener)?, file)
            }
        };
        Ok((listener, address))
    }

    fn poll_accept(
        listener: &mut SystemListener,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(SystemStream, Option<IpAddr>)>> {
        match listener {
            SystemListener::Tcp(listener) => {
                listener.poll_accept(context).map_ok(|(stream, address)| {
                    // A peer that is gone already is found out by the first read.
                    let _ = stream.set_nodelay(true);
                    (SystemStream::Tcp(stream), Some(address.ip()))
                })
            }
            SystemListener::Unix(listener, _) => listener
                .poll_accept(context)
                .map_ok(|(stream, _)| (SystemStream::Unix(stream), None)),
        }
    }
}

impl Connect for SystemNet {
    type Stream = SystemStream;

    fn connect(&self, server: &str) -> Opening<SystemStream> {
        let server = server.to_string();
        Box::pin(async move {
            match server.strip_prefix("unix:") {
                Some(path) => UnixStream::connect(path).await.map(SystemStream::Unix),
                None => {
                    let stream = TcpStream::connect(&server).await?;
                    stream.set_nodelay(true)?;
                    Ok(SystemStream::Tcp(stream))
                }
            }
        })
    }
}

impl AsyncRead for SystemStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for SystemStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
