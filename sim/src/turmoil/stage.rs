//! What all hosts of a simulation share: the clients, the judge, and what is known of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, mem,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chat_core::{ConnId, Report};
use tokio::sync::Notify;

use super::{core_client::CoreClient, server::EPOCH_MS};
use crate::{
    bounds::{Bounds, Pieces},
    client::Client,
    counters::Counters,
    crowd::SERVER,
    judge::{Broken, Judge, LifeId},
    log::{Event, Log, What},
    rng::{Concern, Rng},
    script::{Action, Script},
    trace::Trace,
};

/// After so long a silence a client asks whether the server is there; after twice that, it goes.
const SILENCE_US: u64 = 6_000_000;
/// The longest that a client stays away after it has lost its connection.
const LONGEST_ABSENCE_US: u64 = 1_000_000;
/// The pace of a slow reader.
const BETWEEN_BITES_US: u64 = 20_000;

/// Microseconds of simulated time; within a host's task.
pub(super) fn now_us() -> u64 {
    micros(turmoil::sim_elapsed().unwrap_or_default())
}

pub(super) const fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

/// The stage as hosts have it. All of them run on one thread: nobody ever waits for it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Stage>>);

impl Shared {
    pub(super) fn new(stage: Stage) -> Self {
        Self(Arc::new(Mutex::new(stage)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Stage> {
        // Whoever panicked while holding it is the finding; the rest is only read.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Stage {
    pub(super) seed: u64,
    pub(super) pieces: Pieces,
    pub(super) bounds: Bounds,
    pub(super) guests: Vec<Guest>,
    /// The last of the clients.
    pub(super) core: CoreClient,
    /// By client: a connection made before is not a healthy one.
    harmed_until: Vec<u64>,
    /// One for each life, by its number.
    lives: Vec<Life>,
    /// By the client's end of the connection, the latest.
    by_address: BTreeMap<SocketAddr, LifeId>,
    pub(super) judge: Judge,
    /// Connections that the server says have registered and not ended.
    registered: BTreeSet<ConnId>,
    server_runs: u32,
    /// What the wall clock is ahead, ms.
    wall: i64,
    /// When something happened last.
    pub(super) now: u64,
    pub(super) trace: Trace,
    pub(super) counters: Counters,
    /// Everything that happened, if somebody wants to read it.
    pub(super) log: Option<Log>,
    /// The first property that did not hold.
    pub(super) broken: Option<Broken>,
}

/// A client, and what its host does with its connection.
pub(super) struct Guest {
    pub(super) client: Client,
    /// There is something to do for it.
    pub(super) called: Arc<Notify>,
    order: Option<Order>,
    connections: u32,
    /// It comes back then.
    returns_at: u64,
    /// It writes nothing before.
    mute_until: u64,
    /// It reads nothing before.
    deaf_until: u64,
    /// It reads a few bytes at a time until then.
    slow_until: u64,
    /// When it heard the server last.
    heard_at: u64,
    /// Whether it has asked since then whether the server is there.
    asked: bool,
}

/// What a script does to a connection at once.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// Let go of it: a reset if anything was not read. Or keep it and never touch it again: then the
    /// server is told nothing.
    Lose(Loss),
    /// End the sending side.
    HalfClose,
}

/// How a client lost its connection.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Loss {
    /// There never was one.
    Refused,
    /// The server has ended it.
    Ended,
    /// It was reset, by whomever.
    Reset,
    /// Nothing came any more: the client has let go of it.
    Silence,
    /// The client has let go of it.
    Dropped,
    /// The same, and it is back at once.
    Replaced,
    /// The client touches it no more.
    Abandoned,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "never made",
            Self::Ended => "ended by the server",
            Self::Reset => "reset",
            Self::Silence => "given up: nothing came any more",
            Self::Dropped => "dropped by the client",
            Self::Replaced => "dropped by the client, who is back at once",
            Self::Abandoned => "vanished",
        })
    }
}

/// What a client's host may do with its connection now.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) order: Option<Order>,
    /// Bytes to read at the most; 0: it does not read.
    pub(super) read: usize,
    pub(super) may_write: bool,
    /// When to ask again.
    pub(super) until: u64,
}

struct Life {
    client: usize,
    /// Something was done to it that may rightly end it.
    harmed: bool,
}

