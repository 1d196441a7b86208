//! The least server that an event loop can be: what the kernel and one copy for each recipient cost.
//!
//! It checks nothing, knows one channel and keeps no limits but those that protect its memory. Its
//! figures are the floor that a real server is measured against. Not for use.

use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
};

use memchr::memchr;
use mio::{
    Events, Interest, Poll, Token,
    event::Event,
    net::{TcpListener, TcpStream},
};

use super::error::BenchError;

/// Listens; gives the address, and what serves until the process ends.
///
/// # Errors
/// If the address cannot be listened on. What serves returns only when the poller fails.
pub(super) fn bind(
    listen: SocketAddr,
) -> Result<(SocketAddr, impl FnOnce() -> BenchError), BenchError> {
    let mut floor = Floor::bind(listen)?;
    let address =
        floor.listener.local_addr().map_err(|error| BenchError::io("learn the address", error))?;
    let serve = move || loop {
        if let Err(error) = floor.turn() {
            return error;
        }
    };
    Ok((address, serve))
}

struct Floor {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    peers: Peers,
    buffer: Box<[u8]>,
}

impl Floor {
    fn bind(listen: SocketAddr) -> Result<Self, BenchError> {
        let listening = |error| BenchError::io("listen on that address", error);
        let mut listener = TcpListener::bind(listen).map_err(listening)?;
        let poll = Poll::new().map_err(|error| BenchError::io("create a poller", error))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).map_err(listening)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            listener,
            peers: Peers::default(),
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    /// Waits for readiness, reads from all who are ready, then writes once to all who are owed something.
    fn turn(&mut self) -> Result<(), BenchError> {
        match self.poll.poll(&mut self.events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(|error| BenchError::io("wait for readiness", error))?,
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.peers.accept(&self.listener, &self.poll),
                Token(index) => self.peers.serve(index, event, &mut self.buffer),
            }
        }
        self.peers.flush();
        Ok(())
    }
}

/// All connections, by index, and the members of the one channel.
#[derive(Default)]
struct Peers {
    all: Vec<Option<Peer>>,
    free: Vec<usize>,
    members: Vec<usize>,
    /// Those who are owed something since the last flush.
    owed: Vec<usize>,
    line: Vec<u8>,
}

struct Peer {
    stream: TcpStream,
    partial: Vec<u8>,
    out: Vec<u8>,
    nick: Vec<u8>,
    owed: bool,
}

impl Peers {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) {
        while let Ok((mut stream, _)) = listener.accept() {
            let index = self.free.pop().unwrap_or(self.all.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            if stream.set_nodelay(true).is_err()
                || poll.registry().register(&mut stream, Token(index), interest).is_err()
            {
                continue;
            }
            let peer = Peer { stream, partial: vec![], out: vec![], nick: vec![], owed: false };
            match self.all.get_mut(index) {
                Some(slot) => *slot = Some(peer),
                None => self.all.push(Some(peer)),
            }
        }
    }

