//! The loop: readiness in, the core's outputs carried out.

use std::{collections::VecDeque, mem, net::IpAddr, sync::mpsc, task::Waker, time::Duration};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Now, Output, Pause, PeerInfo, Ticket,
    host::{Clock, Host, Tape},
    mutant,
    record::Recorded,
};

use crate::{
    Error, Listen, System,
    accept::{Door, turn_away},
    peer::{Peer, ReadEnd, WRITE_MAX, WriteEnd},
    sys::{Ready, Stream as _, Sys, Token},
};

const READ_MAX: usize = 16 << 10;
/// Peers that one turn reads from: what came before is answered before a crowd is heard out.
const READS_PER_TURN: usize = 64;
/// Peers that are told all and only have to close, of which one turn reads: nobody waits for them.
const LEAVING_PER_TURN: usize = 4;
/// Peers whose room is never given back.
const PEERS_KEEP: usize = 64;

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
pub struct Server<S: Sys = System> {
    core: Recorded,
    clock: Box<dyn Clock>,
    host: Box<dyn Host>,
    exempt: Box<dyn Fn(Option<IpAddr>) -> bool + Send>,
    sys: S,
    door: Door<S>,
    addresses: Vec<Listen>,
    handle: Handle,
    wishes: mpsc::Receiver<Wish>,
    /// By the index of each connection.
    peers: Vec<Option<Peer<S::Stream>>>,
    /// Peers that may have something to read, by index.
    ready: VecDeque<usize>,
    /// Of these, those that are told all.
    leaving: VecDeque<usize>,
    /// Flushes for which the core need not ask (again): of peers that became writable, and of
    /// those that were written in this turn already.
    later: VecDeque<ConnId>,
    turn: u32,
    buffer: Box<[u8]>,
    gathered: Vec<u8>,
    stopped: bool,
}

/// Stops or reconfigures a running server, from any thread.
#[derive(Clone)]
pub struct Handle {
    wishes: mpsc::Sender<Wish>,
    waker: Waker,
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
    bind_on(System::new()?, options)
}

/// Listens on all addresses of a system that need not be the machine's.
///
/// # Errors
/// As [`bind`].
pub fn bind_on<S: Sys>(mut sys: S, options: Options) -> Result<Server<S>, Error> {
    let Options { config, seed, listen, clock, host, tape, exempt } = options;
    let core = Recorded::new(config, seed, clock.now(), tape).map_err(Error::Config)?;
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for (number, address) in listen.into_iter().enumerate() {
        let (listener, bound) = sys
            .bind(&address, Token::Listener(number))
            .map_err(|error| Error::Listen(address, error))?;
        listeners.push(listener);
        addresses.push(bound);
    }
    let (sender, wishes) = mpsc::channel();
    Ok(Server {
        core,
        clock,
        host,
        exempt,
        door: Door::new(listeners),
        addresses,
        handle: Handle { wishes: sender, waker: sys.waker() },
        sys,
        wishes,
        peers: Vec::new(),
        ready: VecDeque::new(),
        leaving: VecDeque::new(),
        later: VecDeque::new(),
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
            self.waker.wake_by_ref();
        }
    }
}

