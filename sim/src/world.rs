//! The world: a heap of what happens next, which drives a server in memory as an adapter would.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fmt::Write as _,
};

use chat_core::{
    Answer, CloseWhen, Closed, Config, ConnId, Input, Instant, Limits, Now, Output, Pause,
    PeerInfo, Server, UnixMillis,
};

use crate::{
    client::Client,
    mutate,
    oracle::{Broken, Oracle, Target},
    pipe::Pipe,
    profile::Mutant,
    rng::{Concern, Rng},
    run::Counters,
    script::{Action, CHAOS_MS, Script},
    trace::Trace,
};

/// After healing: time in which all must have come back and the dead must be gone.
const SETTLE_US: u64 = 90_000_000;
/// Time in which the last answers must have come.
const BARRIER_US: u64 = 10_000_000;
/// Turns at one and the same time, after which time must go on.
const TURNS_AT_ONCE: u32 = 10_000;

/// What happens; the number is that of a pipe, if no other word is said.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Event {
    Step(usize),
    /// Bytes reach the server.
    Up(usize),
    /// Bytes reach the client.
    Down(usize),
    /// The socket may take more.
    Writable(usize),
    /// The server learns that the client has reset the connection.
    ServerReset(usize),
    /// The client learns that the server has dropped it.
    ClientReset(usize),
    /// A client comes back.
    Return(usize),
    Heal,
    LookAround,
    Finish,
}

pub(crate) struct World<'a> {
    script: &'a Script,
    server: Server,
    limits: Limits,
    now: u64,
    /// What the wall clock is ahead of the monotonic one, ms.
    wall: i64,
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    clients: Vec<Client>,
    /// One for each life, by its number.
    pipes: Vec<Pipe>,
    by_conn: BTreeMap<ConnId, usize>,
    oracle: Oracle,
    host: Rng,
    /// Timers fire late until then, by up to so much.
    late: (u64, u64),
    healing: bool,
    finished: bool,
    turns_at_once: u32,
    mutant: Option<Mutant>,
    mutations: Rng,
    pub(crate) trace: Trace,
    pub(crate) counters: Counters,
    /// Everything that was said, if somebody wants to read it.
    pub(crate) log: Option<String>,
    buffer: Vec<u8>,
}

fn config(script: &Script) -> Config {
    let seconds = core::time::Duration::from_secs;
    let mut config = Config { default_channels: Vec::new(), ..Config::default() };
    config.name = "irc.sim".into();
    config.network = "Sim".into();
    config.limits = Limits {
        lines_per_second: (script.lines_per_second > 0).then_some(script.lines_per_second),
        lines_burst: 40,
        recvq: 16 << 10,
        sendq_soft: 4 << 10,
        sendq_hard: 16 << 10,
        sendq_total: 40 << 10,
        sendq_age: seconds(10),
        registration: seconds(10),
        ping_interval: seconds(20),
        ping_timeout: seconds(10),
        ask: seconds(5),
        drain: seconds(3),
        connections_per_address: None,
        // The oracle is told of what is said, and knows nothing of what was.
        history_replay: 0,
        ..Limits::default()
    };
    config
}

impl<'a> World<'a> {
    pub(crate) fn new(script: &'a Script, mutant: Option<Mutant>) -> Self {
        let mut host = Rng::new(script.seed, Concern::Host);
        let mut seed = [0; 32];
        for part in seed.chunks_mut(8) {
            part.copy_from_slice(&host.next().to_le_bytes());
        }
        let config = config(script);
        let limits = config.limits.clone();
        let start = Now { mono: Instant::ZERO, wall: UnixMillis(1_700_000_000_000) };
        let server = Server::new(config, seed, start).expect("the configuration is within bounds");
        let clients = (0..script.clients)
            .map(|number| Client::new(number, Rng::new(script.seed, Concern::Client(number))));
        let mut world = Self {
            server,
            limits,
            now: 0,
            wall: 1_700_000_000_000,
            heap: BinaryHeap::new(),
            sequence: 0,
            clients: clients.collect(),
            pipes: Vec::new(),
            by_conn: BTreeMap::new(),
            oracle: Oracle::default(),
            host,
            late: (0, 0),
            healing: false,
            finished: false,
            turns_at_once: 0,
            mutant,
            mutations: Rng::new(script.seed, Concern::Mutant),
            trace: Trace::new(),
            counters: Counters::default(),
            log: None,
            buffer: Vec::new(),
            script,
        };
        let heal = CHAOS_MS * 1_000;
        world.at(heal, Event::Heal);
        world.at(heal + SETTLE_US, Event::LookAround);
        world.at(heal + SETTLE_US + BARRIER_US, Event::Finish);
        if let Some(step) = script.steps.first() {
            world.at(step.at_ms * 1_000, Event::Step(0));
        }
        world
    }

