//! What the loop needs of a system: a poller and sockets. The machine's, or one that a script plays.

use std::{
    io::{self, Read, Write},
    net::IpAddr,
    task::Waker,
    time::Duration,
};

use runtime::{Listen, Ready, Token};

/// A poller and its sockets. Readiness is told by edges: once for each time that something becomes
/// ready.
pub trait Sys {
    /// What takes newcomers.
    type Listener;
    /// One connection.
    type Stream: Stream;

    /// Listens; also the address that it really got. From now on `token` tells of newcomers.
    ///
    /// # Errors
    /// The address can't be listened on.
    fn bind(&mut self, address: &Listen, token: Token) -> io::Result<(Self::Listener, Listen)>;

    /// The next newcomer and its address, `None` for one without. It never blocks.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nobody waits; otherwise the newcomer's error, or
    /// the listener's.
    fn accept(
        &mut self,
        listener: &mut Self::Listener,
    ) -> io::Result<(Self::Stream, Option<IpAddr>)>;

    /// From now on `token` tells of this stream, until it is dropped.
    ///
    /// # Errors
    /// The poller takes no more.
    fn register(&mut self, stream: &mut Self::Stream, token: Token) -> io::Result<()>;

    /// Sleeps until something is ready, `timeout` has passed or the waker was called, and adds what
    /// is ready to `ready`. No timeout: as long as it takes.
    ///
    /// # Errors
    /// The poller failed.
    fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()>;

    /// Ends a [`poll`](Self::poll), the present one or the next, from any thread.
    fn waker(&self) -> Waker;
}

/// A connection's bytes. It never blocks.
///
/// A read that does not fill its buffer has emptied the stream: what comes later is a new edge.
pub trait Stream: Read + Write {
    /// Sends nothing more; what the peer sends can still be read.
    ///
    /// # Errors
    /// The connection is gone.
    fn shut_down_write(&mut self) -> io::Result<()>;
}