impl<S: Sys> Server<S> {
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
        let mut ready = Vec::new();
        while !self.stopped {
            let timeout = self.timeout();
            self.sys.poll(timeout, &mut ready)?;
            self.turn(&mut ready);
        }
        Ok(())
    }

    /// How long to sleep: not at all with work left, for ever with nothing due.
    fn timeout(&self) -> Option<Duration> {
        if !(self.ready.is_empty() && self.leaving.is_empty() && self.later.is_empty()) {
            return Some(Duration::ZERO);
        }
        let due = [self.core.poll_timeout(), self.door.deadline()].into_iter().flatten().min()?;
        Some(due.since(self.clock.now().mono))
    }

    /// All that came goes to the core, then all that it says is done. Bounded by the number of
    /// connections, one read and one write for each.
    fn turn(&mut self, ready: &mut Vec<Ready>) {
        self.turn = self.turn.wrapping_add(1);
        let now = self.clock.now();
        for ready in ready.drain(..) {
            self.note(ready);
        }
        self.hear_wishes(now);
        self.accept(now);
        self.read(now);
        if self.core.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.core.handle(now, Input::Timeout);
        }
        for _ in 0..self.later.len() {
            let Some(conn) = self.later.pop_front() else { break };
            self.flush(conn, now);
        }
        self.carry_out(now);
    }

    fn note(&mut self, ready: Ready) {
        let index = match ready.token {
            Token::Listener(number) => return self.door.set_ready(number),
            Token::Stream(index) => index,
        };
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        peer.readable |= ready.readable;
        peer.ending |= ready.ending;
        if peer.blocked && ready.writable {
            peer.blocked = false;
            self.later.push_back(peer.conn);
        }
        self.list(index);
    }

    /// Puts a peer on the ready list, if it has something to read and somebody wants it.
    fn list(&mut self, index: usize) {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        if peer.wants_read() && !mem::replace(&mut peer.listed, true) {
            let list = if peer.shut { &mut self.leaving } else { &mut self.ready };
            list.push_back(index);
        }
    }

    fn hear_wishes(&mut self, now: Now) {
        while let Ok(wish) = self.wishes.try_recv() {
            match wish {
                Wish::Stop => {
                    self.door.close();
                    self.core.handle(now, Input::Shutdown);
                }
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
        if let Some(report) = self.door.accept(&mut self.sys, now.mono, &mut newcomers) {
            self.host.report(&report);
        }
        for (stream, address) in newcomers {
            self.welcome(stream, address, now);
        }
    }

    fn welcome(&mut self, mut stream: S::Stream, address: Option<IpAddr>, now: Now) {
        let exempt = (self.exempt)(address);
        let conn = match self.core.open(now, PeerInfo { address, exempt }) {
            Ok(conn) => conn,
            Err(refused) => return turn_away(stream, &refused.line),
        };
        let index = conn.index();
        if self.sys.register(&mut stream, Token::Stream(index)).is_err() {
            return self.core.handle(now, Input::Closed(conn, Closed::Failed));
        }
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, || None);
        }
        self.peers[index] = Some(Peer::new(conn, stream));
        self.list(index);
    }

    /// One read from each of the first peers that are ready; the others, and those with more, stay on
    /// the list.
    fn read(&mut self, now: Now) {
        for _ in 0..self.ready.len().min(READS_PER_TURN) {
            let Some(index) = self.ready.pop_front() else { break };
            self.read_from(index, now);
        }
        for _ in 0..self.leaving.len().min(LEAVING_PER_TURN) {
            let Some(index) = self.leaving.pop_front() else { break };
            self.read_from(index, now);
        }
    }

    fn read_from(&mut self, index: usize, now: Now) {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        peer.listed = false;
        if !peer.wants_read() {
            return;
        }
        let (conn, shut) = (peer.conn, peer.shut);
        match peer.read(&mut self.buffer) {
            ReadEnd::Bytes(len) if !shut => {
                self.core.handle(now, Input::Data(conn, &self.buffer[..len]));
            }
            ReadEnd::Bytes(_) | ReadEnd::Nothing => {}
            ReadEnd::End if !shut => self.core.handle(now, Input::Eof(conn)),
            ReadEnd::Failed if !shut => self.close(conn, Closed::Reset, now),
            ReadEnd::End | ReadEnd::Failed => self.close(conn, Closed::Asked, now),
        }
        self.list(index);
    }

    fn carry_out(&mut self, now: Now) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Flush(conn) => self.flush(conn, now),
                Output::SetRead(conn, on) => {
                    if let Some(peer) = self.peer(conn) {
                        // What came meanwhile made it readable, and brings no second edge.
                        peer.wanted = on;
                        peer.readable &= !mutant!(MioResumedUnread);
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

    /// Writes what a connection's outbox holds, once a turn.
    fn flush(&mut self, conn: ConnId, now: Now) {
        let turn = self.turn;
        let Some(peer) = self.peers.get_mut(conn.index()).and_then(Option::as_mut) else { return };
        if peer.conn != conn {
            return;
        }
        if mem::replace(&mut peer.written_in, turn) == turn {
            return self.later.extend(mutant!(MioSecondFlushDropped => None, else Some(conn)));
        }
        let (sent, pause) = match peer.write(self.core.outbox(conn), &mut self.gathered) {
            Ok((sent, WriteEnd::All)) => (sent, Pause::Full),
            Ok((sent, WriteEnd::Bound)) => (sent, Pause::Yield),
            Ok((sent, WriteEnd::Blocked)) => {
                peer.blocked = true;
                (sent, Pause::Full)
            }
            Err(_) => return self.close(conn, Closed::Reset, now),
        };
        self.core.handle(now, Input::Sent(conn, sent, pause));
        self.shut_when_empty(conn, now);
    }

    /// Shuts our side of a closing connection once all is written.
    fn shut_when_empty(&mut self, conn: ConnId, now: Now) {
        let Some(peer) = self.peers.get_mut(conn.index()).and_then(Option::as_mut) else { return };
        let due = peer.conn == conn && peer.closing && !peer.shut;
        if !due || self.core.outbox(conn).any(|chunk| !chunk.is_empty()) {
            return;
        }
        // A peer that closed first has nothing to be told.
        if peer.stream.shut_down_write().is_err() || peer.ended {
            return self.close(conn, Closed::Asked, now);
        }
        peer.shut = true;
        self.list(conn.index());
    }

    fn close(&mut self, conn: ConnId, why: Closed, now: Now) {
        if self.peer(conn).is_some() {
            self.peers[conn.index()] = None;
            self.give_back();
            self.core.handle(now, Input::Closed(conn, why));
        }
    }

    /// Gives up what a crowd that has gone has left: free places at the end, most of the memory.
    fn give_back(&mut self) {
        while self.peers.last().is_some_and(Option::is_none) {
            self.peers.pop();
        }
        if self.peers.capacity() > 4 * self.peers.len() + PEERS_KEEP {
            self.peers.shrink_to(2 * self.peers.len());
        }
    }

    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer<S::Stream>> {
        self.peers.get_mut(conn.index())?.as_mut().filter(|peer| peer.conn == conn)
    }
}