    /// Milliseconds since the start.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now / 1_000
    }

    /// Runs to the end, or to the first property that does not hold.
    pub(crate) fn run(&mut self) -> Result<(), Broken> {
        while !self.finished {
            self.turn()?;
        }
        self.trace.number(self.server.state_hash());
        self.oracle.nothing_lost()?;
        self.oracle.one_order()?;
        self.counters.received = self.oracle.received;
        self.counters.owed = self.oracle.owed;
        Ok(())
    }

    /// One turn of the host's loop: inputs, all outputs, and the bounds.
    fn turn(&mut self) -> Result<(), Broken> {
        let next = self.heap.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
        let timer = self.timer();
        let before = self.now;
        self.now = self.now.max(next.min(timer.unwrap_or(u64::MAX)));
        self.turns_at_once = if self.now > before { 0 } else { self.turns_at_once + 1 };
        if self.turns_at_once > TURNS_AT_ONCE {
            return Err(("progress", "time stands still: there is always something due".into()));
        }
        if timer.is_some_and(|at| at <= self.now) {
            self.trace.number(self.now);
            self.note(format_args!("timeout"));
            self.input(Input::Timeout);
        }
        // Sometimes a turn takes all that is due, sometimes only one.
        let most = if self.host.chance(50) { 1 } else { 64 };
        for _ in 0..most {
            match self.heap.peek() {
                Some(Reverse((at, ..))) if *at <= self.now => {}
                _ => break,
            }
            let Some(Reverse((_, _, event))) = self.heap.pop() else { break };
            self.happen(event)?;
        }
        self.drain();
        self.check_bounds()
    }

    /// When the host calls on the core next.
    fn timer(&mut self) -> Option<u64> {
        if self.mutant == Some(Mutant::DeafToTime) {
            return None;
        }
        let at = self.server.poll_timeout()?.as_micros();
        let (until, by) = self.late;
        // Work that is left over is no timer: it goes on at once.
        Some(if at > self.now && at < until { at + by } else { at.max(self.now) })
    }

    fn at(&mut self, time: u64, event: Event) {
        self.sequence += 1;
        self.heap.push(Reverse((time, self.sequence, event)));
    }

    fn clock(&self) -> Now {
        let wall = self.wall + (self.now / 1_000) as i64;
        Now { mono: Instant::from_micros(self.now), wall: UnixMillis(wall.max(0) as u64) }
    }

    fn input(&mut self, input: Input<'_>) {
        let now = self.clock();
        self.server.handle(now, input);
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        if let Some(log) = &mut self.log {
            writeln!(log, "{:>10.3} {what}", self.now as f64 / 1_000.0)
                .expect("a string takes all");
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        self.trace.number(self.now);
        match event {
            Event::Step(number) => self.step(number),
            Event::Up(pipe) => self.arrive_up(pipe),
            Event::Down(pipe) => self.arrive_down(pipe)?,
            Event::Writable(pipe) => {
                self.pipes[pipe].writable_due = false;
                if self.pipes[pipe].blocked && !self.pipes[pipe].server_done {
                    self.pipes[pipe].blocked = false;
                    self.flush(pipe);
                }
            }
            Event::ServerReset(pipe) => self.close(pipe, Closed::Reset),
            Event::ClientReset(pipe) => self.lose(pipe)?,
            Event::Return(client) => self.connect(client),
            Event::Heal => self.heal(),
            Event::LookAround => {
                for client in 0..self.clients.len() {
                    self.clients[client].look_around(&mut self.oracle, self.now);
                    self.send(client);
                }
            }
            Event::Finish => self.finish()?,
        }
        Ok(())
    }

    fn step(&mut self, number: usize) {
        let step = self.script.steps[number];
        if let Some(next) = self.script.steps.get(number + 1) {
            self.at(next.at_ms * 1_000, Event::Step(number + 1));
        }
        let at = step.client as usize;
        let now = self.now;
        self.note(format_args!("c{at}: {}", step.action));
        let oracle = &mut self.oracle;
        let client = &mut self.clients[at];
        match step.action {
            Action::Connect => {
                client.wants_online = true;
                return self.connect(at);
            }
            Action::Quit => client.quit(),
            Action::Join(channel) => client.join(channel, oracle),
            Action::Part(channel) => client.part(channel, oracle, now),
            Action::Say(channel, len) => {
                client.message(Target::Channel(channel), len, oracle, now);
            }
            Action::Tell(to, len) => {
                let nick = self.clients[to as usize].life.and_then(|life| oracle.nick(life));
                if let Some(nick) = nick {
                    self.clients[at].message(Target::User(nick), len, oracle, now);
                }
            }
            Action::Flood(channel, lines) => {
                for _ in 0..lines {
                    client.message(Target::Channel(channel), 60, oracle, now);
                }
            }
            Action::Rename => client.rename(oracle, now),
            Action::Ping => client.ping(oracle, now),
            fault => return self.fault(at, fault),
        }
        self.send(at);
    }

    fn fault(&mut self, client: usize, fault: Action) {
        self.counters.faults += 1;
        let until = |ms: u32| self.now + u64::from(ms) * 1_000;
        match fault {
            Action::WallJump(seconds) => self.wall += i64::from(seconds) * 1_000,
            Action::LateTimers(ms) => {
                self.late = (until(10_000), u64::from(ms) * 1_000);
                self.pipes.iter_mut().for_each(|pipe| pipe.harmed = true);
            }
            _ => {
                let Some(id) = self.clients[client].life else { return };
                let pipe = &mut self.pipes[id];
                pipe.harmed = true;
                match fault {
                    Action::HalfClose => {
                        pipe.up.ended = true;
                        self.hurry_up(id);
                    }
                    Action::StallUp(ms) => pipe.up.stalled_until = until(ms),
                    Action::StallDown(ms) => pipe.down.stalled_until = until(ms),
                    Action::ReadSlowly(ms) => pipe.down.slow_until = until(ms),
                    Action::Vanish => {
                        pipe.vanished = true;
                        self.detach(id);
                    }
                    _ => {
                        pipe.client_done = true;
                        let at = self.now + self.pipes[id].latency();
                        self.at(at, Event::ServerReset(id));
                        self.detach(id);
                    }
                }
            }
        }
    }

    /// All troubles end; whoever wants to be there comes back.
    fn heal(&mut self) {
        self.note(format_args!("healing begins"));
        self.healing = true;
        self.late = (0, 0);
        for id in 0..self.pipes.len() {
            let pipe = &mut self.pipes[id];
            for way in [&mut pipe.up, &mut pipe.down] {
                way.stalled_until = 0;
                way.slow_until = 0;
            }
            self.hurry_up(id);
            self.hurry_down(id);
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
        self.oracle.settled(&live)?;
        let metrics = self.server.metrics();
        let there = live.len() as u64;
        if (metrics.connections, metrics.users) != (there, there) {
            let why = format!("{there} clients are there, the server counts {metrics:?}");
            return Err(("ghosts", why));
        }
        if metrics.queued_bytes > 0 {
            return Err(("settled", format!("{} bytes still wait", metrics.queued_bytes)));
        }
        Ok(())
    }

    fn connect(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.returning = false;
        if client.life.is_some() || !client.wants_online {
            return;
        }
        let peer = PeerInfo { address: Some([192, 0, 2, at as u8].into()), exempt: false };
        let now = self.clock();
        let Ok(conn) = self.server.open(now, peer) else { return self.come_back(at) };
        let attempt = self.pipes.iter().filter(|pipe| pipe.client == at).count() as u32;
        let concern = Concern::Network { client: at as u32, attempt };
        let mut pipe = Pipe::new(at, conn, Rng::new(self.script.seed, concern));
        pipe.harmed = self.late.0 > self.now;
        self.pipes.push(pipe);
        self.by_conn.insert(conn, self.pipes.len() - 1);
        self.counters.connections += 1;
        let life = self.oracle.begin();
        self.clients[at].connected(life);
        self.send(at);
    }

    /// A client that has lost its connection comes back after a while.
    fn come_back(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if client.life.is_none() && client.wants_online && !client.returning {
            client.returning = true;
            let pause = client.rng.between(0, 2_000_000);
            self.at(self.now + pause, Event::Return(at));
        }
    }

    /// The client lets go of its connection.
    fn detach(&mut self, pipe: usize) {
        let client = self.pipes[pipe].client;
        if self.clients[client].life == Some(pipe) {
            self.clients[client].disconnected();
            self.come_back(client);
        }
    }

    /// The client sees that its connection has ended.
    fn lose(&mut self, id: usize) -> Result<(), Broken> {
        let pipe = &mut self.pipes[id];
        if pipe.client_done {
            return Ok(());
        }
        pipe.client_done = true;
        pipe.up.ended = true;
        let client = &self.clients[pipe.client];
        let silent = ["timeout", "timed out", "Nothing was read"];
        if client.life == Some(id)
            && !pipe.harmed
            && let Some(why) = silent.iter().find(|why| client.error.contains(**why))
        {
            return Err(("cause", format!("a healthy client was ended: {why}")));
        }
        self.hurry_up(id);
        self.detach(id);
        Ok(())
    }

    /// What a client has to say sets out.
    fn send(&mut self, client: usize) {
        let client = &mut self.clients[client];
        let Some(id) = client.life else { return client.out.clear() };
        if !self.pipes[id].up.ended {
            self.pipes[id].up.bytes.extend(client.out.bytes());
        }
        client.out.clear();
        self.hurry_up(id);
    }

    fn hurry_up(&mut self, id: usize) {
        let pipe = &mut self.pipes[id];
        let waits = !pipe.up.bytes.is_empty() || pipe.up.ended && !pipe.eof_told;
        if !pipe.up.due && waits && pipe.reading && !pipe.vanished && !pipe.server_done {
            pipe.up.due = true;
            let at = (self.now + pipe.latency()).max(pipe.up.stalled_until);
            self.at(at, Event::Up(id));
        }
    }

    fn hurry_down(&mut self, id: usize) {
        let pipe = &mut self.pipes[id];
        let waits = !pipe.down.bytes.is_empty() || pipe.down.ended;
        if !pipe.down.due && waits && !pipe.vanished && !pipe.client_done {
            pipe.down.due = true;
            let mut at = (self.now + pipe.latency()).max(pipe.down.stalled_until);
            if self.now < pipe.down.slow_until {
                at += 20_000;
            }
            self.at(at, Event::Down(id));
        }
    }

    fn arrive_up(&mut self, id: usize) {
        let pipe = &mut self.pipes[id];
        pipe.up.due = false;
        if pipe.vanished || pipe.server_done || !pipe.reading {
            return;
        }
        if self.now < pipe.up.stalled_until {
            return self.hurry_up(id);
        }
        let conn = pipe.conn;
        let count = pipe.rng.portion(pipe.up.bytes.len()).min(16 << 10);
        if count > 0 {
            let mut buffer = std::mem::take(&mut self.buffer);
            pipe.up.take(count, &mut buffer);
            let shut = pipe.down.ended;
            self.trace.number(id as u64);
            self.trace.bytes(&buffer);
            self.note(format_args!("{id} > {}", buffer.escape_ascii()));
            // After its last byte the host reads on and drops what comes.
            if !shut {
                self.input(Input::Data(conn, &buffer));
            }
            self.buffer = buffer;
        } else if pipe.up.ended && !pipe.eof_told {
            pipe.eof_told = true;
            self.note(format_args!("{id} > (end)"));
            self.input(Input::Eof(conn));
            self.closed_both_ways(id);
        }
        self.hurry_up(id);
    }

    fn arrive_down(&mut self, id: usize) -> Result<(), Broken> {
        let pipe = &mut self.pipes[id];
        pipe.down.due = false;
        if pipe.vanished || pipe.client_done {
            return Ok(());
        }
        if self.now < pipe.down.stalled_until {
            self.hurry_down(id);
            return Ok(());
        }
        let mut count = pipe.rng.portion(pipe.down.bytes.len());
        if self.now < pipe.down.slow_until {
            count = count.min(32);
        }
        if count == 0 {
            // All was read, and nothing more will come.
            return self.lose(id);
        }
        let client = pipe.client;
        let mut buffer = std::mem::take(&mut self.buffer);
        pipe.down.take(count, &mut buffer);
        if pipe.blocked && !pipe.writable_due && !pipe.server_done {
            pipe.writable_due = true;
            let at = self.now + pipe.latency();
            self.at(at, Event::Writable(id));
        }
        let (log, now) = (&mut self.log, self.now);
        let heard = self.clients[client].receive(&buffer, &mut self.oracle, now, |line| {
            if let Some(log) = log {
                let ms = now as f64 / 1_000.0;
                writeln!(log, "{ms:>10.3} {id} < {}", line.escape_ascii()).expect("a string");
            }
        });
        self.buffer = buffer;
        heard?;
        self.send(client);
        self.hurry_down(id);
        Ok(())
    }

    /// Takes all outputs, as an adapter does.
    fn drain(&mut self) {
        while let Some(output) = self.server.poll_output() {
            self.counters.outputs += 1;
            let pipe = |conn| self.by_conn.get(&conn).copied();
            match output {
                Output::Flush(conn) => {
                    self.trace.number(1);
                    if let Some(id) = pipe(conn) {
                        self.flush(id);
                    }
                }
                Output::SetRead(conn, on) => {
                    self.trace.number(2 + u64::from(on));
                    if let Some(id) = pipe(conn) {
                        self.note(format_args!("{id} reading: {on}"));
                        self.pipes[id].reading = on;
                        self.hurry_up(id);
                    }
                }
                Output::Close(conn, when) => {
                    self.trace.number(4 + u64::from(when == CloseWhen::Now));
                    let Some(id) = pipe(conn) else { continue };
                    self.note(format_args!("{id} close: {when:?}"));
                    match when {
                        CloseWhen::AfterFlush => {
                            self.pipes[id].closing = true;
                            self.shut_if_sent(id);
                        }
                        CloseWhen::Now => {
                            self.counters.dropped += 1;
                            let at = self.now + self.pipes[id].latency();
                            self.at(at, Event::ClientReset(id));
                            self.close(id, Closed::Asked);
                        }
                    }
                }
                Output::Ask(ticket, _) => self.input(Input::Answer(ticket, Answer::Unavailable)),
                Output::Cancel(_) => self.trace.number(6),
                Output::Report(_) => self.trace.number(7),
                Output::Stopped => self.trace.number(8),
            }
        }
    }

    /// One write of an outbox: as much as the socket takes, or the host's own bound.
    fn flush(&mut self, id: usize) {
        let conn = self.pipes[id].conn;
        let mut bytes: Vec<u8> = Vec::new();
        self.server.outbox(conn).for_each(|chunk| bytes.extend_from_slice(&chunk));
        let pipe = &mut self.pipes[id];
        let room = (self.script.window as usize).saturating_sub(pipe.down.bytes.len());
        let mut count = bytes.len().min(room);
        let mut pause = Pause::Full;
        match pipe.rng.below(10) {
            // The socket is full earlier than it has to be.
            0 => count = pipe.rng.portion(count),
            1 if count > 0 => {
                let bound = pipe.rng.between(1, count as u64) as usize;
                if bound < count {
                    (count, pause) = (bound, Pause::Yield);
                }
            }
            _ => {}
        }
        let partial = count < bytes.len();
        self.counters.flushes += 1;
        self.counters.partial_writes += u64::from(partial);
        self.trace.number(id as u64);
        self.trace.bytes(&bytes[..count]);
        self.write(id, &bytes, count);
        let pipe = &mut self.pipes[id];
        pipe.blocked = partial && pause == Pause::Full;
        if pipe.blocked && count < room && !pipe.writable_due {
            pipe.writable_due = true;
            let at = self.now + pipe.latency();
            self.at(at, Event::Writable(id));
        }
        self.hurry_down(id);
        self.input(Input::Sent(conn, count, pause));
        self.shut_if_sent(id);
    }

    /// Puts the first `count` bytes on their way, unless a mutant makes something else of them.
    fn write(&mut self, id: usize, bytes: &[u8], count: usize) {
        let at_line = self.pipes[id].at_line;
        let mut sent = std::borrow::Cow::Borrowed(&bytes[..count]);
        if let Some(mutant) = self.mutant {
            let rng = &mut self.mutations;
            if mutant == Mutant::LoseByteOnPartialWrite && count > 0 && count < bytes.len() {
                sent.to_mut().pop();
            }
            if at_line {
                if let Some(mutated) = mutate::strike(mutant, &sent, rng) {
                    sent = mutated.into();
                }
                if mutant == Mutant::DeliverToNonMember && rng.chance(20) {
                    self.misdeliver(id, &sent);
                }
            }
        }
        let pipe = &mut self.pipes[id];
        pipe.at_line = bytes[..count].last().map_or(at_line, |last| *last == b'\n');
        if !pipe.client_done {
            pipe.down.bytes.extend(sent.iter());
        }
    }

    /// The mutant: a channel's message goes to a client that is not in it.
    fn misdeliver(&mut self, from: usize, bytes: &[u8]) {
        let Some(line) = mutate::channel_message(bytes) else { return };
        let channel = String::from_utf8_lossy(line);
        let channel = channel.split(" #").nth(1).and_then(|rest| rest.split(' ').next());
        let Some(channel) = channel.and_then(|number| number.parse::<u32>().ok()) else { return };
        let victim = self.clients.iter().find(|client| {
            !client.wanted.contains(&channel)
                && client.ready().is_some_and(|life| life != from && self.pipes[life].at_line)
        });
        if let Some(life) = victim.and_then(Client::ready) {
            self.pipes[life].down.bytes.extend(line);
            self.hurry_down(life);
        }
    }

    /// A connection that is to be closed after its last byte: that byte may have left.
    fn shut_if_sent(&mut self, id: usize) {
        let pipe = &mut self.pipes[id];
        if !pipe.closing || pipe.down.ended || self.server.outbox(pipe.conn).next().is_some() {
            return;
        }
        pipe.down.ended = true;
        self.hurry_down(id);
        self.closed_both_ways(id);
    }

    fn closed_both_ways(&mut self, id: usize) {
        let pipe = &self.pipes[id];
        if pipe.down.ended && pipe.eof_told {
            self.close(id, Closed::Asked);
        }
    }

    /// The server's end is gone.
    fn close(&mut self, id: usize, why: Closed) {
        let pipe = &mut self.pipes[id];
        if !std::mem::replace(&mut pipe.server_done, true) {
            let conn = pipe.conn;
            self.by_conn.remove(&conn);
            self.trace.number(9);
            self.note(format_args!("{id} closed: {why:?}"));
            self.input(Input::Closed(conn, why));
        }
    }

    /// Queues are within their bounds, after every turn.
    fn check_bounds(&mut self) -> Result<(), Broken> {
        let queued = self.server.metrics().queued_bytes as usize;
        self.counters.most_queued = self.counters.most_queued.max(queued as u64);
        // One entry's deliveries may pass the limit before the largest debtors are ended.
        let most = self.limits.sendq_total + (8 << 10);
        if queued > most {
            return Err(("bounds", format!("{queued} bytes wait in all, more than {most}")));
        }
        self.counters.turns += 1;
        if self.counters.turns.is_multiple_of(16) {
            let most = self.limits.sendq_hard + (20 << 10);
            for (conn, id) in &self.by_conn {
                let waits: usize = self.server.outbox(*conn).map(|chunk| chunk.len()).sum();
                if waits > most {
                    let why = format!("{waits} bytes wait for life {id}, more than {most}");
                    return Err(("bounds", why));
                }
            }
        }
        Ok(())
    }
}
