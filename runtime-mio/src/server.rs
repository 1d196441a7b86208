//! The loop: readiness in, the core's outputs carried out.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, mpsc},
    time::Duration,
};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Now, Output, PeerInfo, Ticket,
    host::{Clock, Host, Tape},
    record::Recorded,
};
use mio::{Events, Poll, Token, Waker};

use crate::{
    Error, Listen,
    accept::Door,
    peer::{Peer, ReadEnd, WRITE_MAX},
    stream::{Listener, Stream},
};

const WAKER: Token = Token(0);
const READ_MAX: usize = 16 << 10;

/// What a server is made of.
pub struct Options {
    /// The core's configuration.
    pub config: Config,
    /// Where all its randomness comes from: secret, new for each server.
    pub seed: [u8; 32],
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// The clocks.
    pub clock: Box<dyn Clock>,
    /// Who answers the core and hears its reports.
    pub host: Box<dyn Host>,
    /// Where every call is recorded, if it is to be.
    pub tape: Option<Box<dyn Tape>>,
    /// Whether the limit of connections per address does not count for a peer; `None` is a Unix
    /// socket.
    pub exempt: Box<dyn Fn(Option<IpAddr>) -> bool + Send>,
}

/// A server that listens and does not serve yet.
pub struct Server {
    core: Recorded,
    clock: Box<dyn Clock>,
    host: Box<dyn Host>,
    exempt: Box<dyn Fn(Option<IpAddr>) -> bool + Send>,
    poll: Poll,
    door: Door,
    addresses: Vec<Listen>,
    handle: Handle,
    wishes: mpsc::Receiver<Wish>,
    peers: Vec<Option<Peer>>,
    /// Peers that may have something to read, by index.
    ready: Vec<usize>,
    /// Flushes of the next turn: each connection is written once a turn.
    later: Vec<ConnId>,
    turn: u32,
    buffer: Box<[u8]>,
    gathered: Vec<u8>,
    stopped: bool,
}

/// Stops or reconfigures a running server, from any thread.
#[derive(Clone)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    waker: Arc<Waker>,
}

enum Wish {
    Stop,
    Reload(Box<Config>),
    Answer(Ticket, Answer),
    Look,
}

/// Listens on all addresses.
///
/// # Errors
/// The configuration is wrong, or an address can't be listened on.
pub fn bind(options: Options) -> Result<Server, Error> {
    let Options { config, seed, listen, clock, host, tape, exempt } = options;
    let core = Recorded::new(config, seed, clock.now(), tape).map_err(Error::Config)?;
    let poll = Poll::new()?;
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for (at, address) in listen.into_iter().enumerate() {
        let (mut listener, bound) =
            Listener::bind(&address).map_err(|error| Error::Listen(address, error))?;
        listener.register(poll.registry(), Token(at + 1))?;
        listeners.push(listener);
        addresses.push(bound);
    }
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let (sender, wishes) = mpsc::channel();
    Ok(Server {
        core,
        clock,
        host,
        exempt,
        poll,
        door: Door::new(listeners),
        addresses,
        handle: Handle { wishes: sender, waker },
        wishes,
        peers: Vec::new(),
        ready: Vec::new(),
        later: Vec::new(),
        turn: 0,
        buffer: vec![0; READ_MAX].into(),
        gathered: Vec::with_capacity(WRITE_MAX),
        stopped: false,
    })
}

impl Handle {
    /// Tells everybody, flushes, closes; [`Server::run`] then returns.
    pub fn stop(&self) {
        self.wish(Wish::Stop);
    }

    /// Takes a new configuration; a wrong one changes nothing and is reported.
    pub fn reload(&self, config: Config) {
        self.wish(Wish::Reload(Box::new(config)));
    }

    /// Looks at the clock again: for whoever moves it.
    pub fn wake(&self) {
        self.wish(Wish::Look);
    }

