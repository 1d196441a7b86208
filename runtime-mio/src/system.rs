//! The machine's own poller and sockets.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr},
    path::Path,
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};

use mio::{
    Events, Interest, Poll,
    event::Source,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};
use runtime::{Bound, Listen, Ready, SocketFile, Token};

use crate::sys::{Stream, Sys};

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
        let (bound, address) = address.bind()?;
        let mut listener = match bound {
            Bound::Tcp(listener) => SystemListener::Tcp(TcpListener::from_std(listener)),
            Bound::Unix(listener, file) => {
                SystemListener::Unix(UnixListener::from_std(listener), file)
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
