//! A turn: what came goes to the core, what it says is done.

use std::{io, mem, net::IpAddr, num::NonZeroUsize, sync::mpsc, task::Waker, time::Duration};

use chat_core::{
    CloseWhen, Closed, Config, ConnId, Input, Instant, Now, Output, PeerInfo,
    host::{Clock, Host, Tape},
    mutant,
    record::Recorded,
};

use crate::{
    Error, Handle, Listen,
    door::{Door, turn_away},
    handle::Wish,
    peer::{Peer, Room},
    shard::{READ_MAX, Read, Shard, Write, Written},
    socket::{ReadEnd, Ready, Socket, Sockets, Token},
    threads::Threads,
};

/// Peers that one turn reads from: what came before is answered before a crowd is heard out.
const READS_PER_TURN: usize = 64;
/// After a turn that wrote to very many, one peer is read from for so many writes, if those are more. Where
/// all hear of each, few lines are not worth so many writes, and who waits to be read waits for them all.
const WRITES_PER_READ: usize = 4;
/// Bytes that the reads of one turn take at the most, for each I/O thread.
const READS_MAX: usize = 8 * READ_MAX;
/// Peers that are told all and only have to close, of which one turn reads: nobody waits for them.
const LEAVING_PER_TURN: usize = 4;
/// Outboxes that are written before the core hears of it.
const WRITES_AT_ONCE: usize = 1024;
/// Calls of the system below which waking another thread costs more than it saves.
const WORTH_A_THREAD: usize = 16;
/// So small are the parts of a turn that are taken one by one: a thread that comes late, or is put
/// off, holds the others up by one of them at the most.
const SHARDS_PER_THREAD: usize = 4;

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
    /// Threads that read and write sockets, the one that runs the core included.
    pub io_threads: NonZeroUsize,
}

/// A server without a poller: its adapter tells it what became ready, and when it slept enough.
pub struct Driver<L, S> {
    core: Recorded,
    clock: Box<dyn Clock>,
    host: Box<dyn Host>,
    exempt: Box<dyn Fn(Option<IpAddr>) -> bool + Send>,
    door: Door<L>,
    addresses: Vec<Listen>,
    handle: Handle,
    wishes: mpsc::Receiver<Wish>,
    /// A connection belongs to that of its index; whichever thread is free takes one.
    shards: Vec<Shard<S>>,
    io_threads: NonZeroUsize,
    threads: Threads<Shard<S>>,
    /// Outboxes that are to be written in this turn, over all shards.
    to_write: usize,
    /// Outboxes that were written in the turn before, or in this one so far.
    written: usize,
    /// Flushes for which the core need not ask (again): of peers that have room again, and of those
    /// that were written in this turn already.
    later: Vec<ConnId>,
    turn: u32,
    stopped: bool,
}

/// What comes after a turn.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Next {
    /// Another one, without sleeping, after a look at what became ready.
    Turn,
    /// Sleep until something is ready, or until an instant of the clock at the latest, which is so
    /// far off.
    Until(Instant, Duration),
    /// Sleep until something is ready.
    Sleep,
    /// Nothing: the server has stopped.
    End,
}

impl<L, S: Socket> Driver<L, S> {
    /// A server that listens where `bind` does, which is given each address and its number. `waker`
    /// ends the adapter's sleep. All sockets are read and written on the thread that takes the turns.
    ///
    /// # Errors
    /// The configuration is wrong, or an address can't be listened on.
    pub fn new(
        options: Options,
        waker: Waker,
        mut bind: impl FnMut(&Listen, usize) -> io::Result<(L, Listen)>,
    ) -> Result<Self, Error> {
        let Options { config, seed, listen, clock, host, tape, exempt, io_threads } = options;
        let core = Recorded::new(config, seed, clock.now(), tape).map_err(Error::Config)?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for (number, address) in listen.into_iter().enumerate() {
            let (listener, bound) =
                bind(&address, number).map_err(|error| Error::Listen(address, error))?;
            listeners.push(listener);
            addresses.push(bound);
        }
        let (handle, wishes) = Handle::new(waker);
        let shards = match io_threads.get() {
            1 => 1,
            threads => threads * SHARDS_PER_THREAD,
        };
        let reads_max = READS_MAX / (shards / io_threads);
        Ok(Self {
            core,
            clock,
            host,
            exempt,
            door: Door::new(listeners),
            addresses,
            handle,
            wishes,
            shards: (0..shards).map(|_| Shard::new(shards, reads_max)).collect(),
            io_threads,
            threads: Threads::one(),
            to_write: 0,
            written: 0,
            later: Vec::new(),
            turn: 0,
            stopped: false,
        })
    }