impl Stage {
    pub(super) fn new(script: &Script, tell: bool) -> Self {
        let guest = |number| Guest {
            client: Client::new(number, script.seed, script.bounds.password > 0),
            called: Arc::new(Notify::new()),
            order: None,
            connections: 0,
            returns_at: 0,
            mute_until: 0,
            deaf_until: 0,
            slow_until: 0,
            heard_at: 0,
            asked: false,
        };
        Self {
            seed: script.seed,
            pieces: script.pieces,
            bounds: script.bounds.clone(),
            guests: (0..script.clients - 1).map(guest).collect(),
            core: CoreClient::new(script.clients - 1, script.seed),
            harmed_until: vec![0; script.clients as usize],
            lives: Vec::new(),
            by_address: BTreeMap::new(),
            judge: Judge::new(SERVER),
            registered: BTreeSet::new(),
            server_runs: 0,
            wall: EPOCH_MS as i64,
            now: 0,
            trace: Trace::new(),
            counters: Counters::default(),
            log: tell.then(Log::default),
            broken: None,
        }
    }

    /// Notes the first property that does not hold.
    pub(super) fn check<T>(&mut self, result: Result<T, Broken>) {
        if let Err(broken) = result {
            self.broken.get_or_insert(broken);
        }
    }

    /// Writes down what happened, if somebody wants to read it.
    pub(super) fn tell(&mut self, now: u64, what: impl FnOnce() -> What) {
        self.now = now;
        self.trace.number(now);
        if let Some(log) = &mut self.log {
            log.events.push(Event { at_us: now, what: what() });
        }
    }

    /// A server starts: how many did before.
    pub(super) fn server_starts(&mut self, now: u64) -> u32 {
        let before = self.server_runs;
        if before > 0 {
            self.tell(now, || What::Restart);
        }
        self.server_runs += 1;
        before
    }

    /// The server's host is down, and all that it knew is gone.
    pub(super) fn server_stops(&mut self) {
        self.registered.clear();
        self.judge.restarted();
        self.counters.faults += 1;
    }

    /// The server takes a turn: its wall clock, in ms.
    pub(super) fn server_turns(&mut self, now: u64) -> u64 {
        self.counters.turns += 1;
        (self.wall + (now / 1_000) as i64).max(0) as u64
    }

    /// Bytes pass through the server's end of a connection.
    pub(super) fn passes(
        &mut self,
        address: SocketAddr,
        bytes: &[u8],
        now: u64,
        what: impl FnOnce(LifeId, Vec<u8>) -> What,
    ) {
        self.trace.bytes(bytes);
        // A server may refuse somebody who does not know yet that there is a connection.
        if let Some(life) = self.by_address.get(&address).copied() {
            self.tell(now, || what(life, bytes.to_vec()));
        }
    }

    /// The server's end of a connection is gone.
    pub(super) fn server_closed(&mut self, address: SocketAddr) {
        if let Some(life) = self.by_address.get(&address).copied() {
            self.tell(self.now, || What::ServerClosed { life, why: "closed".into() });
        }
    }

    pub(super) fn hear(&mut self, report: &Report, now: u64) {
        self.trace.number(now);
        let judged = self.judge.report(report);
        self.check(judged);
        if let Some(log) = &mut self.log
            && let Some(what) = self.judge.told(report)
        {
            log.events.push(Event { at_us: now, what });
        }
        match report {
            Report::Registered { conn, .. } => {
                self.registered.insert(*conn);
            }
            Report::Ended { conn, .. } => {
                self.registered.remove(conn);
            }
            _ => {}
        }
    }

    /// A step of the script: what a client does by itself, or is done to it. What is done to hosts
    /// is not done here.
    pub(super) fn step(&mut self, at: usize, action: Action, now: u64) {
        self.tell(now, || What::Step { client: at as u32, action });
        let nicks = self.guests.iter().map(|guest| guest.client.nick());
        let nicks: Vec<String> = nicks.chain([self.core.nick()]).collect();
        let nick_of = |client: u32| nicks[client as usize].clone();
        if action.is_of_hosts() {
            return;
        }
        if at == self.guests.len() {
            match action {
                Action::Connect => self.core.wants_online = true,
                Action::Reset | Action::Replace => self.core.reset(),
                deed => self.core.act(deed, nick_of),
            }
            return self.core.called.notify_one();
        }
        match action {
            Action::Connect => self.guests[at].client.wants_online = true,
            fault if fault.is_fault() => self.fault(at, fault, now),
            deed => self.guests[at].client.act(deed, nick_of),
        }
        self.guests[at].called.notify_one();
    }