    fn wish(&self, wish: Wish) {
        // A server that is gone has no wishes to grant.
        if self.wishes.send(wish).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Server {
    /// The addresses that it really got, in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[Listen] {
        &self.addresses
    }

    /// A handle to stop it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// The system's poller failed.
    pub fn run(mut self) -> Result<(), Error> {
        let mut events = Events::with_capacity(1024);
        while !self.stopped {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(Error::System(error));
                }
                _ => {}
            }
            self.turn = self.turn.wrapping_add(1);
            let now = self.clock.now();
            for event in &events {
                self.note(event, now);
            }
            self.hear_wishes(now);
            self.accept(now);
            self.read(now);
            if self.core.poll_timeout().is_some_and(|at| at <= now.mono) {
                self.core.handle(now, Input::Timeout);
            }
            for conn in std::mem::take(&mut self.later) {
                self.flush(conn, now);
            }
            self.carry_out(now);
        }
        Ok(())
    }

    /// How long to sleep: not at all with work left, for ever with nothing due.
    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() || !self.later.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = [self.core.poll_timeout(), self.door.deadline()].into_iter().flatten().min()?;
        Some(due.since(self.clock.now().mono))
    }

    fn note(&mut self, event: &mio::event::Event, now: Now) {
        let Some(at) = event.token().0.checked_sub(1) else { return };
        let Some(index) = at.checked_sub(self.door.listeners.len()) else {
            return self.door.set_ready(at);
        };
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            peer.readable = true;
            peer.ending |= event.is_read_closed() || event.is_error();
            self.list(index);
        }
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        if peer.blocked && (event.is_writable() || event.is_error()) {
            peer.blocked = false;
            let conn = peer.conn;
            self.flush(conn, now);
        }
    }

    /// Puts a peer on the ready list, if it has something to read and somebody wants it.
    fn list(&mut self, index: usize) {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        if peer.readable && (peer.wanted || peer.shut) && !peer.listed {
            peer.listed = true;
            self.ready.push(index);
        }
    }

    fn hear_wishes(&mut self, now: Now) {
        while let Ok(wish) = self.wishes.try_recv() {
            match wish {
                Wish::Stop => self.core.handle(now, Input::Shutdown),
                Wish::Reload(config) => self.core.handle(now, Input::Reload(config)),
                Wish::Answer(ticket, answer) => {
                    self.core.handle(now, Input::Answer(ticket, answer));
                }
                Wish::Look => {}
            }
        }
    }

    fn accept(&mut self, now: Now) {
        let mut newcomers = Vec::new();
        self.door.accept(now.mono, |stream, address| newcomers.push((stream, address)));
        for (stream, address) in newcomers {
            self.welcome(stream, address, now);
        }
    }

    fn welcome(&mut self, mut stream: Stream, address: Option<IpAddr>, now: Now) {
        let exempt = (self.exempt)(address);
        let conn = match self.core.open(now, PeerInfo { address, exempt }) {
            Ok(conn) => conn,
            Err(refused) => {
                let _ = io::Write::write(&mut stream, &refused.line);
                return;
            }
        };
        let index = conn.index();
        let token = Token(1 + self.door.listeners.len() + index);
        if stream.register(self.poll.registry(), token).is_err() {
            return self.core.handle(now, Input::Closed(conn, Closed::Failed));
        }
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, || None);
        }
        self.peers[index] = Some(Peer::new(conn, stream));
        self.list(index);
    }

    /// One read from each peer that is ready; those with more stay on the list.
    fn read(&mut self, now: Now) {
        for index in std::mem::take(&mut self.ready) {
            let Some(Some(peer)) = self.peers.get_mut(index) else { continue };
            peer.listed = false;
            if !peer.readable || !(peer.wanted || peer.shut) {
                continue;
            }
            let conn = peer.conn;
            match peer.read(&mut self.buffer) {
                ReadEnd::Bytes(_) if peer.closing => {}
                ReadEnd::Bytes(bytes) => {
                    self.core.handle(now, Input::Data(conn, &self.buffer[..bytes]));
                }
                ReadEnd::Nothing => {}
                ReadEnd::End if peer.closing => self.close(conn, Closed::Asked, now),
                ReadEnd::End => {
                    peer.wanted = false;
                    self.core.handle(now, Input::Eof(conn));
                }
                ReadEnd::Failed => self.close(conn, Closed::Reset, now),
            }
            self.list(index);
        }
    }

    fn carry_out(&mut self, now: Now) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Flush(conn) => self.flush(conn, now),
                Output::SetRead(conn, on) => {
                    if let Some(peer) = self.peer(conn) {
                        peer.wanted = on;
                        // Whether there is something, only reading can tell.
                        peer.readable |= on;
                        self.list(conn.index());
                    }
                }
                Output::Close(conn, CloseWhen::Now) => self.close(conn, Closed::Asked, now),
                Output::Close(conn, CloseWhen::AfterFlush) => {
                    if let Some(peer) = self.peer(conn) {
                        peer.closing = true;
                        self.shut_when_empty(conn, now);
                    }
                }
                Output::Ask(ticket, request) => {
                    let handle = self.handle.clone();
                    let reply = move |answer| handle.wish(Wish::Answer(ticket, answer));
                    self.host.ask(request, Box::new(reply));
                }
                // The core ignores an answer that comes all the same.
                Output::Cancel(_) => {}
                Output::Report(report) => self.host.report(&report),
                Output::Stopped => self.stopped = true,
            }
        }
    }

    fn flush(&mut self, conn: ConnId, now: Now) {
        let turn = self.turn;
        let Some(peer) = self.peers.get_mut(conn.index()).and_then(Option::as_mut) else { return };
        if peer.conn != conn {
            return;
        }
        if peer.written_in == turn {
            return self.later.push(conn);
        }
        peer.written_in = turn;
        let mut outbox = self.core.outbox(conn).peekable();
        if outbox.peek().is_none() {
            drop(outbox);
            self.core.handle(now, Input::Sent(conn, 0, chat_core::Pause::Full));
        } else {
            match peer.write(outbox, &mut self.gathered) {
                Ok((sent, pause)) => {
                    let handed = Input::Sent(conn, sent, pause);
                    self.core.handle(now, handed);
                    let left = self.core.outbox(conn).next().is_some();
                    if let Some(peer) = self.peer(conn) {
                        peer.blocked = left && pause == chat_core::Pause::Full;
                    }
                }
                Err(_) => return self.close(conn, Closed::Reset, now),
            }
        }
        self.shut_when_empty(conn, now);
    }

    /// Shuts our side of a closing connection once all is written.
    fn shut_when_empty(&mut self, conn: ConnId, now: Now) {
        let empty = self.core.outbox(conn).next().is_none();
        let Some(peer) = self.peer(conn) else { return };
        if !peer.closing || peer.shut || !empty {
            return;
        }
        peer.shut = true;
        peer.readable = true;
        if peer.stream.shutdown_write().is_err() {
            return self.close(conn, Closed::Asked, now);
        }
        self.list(conn.index());
    }

    fn close(&mut self, conn: ConnId, why: Closed, now: Now) {
        if self.peer(conn).is_some() {
            self.peers[conn.index()] = None;
            self.core.handle(now, Input::Closed(conn, why));
        }
    }

    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer> {
        self.peers.get_mut(conn.index())?.as_mut().filter(|peer| peer.conn == conn)
    }
}
