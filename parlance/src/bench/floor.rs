//! The least server that an event loop can be: what the kernel and one copy for each recipient cost.
//!
//! It checks nothing and keeps no limits but those that protect its memory. Its figures are the floor
//! that a real server is measured against. Not for use.

use std::{
    collections::HashMap,
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

/// All connections, by index, and who is in which channel.
#[derive(Default)]
struct Peers {
    all: Vec<Option<Peer>>,
    free: Vec<usize>,
    channels: HashMap<Vec<u8>, Vec<usize>>,
    /// Those who are owed something since the last flush.
    owed: Vec<usize>,
    line: Vec<u8>,
    /// Messages until now.
    messages: u64,
    /// Somebody gets tags.
    tags: bool,
}

struct Peer {
    stream: TcpStream,
    partial: Vec<u8>,
    out: Vec<u8>,
    nick: Vec<u8>,
    channels: Vec<Vec<u8>>,
    /// It gets time and message id with each message, and its own messages back.
    tagged: bool,
    /// It is among those who are owed something, or is blocked.
    owed: bool,
    /// It takes no more until it is writable.
    blocked: bool,
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
            let peer = Peer {
                stream,
                partial: Vec::new(),
                out: Vec::new(),
                nick: Vec::new(),
                channels: Vec::new(),
                tagged: false,
                owed: false,
                blocked: false,
            };
            match self.all.get_mut(index) {
                Some(slot) => *slot = Some(peer),
                None => self.all.push(Some(peer)),
            }
        }
    }

    fn serve(&mut self, index: usize, event: &Event, buffer: &mut [u8]) {
        if event.is_writable()
            && let Some(peer) = self.peer(index)
            && std::mem::take(&mut peer.blocked)
        {
            self.owed.push(index);
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
            b"PRIVMSG" => self.message(index, rest),
            b"PING" => self.owe(index, &[b":floor PONG floor ", rest, b"\r\n"].concat()),
            b"NICK" => peer.nick = rest.to_vec(),
            b"USER" => {
                let nick = peer.nick.as_slice();
                let welcome = [b":floor 001 ", nick, b" :Hello\r\n:floor 376 ", nick, b" :End\r\n"];
                let welcome = welcome.concat();
                self.owe(index, &welcome);
            }
            b"CAP" if rest.starts_with(b"LS") => {
                self.owe(index, b":floor CAP * LS :message-tags server-time echo-message\r\n");
            }
            b"CAP" if rest.starts_with(b"REQ") => {
                peer.tagged = true;
                self.tags = true;
            }
            b"JOIN" => rest.split(|&byte| byte == b',').for_each(|name| self.join(index, name)),
            b"QUIT" => self.close(index),
            _ => {}
        }
    }

    /// Tells everybody in the channel, and the newcomer who they are.
    fn join(&mut self, index: usize, name: &[u8]) {
        let Some(peer) = self.peer(index).filter(|peer| !peer.channels.iter().any(|n| n == name))
        else {
            return;
        };
        peer.channels.push(name.to_vec());
        let nick = peer.nick.clone();
        self.channels.entry(name.to_vec()).or_default().push(index);
        let joined = [b":", nick.as_slice(), b"!u@h JOIN ", name, b"\r\n"].concat();
        self.tell(name, &joined);

        let mut names = Vec::new();
        for members in
            self.channels.get(name).into_iter().flat_map(|all| all.chunks(NAMES_PER_LINE))
        {
            names.extend_from_slice(
                &[b":floor 353 ", nick.as_slice(), b" = ", name, b" :"].concat(),
            );
            for peer in members.iter().filter_map(|&member| self.all.get(member)?.as_ref()) {
                names.extend_from_slice(&peer.nick);
                names.push(b' ');
            }
            names.extend_from_slice(b"\r\n");
        }
        names.extend_from_slice(
            &[b":floor 366 ", nick.as_slice(), b" ", name, b" :End\r\n"].concat(),
        );
        self.owe(index, &names);
    }

    /// Copies one message to everybody in its channel; to its sender, too, if that was asked for.
    fn message(&mut self, from: usize, rest: &[u8]) {
        self.messages += 1;
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        if self.tags {
            // Writing to memory cannot fail; and clients look only whether tags are there.
            let _ = write!(line, "@time=2000-01-01T00:00:00.000Z;msgid={:020} ", self.messages);
        }
        let tags = line.len();
        line.push(b':');
        line.extend_from_slice(self.peer(from).map(|peer| &*peer.nick).unwrap_or_default());
        line.extend_from_slice(b"!u@h PRIVMSG ");
        line.extend_from_slice(rest);
        line.extend_from_slice(b"\r\n");
        let channel = rest.split(|&byte| byte == b' ').next().unwrap_or_default();
        let Self { all, channels, owed, .. } = self;
        let mut drowned = Vec::new();
        for &member in channels.get(channel).into_iter().flatten() {
            let Some(Some(peer)) = all.get_mut(member) else { continue };
            if member == from && !peer.tagged {
                continue;
            }
            peer.out.extend_from_slice(if peer.tagged {
                &line
            } else {
                line.get(tags..).unwrap_or_default()
            });
            if !peer.owed {
                peer.owed = true;
                owed.push(member);
            } else if peer.out.len() > MAX_OWED_BYTES {
                drowned.push(member);
            }
        }
        self.line = line;
        for index in drowned {
            self.close(index);
        }
    }

    /// Copies one line to everybody in a channel.
    fn tell(&mut self, channel: &[u8], line: &[u8]) {
        let members = self.channels.get(channel).cloned().unwrap_or_default();
        members.into_iter().for_each(|member| self.owe(member, line));
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
        let mut next = 0;
        // Closing one owes others a QUIT.
        while let Some(&index) = self.owed.get(next) {
            next += 1;
            let Some(peer) = self.peer(index) else { continue };
            let written = match peer.stream.write(&peer.out) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_) => {
                    self.close(index);
                    continue;
                }
            };
            peer.blocked = written < peer.out.len();
            peer.owed = peer.blocked;
            if peer.blocked {
                peer.out.drain(..written);
            } else {
                peer.out.clear();
            }
        }
        self.owed.clear();
    }

    fn close(&mut self, index: usize) {
        let Some(peer) = self.all.get_mut(index).and_then(Option::take) else { return };
        self.free.push(index);
        let quit = [b":", peer.nick.as_slice(), b"!u@h QUIT :Bye\r\n"].concat();
        for channel in &peer.channels {
            if let Some(members) = self.channels.get_mut(channel) {
                members.retain(|&member| member != index);
            }
            self.tell(channel, &quit);
        }
    }

    fn peer(&mut self, index: usize) -> Option<&mut Peer> {
        self.all.get_mut(index)?.as_mut()
    }
}

/// Peers have the tokens below it.
const LISTENER: Token = Token(usize::MAX);

/// How many nicks of 8 characters a line of 512 bytes holds beside the rest.
const NAMES_PER_LINE: usize = 48;

/// One read.
const READ_BYTES: usize = 64 * 1024;

/// A peer that sends a longer line is closed.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// A peer that is owed more is closed.
const MAX_OWED_BYTES: usize = 64 * 1024 * 1024;