    fn fault(&mut self, at: usize, fault: Action, now: u64) {
        self.counters.faults += 1;
        if let Action::WallJump(seconds) = fault {
            self.wall += i64::from(seconds) * 1_000;
            return;
        }
        if self.guests[at].client.life.is_none() {
            return;
        }
        self.harm(at, now);
        let guest = &mut self.guests[at];
        let until = |ms: u32| now + u64::from(ms) * 1_000;
        match fault {
            Action::Reset => guest.order = Some(Order::Lose(Loss::Dropped)),
            Action::Replace => guest.order = Some(Order::Lose(Loss::Replaced)),
            Action::HalfLine => {
                guest.client.say_half();
                guest.order = Some(Order::HalfClose);
            }
            Action::Vanish => guest.order = Some(Order::Lose(Loss::Abandoned)),
            Action::HalfClose => guest.order = Some(Order::HalfClose),
            Action::StallUp(ms) => guest.mute_until = until(ms),
            Action::StallDown(ms) => guest.deaf_until = until(ms),
            Action::ReadSlowly(ms) => guest.slow_until = until(ms),
            _ => {}
        }
    }

    /// The connection of a client may rightly end from now on, and any that it makes before `until`.
    pub(super) fn harm(&mut self, at: usize, until: u64) {
        self.harmed_until[at] = self.harmed_until[at].max(until);
        self.lives.iter_mut().filter(|life| life.client == at).for_each(|life| life.harmed = true);
    }

    /// When a client comes or comes back; `None` while it does not want to be there.
    pub(super) fn comes_at(&self, at: usize) -> Option<u64> {
        let guest = &self.guests[at];
        guest.client.wants_online.then_some(guest.returns_at)
    }

    /// A client has a connection: its life, and how it is chopped.
    pub(super) fn connected(&mut self, at: usize, address: SocketAddr, now: u64) -> (Pieces, Rng) {
        let life = self.begin(at, address, now);
        let guest = &mut self.guests[at];
        let (client, attempt) = (at as u32, guest.connections);
        guest.connections += 1;
        guest.order = None;
        (guest.heard_at, guest.asked) = (now, false);
        (guest.mute_until, guest.deaf_until, guest.slow_until) = (0, 0, 0);
        guest.client.connected(life);
        (self.pieces, Rng::new(self.seed, Concern::Network { client, attempt }))
    }

    /// A client has a connection, which the server sees at this address.
    pub(super) fn begin(&mut self, at: usize, address: SocketAddr, now: u64) -> LifeId {
        let life = self.judge.begin();
        self.by_address.insert(address, life);
        self.tell(now, || What::Opened { life, client: at as u32 });
        let harmed = now < self.harmed_until[at];
        self.lives.push(Life { client: at, harmed });
        self.counters.connections += 1;
        life
    }

    /// What to do with a client's connection now, and what the client has to say.
    pub(super) fn plan(&mut self, at: usize, out: &mut Vec<u8>, now: u64) -> Plan {
        let Self { guests, judge, .. } = self;
        let guest = &mut guests[at];
        let mut order = guest.order.take();
        let mut until = [guest.mute_until, guest.deaf_until, guest.slow_until]
            .into_iter()
            .filter(|at| *at > now)
            .min()
            .unwrap_or(u64::MAX);
        let read = if now < guest.deaf_until {
            guest.heard_at = now;
            0
        } else if now < guest.slow_until {
            32
        } else {
            usize::MAX
        };
        let silence = if guest.asked { 2 * SILENCE_US } else { SILENCE_US };
        if now < guest.heard_at + silence {
            until = until.min(guest.heard_at + silence);
        } else if !mem::replace(&mut guest.asked, true) {
            guest.client.ping();
            until = until.min(guest.heard_at + 2 * SILENCE_US);
        } else {
            order = Some(Order::Lose(Loss::Silence));
        }
        out.extend(guest.client.speak(judge, now).bytes());
        Plan { order, read, may_write: now >= guest.mute_until, until }
    }

    /// A client's bytes have set out.
    pub(super) fn sent(&mut self, at: usize, bytes: &[u8], now: u64) {
        if let Some(life) = self.guests[at].client.life {
            self.tell(now, || What::Sent { life, bytes: bytes.to_vec() });
        }
    }

