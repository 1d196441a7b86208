//! The crowd: clients and strangers, their connections over a bad network, the script and its faults;
//! all of a run but the server's side.
//!
//! A heap holds what happens next. The server's side asks [`Crowd::next_at`] for the time of it,
//! moves the clock, and calls [`Crowd::happen`], which says what reached the server by it. What the
//! server's host does with its end of a connection is in `network`.

mod faults;
mod network;

use std::{cmp::Reverse, collections::BinaryHeap, net::IpAddr};

use chat_core::{Instant, Now, Report, UnixMillis};

use crate::{
    bounds::Pieces,
    client::Client,
    counters::Counters,
    judge::{Broken, Judge, LifeId},
    log::{Event, Log, What},
    mutate::Saboteur,
    pipe::{End, Pipe},
    profile::Mutant,
    rng::{Concern, Rng},
    script::{Action, CHAOS_MS, Script},
    sometimes::{Sometimes, Witness},
    stranger::Stranger,
    trace::Trace,
};

use self::faults::Answers;

/// The server's name.
pub(crate) const SERVER: &str = "irc.sim";
/// After healing: time in which all must have come back and the dead must be gone.
const SETTLE_US: u64 = 90_000_000;
/// Time in which the last answers must have come.
const BARRIER_US: u64 = 10_000_000;
/// Time in which a client must be let in, with every byte on its own and few lines a second.
const LET_IN_US: u64 = 20_000_000;
/// Bytes and turns of one run, after which they have no end.
const MOST_WRITTEN: u64 = 64 << 20;
const MOST_TURNS: u64 = 8_000_000;
/// Turns at one and the same time, after which time must go on.
const TURNS_AT_ONCE: u32 = 10_000;
/// The wall clock at the start, in ms.
const WALL_START: i64 = 1_700_000_000_000;

/// What happens; the number is that of a life, if no other word is said.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Due {
    Step(usize),
    /// Bytes, or the end, reach the server.
    Up(LifeId),
    /// Bytes, or the end, reach the client.
    Down(LifeId),
    /// The socket may take more.
    Writable(LifeId),
    /// The server learns that the client has reset the connection.
    ServerReset(LifeId),
    /// The client learns that the server has dropped it.
    ClientReset(LifeId),
    /// A client comes back.
    Return(usize),
    /// By now a client is let in.
    LetIn(LifeId),
    /// A stranger comes, by a fault of this client's, to send so many pieces.
    Knock {
        client: usize,
        pieces: u32,
    },
    /// A stranger goes on.
    Stranger(LifeId),
    /// The host answers what the core has asked; `refused`: that it can't be found out.
    Answer {
        number: usize,
        refused: bool,
    },
    Heal,
    LookAround,
    Finish,
}

/// What reached the server's side.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    /// Somebody connects.
    Opened(LifeId),
    /// There are bytes to read.
    Bytes(LifeId),
    /// The client sends nothing more.
    End(LifeId),
    /// The socket takes more again.
    Writable(LifeId),
    /// The client has reset the connection.
    Reset(LifeId),
    /// What the core has asked with this number is answered; `refused`: that it can't be found out.
    Answer { number: usize, refused: bool },
}

