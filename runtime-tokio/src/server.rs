//! The driver: one future, woken by any stream, that carries out the core's outputs.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    mem,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Instant, Now, Output, Pause, PeerInfo,
    Report, Ticket,
    host::{Clock, Host, Tape},
    mutant,
    record::Recorded,
};
use tokio::{
    sync::mpsc,
    task,
    time::{self, Sleep},
};

use crate::{
    Error, Listen, Net, SystemNet,
    accept::{Door, turn_away},
    peer::{Peer, ReadEnd, WRITE_MAX, WriteEnd},
    ready::Ready,
};

const READ_MAX: usize = 16 << 10;
/// Peers that one turn reads from: what came before is answered before a crowd is heard out.
const READS_PER_TURN: usize = 64;
/// Peers that are told all and only have to close, of which one turn reads: nobody waits for them.
const LEAVING_PER_TURN: usize = 4;
/// Peers whose room is never given back.
const PEERS_KEEP: usize = 64;

/// What a server is made of.
pub struct Options<N: Net = SystemNet> {
    /// The core's configuration.
    pub config: Config,
    /// Where all its randomness comes from: secret, new for each server.
    pub seed: [u8; 32],
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// The network.
    pub net: N,
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
pub struct Server<N: Net = SystemNet> {
    core: Recorded,
    clock: Box<dyn Clock>,
    host: Box<dyn Host>,
    exempt: Box<dyn Fn(Option<IpAddr>) -> bool + Send>,
    door: Door<N>,
    addresses: Vec<Listen>,
    handle: Handle,
    wishes: mpsc::UnboundedReceiver<Wish>,
    peers: Vec<Option<Peer<N::Stream>>>,
    woken: Arc<Ready>,
    /// Kept for its room.
    noted: Vec<usize>,
    /// Peers that may have something to read, by index.
    ready: VecDeque<usize>,
    /// Of these, those that are told all.
    leaving: VecDeque<usize>,
    /// Flushes of the next turn: each connection is written once a turn.
    later: Vec<ConnId>,
    turn: u32,
    buffer: Box<[u8]>,
    gathered: Vec<u8>,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
    stopped: bool,
}

/// Stops or reconfigures a running server, from any thread.
#[derive(Clone)]
pub struct Handle(mpsc::UnboundedSender<Wish>);

enum Wish {
    Stop,
    Reload(Box<Config>),
    Answer(Ticket, Answer),
    Look,
}

/// What comes after a turn.
enum Next {
    /// Another one, without sleeping.
    Turn,
    /// Nothing: the server has stopped.
    End,
}

/// Listens on all addresses. Must be called within a Tokio runtime with I/O and time.
///
/// # Errors
/// The configuration is wrong, or an address can't be listened on.
pub fn bind<N: Net>(options: Options<N>) -> Result<Server<N>, Error> {
    let Options { config, seed, listen, net, clock, host, tape, exempt } = options;
    let core = Recorded::new(config, seed, clock.now(), tape).map_err(Error::Config)?;
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for address in listen {
        let (listener, bound) =
            net.bind(&address).map_err(|error| Error::Listen(address, error))?;
        listeners.push(listener);
        addresses.push(bound);
    }
    let (sender, wishes) = mpsc::unbounded_channel();
    Ok(Server {
        core,
        clock,
        host,
        exempt,
        door: Door::new(listeners),
        addresses,
        handle: Handle(sender),
        wishes,
        peers: Vec::new(),
        woken: Arc::default(),
        noted: Vec::new(),
        ready: VecDeque::new(),
        leaving: VecDeque::new(),
        later: Vec::new(),
        turn: 0,
        buffer: vec![0; READ_MAX].into(),
        gathered: Vec::with_capacity(WRITE_MAX),
        sleep: None,
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
        let _ = self.0.send(wish);
    }
}

impl<N: Net> Server<N> {
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

    /// Serves until it is stopped. Its turns are bounded by the core's budgets, so Tokio's own is
    /// switched off.
    pub async fn run(mut self) {
        let turns = async {
            while let Next::Turn = poll_fn(|context| self.turn(context)).await {
                // The runtime looks for what became ready, without waiting for it.
                task::yield_now().await;
            }
        };
        task::coop::unconstrained(turns).await;
    }

    /// One turn. Pending when nothing is left to do before something wakes us.
    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        self.turn = self.turn.wrapping_add(1);
        let now = self.clock.now();
        let mut noted = mem::take(&mut self.noted);
        self.woken.take(&mut noted, context.waker());
        for index in noted.drain(..).take(mutant!(TokioSecondWakeLost => 1, else usize::MAX)) {
            self.note(index, now);
        }
        self.noted = noted;
        self.hear_wishes(context, now);
        self.accept(context, now);
        self.read(now);
        if self.core.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.core.handle(now, Input::Timeout);
        }
        for conn in mem::take(&mut self.later) {
            self.flush(conn, now);
        }
        self.carry_out(now);
        if self.stopped {
            return Poll::Ready(Next::End);
        }
        if !(self.ready.is_empty() && self.leaving.is_empty() && self.later.is_empty()) {
            return Poll::Ready(Next::Turn);
        }
        self.sleep(context).map(|()| Next::Turn)
    }