    fn serve(&mut self, index: usize, event: &Event, buffer: &mut [u8]) {
        if event.is_writable() {
            self.owe(index, b"");
        }
        let mut more = event.is_readable() || event.is_error();
        while more {
            let Some(peer) = self.peer(index) else { return };
            match peer.stream.read(buffer) {
                Ok(length) if length > 0 => {
                    self.bytes(index, buffer.get(..length).unwrap_or_default());
                    more = length == buffer.len() || event.is_read_closed();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => more = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return self.close(index),
            }
        }
    }

    fn bytes(&mut self, index: usize, mut bytes: &[u8]) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (mut line, next) = bytes.split_at(end);
            bytes = next.get(1..).unwrap_or_default();
            let Some(peer) = self.peer(index) else { return };
            let mut partial = std::mem::take(&mut peer.partial);
            if !partial.is_empty() {
                partial.extend_from_slice(line);
                line = &partial;
            }
            self.command(index, line.strip_suffix(b"\r").unwrap_or(line));
            partial.clear();
            if let Some(peer) = self.peer(index) {
                peer.partial = partial;
            }
        }
        if let Some(peer) = self.peer(index) {
            peer.partial.extend_from_slice(bytes);
            if peer.partial.len() > MAX_LINE_BYTES {
                self.close(index);
            }
        }
    }

    fn command(&mut self, index: usize, line: &[u8]) {
        let (command, rest) = line.split_at(memchr(b' ', line).unwrap_or(line.len()));
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let Some(peer) = self.peer(index) else { return };
        match command {
            b"PRIVMSG" => self.broadcast(index, rest),
            b"PING" => self.owe(index, &[b":floor PONG floor ", rest, b"\r\n"].concat()),
            b"NICK" => peer.nick = rest.to_vec(),
            b"USER" => {
                let nick = &peer.nick;
                let welcome = [
                    b":floor 001 ",
                    nick.as_slice(),
                    b" :Hello\r\n:floor 376 ",
                    nick,
                    b" :End\r\n",
                ]
                .concat();
                self.owe(index, &welcome);
            }
            b"JOIN" => {
                let nick = &peer.nick;
                let joined = [
                    b":",
                    nick.as_slice(),
                    b"!u@h JOIN ",
                    rest,
                    b"\r\n:floor 366 ",
                    nick,
                    b" ",
                    rest,
                    b" :End\r\n",
                ]
                .concat();
                self.owe(index, &joined);
                if !self.members.contains(&index) {
                    self.members.push(index);
                }
            }
            b"QUIT" => self.close(index),
            _ => {}
        }
    }

    /// Copies one line to everybody in the channel but its sender.
    fn broadcast(&mut self, from: usize, rest: &[u8]) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.push(b':');
        line.extend_from_slice(
            self.peer(from).map(|peer| peer.nick.as_slice()).unwrap_or_default(),
        );
        line.extend_from_slice(b"!u@h PRIVMSG ");
        line.extend_from_slice(rest);
        line.extend_from_slice(b"\r\n");
        let Self { all, members, owed, .. } = self;
        for &member in members.iter().filter(|&&member| member != from) {
            let Some(Some(peer)) = all.get_mut(member) else {
                continue;
            };
            peer.out.extend_from_slice(&line);
            if !peer.owed {
                peer.owed = true;
                owed.push(member);
            }
        }
        self.line = line;
    }

    fn owe(&mut self, index: usize, bytes: &[u8]) {
        let Some(peer) = self.peer(index) else { return };
        peer.out.extend_from_slice(bytes);
        if !peer.owed && !peer.out.is_empty() {
            peer.owed = true;
            self.owed.push(index);
        }
    }

    /// One write to each peer that is owed something; who takes no more waits until it is writable.
    fn flush(&mut self) {
        let mut owed = std::mem::take(&mut self.owed);
        for index in owed.drain(..) {
            let Some(peer) = self.peer(index) else {
                continue;
            };
            peer.owed = false;
            match peer.stream.write(&peer.out) {
                Ok(written) if written >= peer.out.len() => peer.out.clear(),
                Ok(written) => drop(peer.out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => peer.out.resize(MAX_OWED_BYTES + 1, 0),
            }
            if peer.out.len() > MAX_OWED_BYTES {
                self.close(index);
            }
        }
        self.owed = owed;
    }

    fn close(&mut self, index: usize) {
        if self.all.get_mut(index).and_then(Option::take).is_some() {
            self.members.retain(|&member| member != index);
            self.free.push(index);
        }
    }

    fn peer(&mut self, index: usize) -> Option<&mut Peer> {
        self.all.get_mut(index)?.as_mut()
    }
}

/// Peers have the tokens below it.
const LISTENER: Token = Token(usize::MAX);

/// One read.
const READ_BYTES: usize = 64 * 1024;

/// A peer that sends a longer line is closed.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// A peer that is owed more is closed.
const MAX_OWED_BYTES: usize = 16 * 1024 * 1024;