pub(crate) struct Crowd<'a> {
    script: &'a Script,
    now: u64,
    /// What the wall clock is ahead of the monotonic one, ms.
    wall: i64,
    heap: BinaryHeap<Reverse<(u64, u64, Due)>>,
    sequence: u64,
    clients: Vec<Client>,
    strangers: Vec<Stranger>,
    /// One for each life, by its number.
    pipes: Vec<Pipe>,
    pub(crate) judge: Judge,
    /// Timers fire late until then, by up to so much.
    late: (u64, u64),
    answers: Answers,
    /// The server's host has no descriptors to spare until then.
    starved_until: u64,
    /// Of what is not one connection's alone.
    host: Rng,
    finished: bool,
    turns_at_once: u32,
    /// Bytes that the server has written.
    written: u64,
    saboteur: Option<Saboteur>,
    pub(crate) trace: Trace,
    pub(crate) counters: Counters,
    pub(crate) sometimes: Sometimes,
    witness: Witness,
    /// Everything that happened, if somebody wants to read it.
    pub(crate) log: Option<Log>,
    buffer: Vec<u8>,
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(script: &'a Script, mutant: Option<Mutant>) -> Self {
        let password = script.bounds.password > 0;
        let clients = (0..script.clients).map(|number| Client::new(number, script.seed, password));
        let mut crowd = Self {
            now: 0,
            wall: WALL_START,
            heap: BinaryHeap::new(),
            sequence: 0,
            clients: clients.collect(),
            strangers: Vec::new(),
            pipes: Vec::new(),
            judge: Judge::new(SERVER),
            late: (0, 0),
            answers: Answers::default(),
            starved_until: 0,
            host: Rng::new(script.seed, Concern::Answers),
            finished: false,
            turns_at_once: 0,
            written: 0,
            saboteur: mutant.map(|mutant| Saboteur::new(mutant, script.seed)),
            trace: Trace::new(),
            counters: Counters::default(),
            sometimes: Sometimes::default(),
            witness: Witness::default(),
            log: None,
            buffer: Vec::new(),
            script,
        };
        let heal = CHAOS_MS * 1_000;
        crowd.at(heal, Due::Heal);
        crowd.at(heal + SETTLE_US, Due::LookAround);
        crowd.at(heal + SETTLE_US + BARRIER_US, Due::Finish);
        if let Some(step) = script.steps.first() {
            crowd.at(step.at_ms * 1_000, Due::Step(0));
        }
        crowd
    }

    /// Microseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// Both clocks, as the server sees them.
    pub(crate) fn clock(&self) -> Now {
        let wall = self.wall + (self.now / 1_000) as i64;
        Now { mono: Instant::from_micros(self.now), wall: UnixMillis(wall.max(0) as u64) }
    }

    /// When something happens next; never, if the run is over.
    pub(crate) fn next_at(&self) -> u64 {
        self.heap.peek().map_or(u64::MAX, |Reverse((at, ..))| *at)
    }

    /// When a timer of the server's that is due at `at` fires.
    pub(crate) fn fires_at(&self, at: u64) -> u64 {
        let (until, by) = self.late;
        // Work that is left over is no timer: it goes on at once.
        if at > self.now && at < until { at + by } else { at.max(self.now) }
    }

    /// The server's host hears of this.
    ///
    /// # Errors
    /// The server carried out what it should not have.
    pub(crate) fn hear(&mut self, report: &Report) -> Result<(), Broken> {
        self.trace.number(7);
        self.witness.hear(report, self.counters.turns, &mut self.sometimes);
        self.judge.report(report)
    }

    /// Microseconds by which the server's host comes late to what happens next, for being busy with
    /// something else: then more has happened at once.
    pub(crate) fn busy(&self, rng: &mut Rng) -> u64 {
        // Byte by byte there is so much to do that every pause would count.
        if self.script.pieces != Pieces::Mixed {
            return 0;
        }
        match rng.below(16) {
            0 => rng.below(20_000),
            1..4 => rng.below(2_000),
            _ => 0,
        }
    }

    /// Time goes on.
    pub(crate) fn wait_until(&mut self, time: u64) {
        self.turns_at_once = if time > self.now { 0 } else { self.turns_at_once };
        self.now = self.now.max(time);
    }

    /// A turn of the server's begins at `time`.
    ///
    /// # Errors
    /// Time stands still.
    pub(crate) fn turn_at(&mut self, time: u64) -> Result<(), Broken> {
        self.turns_at_once += 1;
        self.wait_until(time);
        self.counters.turns += 1;
        if self.turns_at_once > TURNS_AT_ONCE {
            return Err(("progress", "time stands still: there is always something due".into()));
        }
        if self.written > MOST_WRITTEN || self.counters.turns > MOST_TURNS {
            return Err(("progress", "the server writes without end".into()));
        }
        Ok(())
    }

    /// Whether descriptors are short.
    pub(crate) fn is_starved(&self) -> bool {
        self.now < self.starved_until
    }

    /// Whether the last step was taken.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Connections that clients have at the moment.
    pub(crate) fn live(&self) -> usize {
        self.clients.iter().filter(|client| client.life.is_some()).count()
    }

    /// What holds for all that was said, once the run is over.
    pub(crate) fn judge(&mut self) -> Result<(), Broken> {
        let seen = self.judge.finish()?;
        self.counters.add(&seen);
        self.sometimes.add(&self.judge.sometimes());
        Ok(())
    }

    /// Writes down what happened, if somebody wants to read it.
    pub(crate) fn tell(&mut self, what: impl FnOnce() -> What) {
        if let Some(log) = &mut self.log {
            log.events.push(Event { at_us: self.now, what: what() });
        }
    }

    fn at(&mut self, time: u64, due: Due) {
        self.sequence += 1;
        self.heap.push(Reverse((time, self.sequence, due)));
    }

    /// What is next happens, if it is due: what reached the server by it.
    ///
    /// # Errors
    /// A property does not hold.
    pub(crate) fn happen(&mut self) -> Result<Option<Arrival>, Broken> {
        if self.next_at() > self.now {
            return Ok(None);
        }
        let Some(Reverse((_, _, due))) = self.heap.pop() else { return Ok(None) };
        self.trace.number(self.now);
        match due {
            Due::Step(number) => return Ok(self.step(number)),
            Due::Up(life) => return Ok(self.arrive_up(life)),
            Due::Down(life) => self.arrive_down(life)?,
            Due::Writable(life) => return Ok(self.room(life)),
            Due::ServerReset(life) => {
                let open = !self.pipes[life].server_done;
                return Ok(open.then_some(Arrival::Reset(life)));
            }
            Due::ClientReset(life) => self.lose(life, false)?,
            Due::Return(client) => return Ok(self.connect(client)),
            Due::LetIn(life) => self.was_let_in(life)?,
            Due::Knock { client, pieces } => return Ok(Some(self.knock(client, pieces))),
            Due::Stranger(life) => self.go_on(life),
            Due::Answer { number, refused } => {
                return Ok(Some(Arrival::Answer { number, refused }));
            }
            Due::Heal => self.heal(),
            Due::LookAround => {
                for client in 0..self.clients.len() {
                    self.clients[client].look_around();
                    self.send(client);
                }
            }
            Due::Finish => self.finish()?,
        }
        Ok(None)
    }

    fn step(&mut self, number: usize) -> Option<Arrival> {
        let step = self.script.steps[number];
        if let Some(next) = self.script.steps.get(number + 1) {
            self.at(next.at_ms * 1_000, Due::Step(number + 1));
        }
        let at = step.client as usize;
        self.tell(|| What::Step { client: step.client, action: step.action });
        if step.action.is_fault() {
            return self.fault(at, step.action);
        }
        if step.action == Action::Connect {
            self.clients[at].wants_online = true;
            return self.connect(at);
        }
        let nicks: Vec<String> = self.clients.iter().map(Client::nick).collect();
        self.clients[at].act(step.action, |client| nicks[client as usize].clone());
        self.send(at);
        None
    }

    /// A client connects, if it is not there and wants to be.
    fn connect(&mut self, at: usize) -> Option<Arrival> {
        let client = &mut self.clients[at];
        client.returning = false;
        if client.life.is_some() || !client.wants_online {
            return None;
        }
        let end = End::Client(at);
        let attempt = self.pipes.iter().filter(|pipe| pipe.end == end).count() as u32;
        let concern = Concern::Network { client: at as u32, attempt };
        let address = [192, 0, (at >> 8) as u8, at as u8].into();
        let life = self.open(end, address, Rng::new(self.script.seed, concern));
        self.tell(|| What::Opened { life, client: at as u32 });
        self.clients[at].connected(life);
        self.send(at);
        self.at(self.now + LET_IN_US, Due::LetIn(life));
        Some(Arrival::Opened(life))
    }

    /// A client is let in before long, if nothing was done to its connection and there was a descriptor
    /// for it.
    fn was_let_in(&self, life: LifeId) -> Result<(), Broken> {
        let pipe = &self.pipes[life];
        let was_starved = self.starved_until + LET_IN_US > self.now;
        let End::Client(at) = pipe.end else { return Ok(()) };
        let client = &self.clients[at];
        let waits = client.life == Some(life) && client.ready().is_none();
        if waits && !pipe.harmed && !was_starved {
            return Err(("settled", format!("life {life} came and was not let in")));
        }
        Ok(())
    }

    /// A connection begins.
    fn open(&mut self, end: End, address: IpAddr, rng: Rng) -> LifeId {
        let mut pipe = Pipe::new(end, address, self.script.pieces, rng);
        pipe.harmed = self.late.0 > self.now || self.answers.until > self.now;
        self.pipes.push(pipe);
        self.counters.connections += 1;
        self.judge.begin()
    }

    /// A client that has lost its connection comes back after a while.
    fn come_back(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if client.life.is_none() && client.wants_online && !client.returning {
            client.returning = true;
            // When many have lost theirs at once, some come back at once.
            let pause = if client.rng.chance(20) { 0 } else { client.rng.between(0, 2_000_000) };
            self.at(self.now + pause, Due::Return(at));
        }
    }

    /// The client lets go of its connection.
    fn detach(&mut self, life: LifeId, why: &str) {
        self.tell(|| What::ClientClosed { life, why: why.into() });
        let End::Client(client) = self.pipes[life].end else { return };
        if self.clients[client].life == Some(life) {
            self.clients[client].disconnected();
            self.come_back(client);
        }
    }

    /// The client sees that its connection has ended; `word`: by an end after the last byte, not by
    /// a reset.
    fn lose(&mut self, life: LifeId, word: bool) -> Result<(), Broken> {
        let pipe = &mut self.pipes[life];
        if pipe.client_done {
            return Ok(());
        }
        pipe.client_done = true;
        pipe.up.ended = true;
        let told = match pipe.end {
            End::Stranger(number) => self.strangers[number].told,
            End::Client(client) => {
                let client = &self.clients[client];
                let silent = ["timeout", "timed out", "Nothing was read"];
                if client.life == Some(life)
                    && !pipe.harmed
                    && let Some(why) = silent.iter().find(|why| client.error.contains(**why))
                {
                    return Err(("cause", format!("a healthy client was ended: {why}")));
                }
                client.life != Some(life) || !client.error.is_empty()
            }
        };
        if word && !told {
            return Err(("farewell", format!("life {life} was ended and not told why")));
        }
        self.hurry_up(life);
        self.detach(life, if word { "ended by the server" } else { "reset by the server" });
        Ok(())
    }

    /// All troubles end; whoever wants to be there comes back.
    fn heal(&mut self) {
        self.tell(|| What::Healing);
        self.late = (0, 0);
        self.answers = Answers::default();
        self.starved_until = self.starved_until.min(self.now);
        for life in 0..self.pipes.len() {
            let pipe = &mut self.pipes[life];
            for way in [&mut pipe.up, &mut pipe.down] {
                way.stalled_until = 0;
                way.slow_until = 0;
            }
            self.hurry_up(life);
            self.hurry_down(life);
            let pipe = &self.pipes[life];
            if matches!(pipe.end, End::Stranger(_)) && !pipe.client_done && !pipe.vanished {
                self.reset(life);
            }
        }
        for client in 0..self.clients.len() {
            self.come_back(client);
        }
    }

    fn finish(&mut self) -> Result<(), Broken> {
        self.finished = true;
        let mut live = Vec::new();
        for (number, client) in self.clients.iter().enumerate() {
            match client.life {
                Some(life) => live.push((life, client.wanted.iter().copied().collect())),
                None if client.wants_online => {
                    return Err(("settled", format!("c{number} could not come back")));
                }
                None => {}
            }
        }
        self.judge.settled(&live)
    }
}
