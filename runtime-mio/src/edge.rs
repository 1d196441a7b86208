//! A system's streams as a turn sees them: readiness is told by edges.

use std::{io, net::IpAddr};

use chat_core::mutant;
use runtime::{ReadEnd, Socket, Sockets, Token};

use crate::sys::{Stream, Sys};

/// A stream whose next edge comes after it was emptied.
pub(crate) struct Edge<S>(S);

/// A system, as where newcomers come from.
pub(crate) struct Newcomers<'a, S>(pub(crate) &'a mut S);

impl<S: Sys> Sockets for Newcomers<'_, S> {
    type Listener = S::Listener;
    type Socket = Edge<S::Stream>;

    fn accept(&mut self, listener: &mut S::Listener) -> io::Result<(Self::Socket, Option<IpAddr>)> {
        self.0.accept(listener).map(|(stream, address)| (Edge(stream), address))
    }

    fn register(&mut self, Edge(stream): &mut Self::Socket, number: usize) -> io::Result<()> {
        self.0.register(stream, Token::Stream(number))
    }
}

impl<S: Stream> Socket for Edge<S> {
    fn read(&mut self, buffer: &mut [u8]) -> (usize, ReadEnd) {
        match self.0.read(buffer) {
            Ok(0) => (0, ReadEnd::End),
            Ok(bytes) if bytes == buffer.len() => (bytes, ReadEnd::More),
            Ok(bytes) => (bytes, mutant!(MioShortReadIsLast => ReadEnd::End, else ReadEnd::Waits)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (0, ReadEnd::Waits),
            Err(_) if mutant!(MioInterruptedReadFails) => (0, ReadEnd::Failed),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (0, ReadEnd::More),
            Err(_) => (0, ReadEnd::Failed),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn shut_down_write(&mut self) -> io::Result<()> {
        self.0.shut_down_write()
    }
}