    /// From now on the sockets are read and written on all threads.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start_threads(&mut self) -> Result<(), Error>
    where
        S: Send,
    {
        self.threads = Threads::start(self.io_threads)?;
        Ok(())
    }

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

    /// What became ready goes to the core, then all that it says is done. Bounded by the number of
    /// connections, one read and one write for each.
    pub fn turn<A>(&mut self, sockets: &mut A, ready: impl IntoIterator<Item = Ready>)
    where
        A: Sockets<Listener = L, Socket = S>,
    {
        self.turn = self.turn.wrapping_add(1);
        let now = self.clock.now();
        for ready in ready {
            self.note(ready, now);
        }
        self.hear_wishes(now);
        self.accept(sockets, now);
        self.read(now);
        if self.core.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.core.handle(now, Input::Timeout);
        }
        for conn in mem::take(&mut self.later) {
            self.flush(conn, now);
        }
        self.carry_out(now);
    }

    /// Whether to sleep: not at all with work left, for ever with nothing due.
    #[must_use]
    pub fn next(&self) -> Next {
        if self.stopped {
            return Next::End;
        }
        if !self.later.is_empty() || self.shards.iter().any(|shard| shard.ready() != (0, 0)) {
            return Next::Turn;
        }
        let due = [self.core.poll_timeout(), self.door.deadline()].into_iter().flatten().min();
        let Some(due) = due else { return Next::Sleep };
        match due.since(self.clock.now().mono) {
            Duration::ZERO => Next::Turn,
            left => Next::Until(due, left),
        }
    }

    fn note(&mut self, ready: Ready, now: Now) {
        let index = match ready.token {
            Token::Listener(number) => return self.door.set_ready(number),
            Token::Stream(index) => index,
        };
        let shard = self.shard(index);
        let Some(peer) = shard.at(index) else { return };
        peer.readable |= ready.readable;
        peer.ending |= ready.ending;
        let conn = peer.conn;
        let has_room = ready.writable && peer.has_room_again();
        let shut = ready.writable && peer.is_to_be_shut();
        shard.list(index);
        if has_room {
            self.later.push(conn);
        } else if shut {
            self.shut_when_empty(conn, now);
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
            }
        }
    }

    fn accept<A>(&mut self, sockets: &mut A, now: Now)
    where
        A: Sockets<Listener = L, Socket = S>,
    {
        let mut newcomers = Vec::new();
        if let Some(report) = self.door.accept(sockets, now.mono, &mut newcomers) {
            self.host.report(&report);
        }
        for (mut socket, address) in newcomers {
            let exempt = (self.exempt)(address);
            let conn = match self.core.open(now, PeerInfo { address, exempt }) {
                Ok(conn) => conn,
                Err(refused) => {
                    turn_away(socket, &refused.line);
                    continue;
                }
            };
            let index = conn.index();
            if sockets.register(&mut socket, index).is_err() {
                self.core.handle(now, Input::Closed(conn, Closed::Failed));
                continue;
            }
            let shard = self.shard(index);
            shard.insert(Peer::new(conn, socket));
            shard.list(index);
        }
    }

    /// Reads on all threads, then tells the core, shard after shard.
    fn read(&mut self, now: Now) {
        let written = mem::take(&mut self.written);
        let ready: usize =
            self.shards.iter().map(Shard::ready).map(|(ready, leaving)| ready + leaving).sum();
        if ready == 0 {
            return;
        }
        let share = |most: usize| (most / self.shards.len()).max(1);
        let most = READS_PER_TURN.max(written / WRITES_PER_READ);
        let (most, most_leaving) = (share(most), share(LEAVING_PER_TURN));
        self.threads.work(&mut self.shards, ready >= WORTH_A_THREAD, &|shard| {
            shard.read(most, most_leaving);
        });
        for at in 0..self.shards.len() {
            let (reads, buffer) = self.shards[at].take_reads();
            let mut rest = &buffer[..];
            for read in &reads {
                let (bytes, more) = rest.split_at(read.len);
                rest = more;
                self.hear(read, bytes, now);
            }
            self.shards[at].keep_reads(reads, buffer);
        }
    }

    fn hear(&mut self, read: &Read, bytes: &[u8], now: Now) {
        let Read { conn, end, shut, .. } = *read;
        if !bytes.is_empty() && !shut {
            self.core.handle(now, Input::Data(conn, bytes));
        }
        match end {
            ReadEnd::More | ReadEnd::Waits => {}
            ReadEnd::End | ReadEnd::Failed if shut => self.close(conn, Closed::Asked, now),
            ReadEnd::End => self.core.handle(now, Input::Eof(conn)),
            ReadEnd::Failed => self.close(conn, Closed::Reset, now),
        }
    }

    /// Does what the core says until it says no more.
    fn carry_out(&mut self, now: Now) {
        loop {
            while let Some(output) = self.core.poll_output() {
                self.obey(output, now);
            }
            if self.to_write == 0 {
                return;
            }
            self.write(now);
        }
    }

    fn obey(&mut self, output: Output, now: Now) {
        match output {
            Output::Flush(conn) => self.flush(conn, now),
            Output::SetRead(conn, on) => {
                let shard = self.shard(conn.index());
                if let Some(peer) = shard.get_mut(conn) {
                    // What came meanwhile made it readable, and is not told again.
                    peer.wanted = on;
                    peer.readable &= !mutant!(ResumedUnread);
                    shard.list(conn.index());
                }
            }
            Output::Close(conn, CloseWhen::Now) => {
                // What was to be flushed before this is.
                self.write(now);
                self.close(conn, Closed::Asked, now);
            }
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

    /// What a connection's outbox holds is written with that of others, once a turn.
    fn flush(&mut self, conn: ConnId, now: Now) {
        if self.to_write == WRITES_AT_ONCE {
            self.write(now);
        }
        let turn = self.turn;
        let shard = self.shard(conn.index());
        let Some(peer) = shard.get_mut(conn) else { return };
        if mem::replace(&mut peer.written_in, turn) == turn {
            return self.later.extend(mutant!(SecondFlushDropped => None, else Some(conn)));
        }
        if peer.room == Room::Perhaps {
            return self.write_unasked(conn, now);
        }
        shard.add_write(conn);
        self.to_write += 1;
    }

    /// Writes what the core has not lent: nothing may be said to it before what came of this.
    fn write_unasked(&mut self, conn: ConnId, now: Now) {
        let at = conn.index() % self.shards.len();
        let written = self.shards[at].write_one(conn, self.core.server());
        self.wrote(conn, &written, now);
    }

    /// Writes on all threads, then tells the core, shard after shard.
    fn write(&mut self, now: Now) {
        let writes = mem::take(&mut self.to_write);
        self.written += writes;
        let with_others = writes >= WORTH_A_THREAD;
        let core = self.core.server();
        self.threads.work(&mut self.shards, with_others, &|shard| shard.write(core));
        for at in 0..self.shards.len() {
            let writes = self.shards[at].take_writes();
            for Write { conn, written } in &writes {
                self.wrote(*conn, written, now);
            }
            self.shards[at].keep_writes(writes);
        }
    }

    fn wrote(&mut self, conn: ConnId, written: &Written, now: Now) {
        match *written {
            Written::Nothing => {}
            Written::Sent(bytes, pause) => {
                self.core.handle(now, Input::Sent(conn, bytes, pause));
                self.shut_when_empty(conn, now);
            }
            Written::Failed => self.close(conn, Closed::Reset, now),
        }
    }

    /// Shuts our side of a closing connection once all is written.
    fn shut_when_empty(&mut self, conn: ConnId, now: Now) {
        let at = conn.index() % self.shards.len();
        let shard = &mut self.shards[at];
        let Some(peer) = shard.get_mut(conn).filter(|peer| peer.is_to_be_shut()) else { return };
        if self.core.outbox(conn).any(|chunk| !chunk.is_empty()) {
            return;
        }
        match peer.socket.shut_down_write() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(()) if !peer.ended => {
                peer.shut = true;
                // What came meanwhile may not be told again.
                peer.readable = true;
                shard.list(conn.index());
            }
            // A peer that closed first has nothing to be told.
            _ => self.close(conn, Closed::Asked, now),
        }
    }

    fn close(&mut self, conn: ConnId, why: Closed, now: Now) {
        if self.shard(conn.index()).remove(conn) {
            self.core.handle(now, Input::Closed(conn, why));
        }
    }

    fn peer(&mut self, conn: ConnId) -> Option<&mut Peer<S>> {
        self.shard(conn.index()).get_mut(conn)
    }

    fn shard(&mut self, index: usize) -> &mut Shard<S> {
        let at = index % self.shards.len();
        &mut self.shards[at]
    }
}