    /// Ready when something is due. The timer is set only when what is due changes.
    fn sleep(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) =
            [self.core.poll_timeout(), self.door.deadline()].into_iter().flatten().min()
        else {
            self.sleep = None;
            return Poll::Pending;
        };
        let left = due.since(self.clock.now().mono);
        if left.is_zero() {
            // Tokio would round up to its next millisecond.
            return Poll::Ready(());
        }
        let sleep = match &mut self.sleep {
            Some((at, sleep)) => {
                if *at != due {
                    *at = due;
                    sleep.as_mut().reset(time::Instant::now() + left);
                }
                sleep
            }
            none => &mut none.insert((due, Box::pin(time::sleep(left)))).1,
        };
        // Our clock may be behind Tokio's: then the next turn sets the timer again.
        sleep.as_mut().poll(context).map(|()| self.sleep = None)
    }

    /// A peer was woken: there may be something to read, or room to write.
    fn note(&mut self, index: usize, now: Now) {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        peer.readable = true;
        let (conn, blocked) = (peer.conn, peer.blocked);
        self.list(index);
        if blocked {
            self.flush(conn, now);
        } else {
            self.shut_when_empty(conn, now);
        }
    }

    /// Puts a peer on the ready list, if it has something to read and somebody wants it.
    fn list(&mut self, index: usize) {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return };
        if peer.wants_read() && !peer.listed {
            peer.listed = true;
            let list = if peer.shut { &mut self.leaving } else { &mut self.ready };
            list.push_back(index);
        }
    }

    fn hear_wishes(&mut self, context: &mut Context<'_>, now: Now) {
        while let Poll::Ready(Some(wish)) = self.wishes.poll_recv(context) {
            match wish {
                Wish::Stop => {
                    self.door.close();
                    self.core.handle(now, Input::Shutdown);
                }
                Wish::Reload(config) => self.core.handle(now, Input::Reload(config)),
                Wish::Answer(ticket, answer) => {
                    self.core.handle(now, Input::Answer(ticket, answer));
                }
                // The clock may have moved against Tokio's.
                Wish::Look => self.sleep = None,
            }
        }
    }

    fn accept(&mut self, context: &mut Context<'_>, now: Now) {
        let mut newcomers = Vec::new();
        let trouble = self
            .door
            .accept(now.mono, context, |stream, address| newcomers.push((stream, address)));
        if let Some(error) = trouble {
            let why = format!("can't take newcomers for a moment: {error}");
            self.host.report(&Report::Refused { address: None, why });
        }
        for (stream, address) in newcomers {
            self.welcome(stream, address, context, now);
        }
    }

    fn welcome(
        &mut self,
        stream: N::Stream,
        address: Option<IpAddr>,
        context: &mut Context<'_>,
        now: Now,
    ) {
        let exempt = (self.exempt)(address);
        let conn = match self.core.open(now, PeerInfo { address, exempt }) {
            Ok(conn) => conn,
            Err(refused) => return turn_away(stream, &refused.line, context),
        };
        let index = conn.index();
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, || None);
        }
        self.peers[index] = Some(Peer::new(conn, stream, self.woken.waker(index)));
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
        let (conn, closing) = (peer.conn, peer.closing);
        let (len, end) = peer.read(&mut self.buffer);
        self.list(index);
        if len > 0 && !closing {
            self.core.handle(now, Input::Data(conn, &self.buffer[..len]));
        }
        match end {
            ReadEnd::Waits | ReadEnd::Full => {}
            ReadEnd::End | ReadEnd::Failed if closing => self.close(conn, Closed::Asked, now),
            ReadEnd::End => self.core.handle(now, Input::Eof(conn)),
            ReadEnd::Failed => self.close(conn, Closed::Reset, now),
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
            return self.later.extend(mutant!(TokioSecondFlushDropped => None, else Some(conn)));
        }
        peer.written_in = turn;
        let was_blocked = mem::take(&mut peer.blocked);
        let (sent, pause) = match peer.write(self.core.outbox(conn), &mut self.gathered) {
            Ok((0, WriteEnd::Waits)) if was_blocked => {
                // It was woken for something to read.
                peer.blocked = true;
                return;
            }
            Ok((sent, WriteEnd::Waits)) => {
                peer.blocked = true;
                (sent, Pause::Full)
            }
            Ok((sent, WriteEnd::All)) => (sent, Pause::Full),
            Ok((sent, WriteEnd::Bound)) => (sent, Pause::Yield),
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
        match peer.shut_down() {
            Poll::Ready(Ok(())) if !peer.ended => {
                peer.shut = true;
                // What came meanwhile may not wake us again.
                peer.readable = true;
                self.list(conn.index());
            }
            // A peer that closed first has nothing to be told.
            Poll::Ready(_) => self.close(conn, Closed::Asked, now),
            Poll::Pending => {}
        }
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

    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer<N::Stream>> {
        self.peers.get_mut(conn.index())?.as_mut().filter(|peer| peer.conn == conn)
    }
}
