//! What a turn needs of an adapter: sockets, and where newcomers come from.

use std::{io, net::IpAddr};

/// A connection's bytes. No call blocks.
pub trait Socket {
    /// Reads into `buffer`: how many bytes, and why no more.
    fn read(&mut self, buffer: &mut [u8]) -> (usize, ReadEnd);

    /// Writes some of `bytes`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room, and then readiness is told when
    /// there is; [`Interrupted`](io::ErrorKind::Interrupted); or the connection is broken.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends nothing more; what the peer sends can still be read.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock): readiness is told when to try again; otherwise the
    /// connection is gone.
    fn shut_down_write(&mut self) -> io::Result<()>;
}

/// How a read ended.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum ReadEnd {
    /// There may be more.
    More,
    /// There is nothing more now; readiness is told when there is.
    Waits,
    /// The peer sends nothing more.
    End,
    /// The connection is broken.
    Failed,
}

/// Where sockets come from, for the time of a turn.
pub trait Sockets {
    /// What takes newcomers.
    type Listener;
    /// One connection.
    type Socket: Socket;

    /// The next newcomer and its address, `None` for one without.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nobody waits, and then readiness is told when
    /// somebody does; otherwise the newcomer's error, or the listener's.
    fn accept(
        &mut self,
        listener: &mut Self::Listener,
    ) -> io::Result<(Self::Socket, Option<IpAddr>)>;

    /// From now on readiness of `socket` is told with this number, until it is dropped.
    ///
    /// # Errors
    /// There is no room for another one.
    fn register(&mut self, socket: &mut Self::Socket, number: usize) -> io::Result<()>;
}

/// Whom readiness is told of.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Token {
    /// The listener with this number.
    Listener(usize),
    /// The socket with this number.
    Stream(usize),
}

/// What became ready.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Ready {
    /// Where.
    pub token: Token,
    /// There is something to read, or to accept.
    pub readable: bool,
    /// The peer's end is among what there is to read, however short the reads before it are.
    pub ending: bool,
    /// There is room to write, or the connection is broken, which a write will tell.
    pub writable: bool,
}