    /// Bytes reached a client.
    pub(super) fn receive(&mut self, at: usize, bytes: &[u8], now: u64) {
        if let Some(life) = self.guests[at].client.life {
            self.tell(now, || What::ReachedClient { life, bytes: bytes.to_vec() });
        }
        self.trace.bytes(bytes);
        let Self { guests, judge, .. } = self;
        let guest = &mut guests[at];
        (guest.heard_at, guest.asked) = (now, false);
        if now < guest.slow_until {
            guest.deaf_until = guest.deaf_until.max(now + BETWEEN_BITES_US);
        }
        let heard = guest.client.receive(bytes, judge, now);
        self.check(heard);
    }

    /// A client's connection is gone, or could not be made.
    pub(super) fn lost(&mut self, at: usize, how: Loss, now: u64) {
        if let Some(life) = self.guests[at].client.life {
            self.tell(now, || What::ClientClosed { life, why: how.to_string() });
        }
        let guest = &mut self.guests[at];
        let client = &mut guest.client;
        if let Some(life) = client.life
            && !self.lives[life].harmed
        {
            let silent = ["timeout", "timed out", "Nothing was read"];
            if let Some(why) = silent.iter().find(|why| client.error.contains(**why)) {
                self.broken.get_or_insert(("cause", format!("a healthy client was ended: {why}")));
            }
            if how == Loss::Silence {
                self.broken.get_or_insert(("cause", format!("life {life} hears nothing more")));
            }
            if how == Loss::Ended && client.error.is_empty() {
                let why = format!("life {life} was ended and not told why");
                self.broken.get_or_insert(("farewell", why));
            }
        }
        client.disconnected();
        let pause = if how == Loss::Replaced { 0 } else { LONGEST_ABSENCE_US };
        guest.returns_at = now + client.rng.between(0, pause);
    }

    /// All troubles of clients end.
    pub(super) fn heal(&mut self, now: u64) {
        self.tell(now, || What::Healing);
        for guest in &mut self.guests {
            (guest.mute_until, guest.deaf_until, guest.slow_until) = (0, 0, 0);
            guest.called.notify_one();
        }
    }

    /// Whether all who want to be there are, and the server knows of nobody else.
    pub(super) fn is_calm(&self) -> bool {
        let wants = self.guests.iter().map(|guest| guest.client.wants_online);
        let there = wants.chain([self.core.wants_online]).filter(|wants| *wants).count();
        self.registered.len() == there
            && self.core.is_calm()
            && self.guests.iter().all(|Guest { client, .. }| {
                if client.wants_online { client.ready().is_some() } else { client.life.is_none() }
            })
    }

    /// Each client asks for something.
    pub(super) fn ask_all(&mut self, what: impl Fn(&mut Client)) {
        for guest in &mut self.guests {
            what(&mut guest.client);
            guest.called.notify_one();
        }
    }

    /// Whether each client that is there has an answer to all of its PINGs.
    pub(super) fn all_answered(&self) -> bool {
        let mut clients = self.guests.iter().map(|guest| &guest.client);
        let is_answered = |client: &Client| {
            client.life.is_none_or(|life| client.has_spoken() && self.judge.is_answered(life))
        };
        clients.all(is_answered) && self.core.is_answered()
    }

    /// The last judgement.
    pub(super) fn finish(&mut self) -> Result<(), Broken> {
        let mut live: Vec<(LifeId, Vec<u32>)> = Vec::new();
        for (number, Guest { client, .. }) in self.guests.iter().enumerate() {
            match client.life {
                Some(life) => live.push((life, client.wanted.iter().copied().collect())),
                None if client.wants_online => {
                    return Err(("settled", format!("c{number} could not come back")));
                }
                None => {}
            }
        }
        match self.core_life() {
            Some(core) => live.push(core),
            None if self.core.wants_online => {
                return Err(("settled", "the real client could not come back".into()));
            }
            None => {}
        }
        self.judge.settled(&live)?;
        self.check_view()?;
        if self.registered.len() != live.len() {
            let (seen, there) = (&self.registered, live.len());
            return Err((
                "ghosts",
                format!("{there} clients are there, the server knows {seen:?}"),
            ));
        }
        let seen = self.judge.finish()?;
        self.counters.add(&seen);
        Ok(())
    }
}
