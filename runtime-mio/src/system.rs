//! The machine's own poller and sockets.

use std::{
    fs,
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr},
    os::unix::{fs::FileTypeExt as _, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};

use mio::{
    Events, Interest, Poll,
    event::Source,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    Listen,
    sys::{Ready, Stream, Sys, Token},
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// Edges that one poll brings at the most; others come with the next.
const EVENTS: usize = 1024;
/// Of the waker, which says no more than that something is to be looked at.
const WAKER: mio::Token = mio::Token(usize::MAX);

/// TCP and Unix sockets of this machine.
pub struct System {
    poll: Poll,
    events: Events,
    waker: Waker,
}

/// A listener of either kind.
pub enum SystemListener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, with the path of its file, removed when the listener goes.
    Unix(UnixListener, PathBuf),
}

/// A stream of either kind.
pub enum SystemStream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

impl System {
    /// A poller without sockets.
    ///
    /// # Errors
    /// The system has none to give.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waking(mio::Waker::new(poll.registry(), WAKER)?)).into();
        Ok(Self { poll, events: Events::with_capacity(EVENTS), waker })
    }
}

impl Sys for System {
    type Listener = SystemListener;
    type Stream = SystemStream;

    fn bind(&mut self, address: &Listen, token: Token) -> io::Result<(SystemListener, Listen)> {
        let (mut listener, address) = match address {
            Listen::Tcp(address) => {
                let socket =
                    Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
                if address.is_ipv6() {
                    // So that IPv4 can have the same port.
                    socket.set_only_v6(true)?;
                }
                socket.set_reuse_address(true)?;
                socket.set_nonblocking(true)?;
                socket.bind(&(*address).into())?;
                socket.listen(BACKLOG)?;
                let listener = TcpListener::from_std(socket.into());
                let address = Listen::Tcp(listener.local_addr()?);
                (SystemListener::Tcp(listener), address)
            }
            Listen::Unix(path) => {
                if is_dead_socket(path) {
                    fs::remove_file(path)?;
                }
                let listener = UnixListener::bind(path)?;
                (SystemListener::Unix(listener, path.clone()), address.clone())
            }
        };
        let source: &mut dyn Source = match &mut listener {
            SystemListener::Tcp(listener) => listener,
            SystemListener::Unix(listener, _) => listener,
        };
        self.poll.registry().register(source, pack(token), Interest::READABLE)?;
        Ok((listener, address))
    }

    fn accept(
        &mut self,
        listener: &mut SystemListener,
    ) -> io::Result<(SystemStream, Option<IpAddr>)> {
        match listener {
            SystemListener::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // A peer that is gone already is found out by the first read.
                let _ = stream.set_nodelay(true);
                Ok((SystemStream::Tcp(stream), Some(address.ip())))
            }
            SystemListener::Unix(listener, _) => {
                Ok((SystemStream::Unix(listener.accept()?.0), None))
            }
        }
    }

    fn register(&mut self, stream: &mut SystemStream, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match stream {
            SystemStream::Tcp(stream) => stream,
            SystemStream::Unix(stream) => stream,
        };
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(source, pack(token), both)
    }

    fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let events = self.events.iter().filter(|event| event.token() != WAKER);
        ready.extend(events.map(|event| {
            let ending = event.is_read_closed() || event.is_error();
            Ready {
                token: unpack(event.token()),
                readable: event.is_readable() || ending,
                ending,
                writable: event.is_writable() || event.is_error(),
            }
        }));
        Ok(())
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

impl SystemStream {
    /// Begins to connect; [`is_connected`](Self::is_connected) tells when that is done.
    pub(crate) fn connect_tcp(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    pub(crate) fn connect_unix(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).map(Self::Unix)
    }

    /// Whether a connection is made; an error if it can't be. Until then this may change when the
    /// stream becomes writable.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else { return Ok(true) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Stream for SystemStream {
    fn shut_down_write(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for SystemStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for SystemStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for SystemListener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = fs::remove_file(path);
        }
    }
}

struct Waking(mio::Waker);

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only when the poller is gone, and then nobody sleeps.
        let _ = self.0.wake();
    }
}

/// Even numbers are listeners, odd ones streams.
const fn pack(token: Token) -> mio::Token {
    match token {
        Token::Listener(number) => mio::Token(number * 2),
        Token::Stream(number) => mio::Token(number * 2 + 1),
    }
}

const fn unpack(mio::Token(number): mio::Token) -> Token {
    if number % 2 == 0 { Token::Listener(number / 2) } else { Token::Stream(number / 2) }
}

/// Whether this is a socket at which nobody answers: left behind by a server that was killed. Any
/// other file is not ours to remove.
fn is_dead_socket(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && StdUnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
