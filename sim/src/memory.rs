//! Layer 1: the core itself, driven as an adapter would, with the crowd for a network.

use std::{collections::VecDeque, time::Duration};

use chat_core::{
    Answer, CloseWhen, Closed, ConnId, Input, Limits, Output, Pause, PeerInfo, Report, Server,
    Ticket,
};

use crate::{
    bounds::{Bounds, Pieces},
    crowd::{Arrival, Crowd},
    judge::{Broken, LifeId},
    log::What,
    profile::Mutant,
    rng::{Concern, Rng},
    script::Script,
    sometimes::Seen,
};

pub(crate) struct Memory<'a> {
    pub(crate) crowd: Crowd<'a>,
    server: Server,
    limits: Limits,
    /// How the host takes its turns.
    rng: Rng,
    /// Nothing is left to chance.
    steady: bool,
    /// By life. None for those who were refused.
    links: Vec<Option<Link>>,
    /// What the core has asked, by number.
    asked: Vec<Asked>,
    /// The life of a connection, by its index.
    lives: Vec<LifeId>,
    /// What is to be done, reports aside.
    outputs: VecDeque<Output>,
    /// The first report of what should not be.
    misreported: Option<Broken>,
    deaf_to_time: bool,
    buffer: Vec<u8>,
}

/// What the core has asked.
struct Asked {
    ticket: Ticket,
    answer: Answer,
    cancelled: bool,
}

/// What the host keeps of a connection.
struct Link {
    conn: ConnId,
    /// To be closed when the outbox is empty: since when.
    closing: Option<u64>,
    /// When the socket last took something.
    took_at: u64,
    /// Since when it is not read from although nothing waits to be written to it.
    idle_since: Option<u64>,
}

/// Time after which somebody who could go on has gone on.
const IDLE_US: u64 = 5_000_000;
/// What one turn may be asked to do: far more than to write all outboxes byte by byte.
const OUTPUTS_AT_ONCE: u64 = 1_000_000;

impl<'a> Memory<'a> {
    pub(crate) fn new(script: &'a Script, mutant: Option<Mutant>) -> Self {
        let mut rng = Rng::new(script.seed, Concern::Host);
        let seed = rng.seed();
        let crowd = Crowd::new(script, mutant);
        let config = script.bounds.config();
        let limits = config.limits.clone();
        let server = Server::new(config, seed, crowd.clock());
        Self {
            crowd,
            server: server.expect("the configuration is within bounds"),
            limits,
            rng,
            steady: script.pieces == Pieces::Whole,
            links: Vec::new(),
            asked: Vec::new(),
            lives: Vec::new(),
            outputs: VecDeque::new(),
            misreported: None,
            deaf_to_time: mutant == Some(Mutant::DeafToTime),
            buffer: Vec::new(),
        }
    }

    /// Runs to the end, or to the first property that does not hold.
    pub(crate) fn run(&mut self) -> Result<(), Broken> {
        while !self.crowd.is_finished() {
            self.turn()?;
        }
        self.crowd.trace.number(self.server.state_hash());
        self.check_rest()?;
        self.crowd.judge()
    }

    /// One turn of the host's loop: inputs, all outputs, and the bounds.
    fn turn(&mut self) -> Result<(), Broken> {
        let timer = self.timer();
        let left_over = timer.is_some_and(|at| at <= self.crowd.now());
        let next = self.crowd.next_at().min(timer.unwrap_or(u64::MAX));
        let busy = self.crowd.busy(&mut self.rng);
        self.crowd.turn_at(next.saturating_add(busy))?;
        if left_over {
            self.crowd.sometimes.see(Seen::BudgetSpent);
        }
        if timer.is_some_and(|at| at <= self.crowd.now()) {
            self.crowd.trace.number(self.crowd.now());
            self.crowd.tell(|| What::Timeout);
            if self.server.poll_timeout().is_some_and(|at| at.as_micros() < self.crowd.now()) {
                self.crowd.sometimes.see(Seen::LateTimer);
            }
            self.input(Input::Timeout);
        }
        // Sometimes a turn takes all that is due, sometimes only one.
        let most = if self.steady || self.rng.chance(50) { 1 } else { 64 };
        for _ in 0..most {
            if self.crowd.next_at() > self.crowd.now() {
                break;
            }
            if let Some(arrival) = self.crowd.happen()? {
                self.take(arrival);
            }
            // Nothing is read from a connection that the core wants nothing more of.
            if self.outputs.iter().any(|output| matches!(output, Output::SetRead(_, false))) {
                break;
            }
        }
        self.drain()?;
        self.check_bounds()
    }

    /// When the host calls on the core next.
    fn timer(&self) -> Option<u64> {
        if self.deaf_to_time {
            return None;
        }
        let at = self.server.poll_timeout()?.as_micros();
        Some(self.crowd.fires_at(at))
    }

    fn input(&mut self, input: Input<'_>) {
        let now = self.crowd.clock();
        self.server.handle(now, input);
        self.collect();
    }

    /// Takes outputs, and hears reports at once: what was reported must be known before bytes that
    /// follow from it reach a client, which may be in this turn.
    fn collect(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Report(report) => self.report(&report),
                output => self.outputs.push_back(output),
            }
        }
    }

    /// Hands over what has reached the server.
    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Opened(life) => self.open(life),
            Arrival::Bytes(life) => {
                let mut buffer = std::mem::take(&mut self.buffer);
                self.crowd.read(life, usize::MAX, &mut buffer);
                // After its last byte the host reads on and drops what comes.
                if !self.crowd.pipe(life).down.ended {
                    let conn = self.link(life).conn;
                    self.input(Input::Data(conn, &buffer));
                }
                self.buffer = buffer;
                if !self.steady && self.rng.chance(30) && self.crowd.end_follows(life) {
                    self.take(Arrival::End(life));
                }
            }
            Arrival::End(life) => {
                let conn = self.link(life).conn;
                self.input(Input::Eof(conn));
                self.closed_both_ways(life);
            }
            Arrival::Writable(life) => self.flush(life),
            Arrival::Reset(life) => self.close(life, Closed::Reset),
            Arrival::Answer { number, refused } => {
                let Asked { ticket, answer, cancelled } = &self.asked[number];
                if *cancelled {
                    self.crowd.sometimes.see(Seen::AnsweredTooLate);
                }
                let answer = if refused { Answer::Unavailable } else { answer.clone() };
                self.input(Input::Answer(*ticket, answer));
            }
        }
    }

    fn open(&mut self, life: LifeId) {
        let peer = PeerInfo { address: Some(self.crowd.pipe(life).address), exempt: false };
        let now = self.crowd.clock();
        let conn = match self.server.open(now, peer) {
            Ok(conn) => conn,
            Err(refused) => {
                self.links.push(None);
                self.crowd.write(life, &refused.line, false, false);
                self.crowd.shut_down(life);
                return self.crowd.close(life, "refused", false);
            }
        };
        self.links.push(Some(Link { conn, closing: None, took_at: 0, idle_since: None }));
        let index = conn.index();
        if self.lives.len() <= index {
            self.lives.resize(index + 1, life);
        }
        self.lives[index] = life;
    }

    /// A life's connection. Nothing arrives of one who was refused.
    fn link(&mut self, life: LifeId) -> &mut Link {
        self.links[life].as_mut().expect("it was not refused")
    }

    /// The life of a connection that is not closed.
    fn life(&mut self, conn: ConnId) -> Option<LifeId> {
        let life = *self.lives.get(conn.index())?;
        (self.link(life).conn == conn && !self.crowd.pipe(life).server_done).then_some(life)
    }

    /// Takes all outputs, as an adapter does.
    fn drain(&mut self) -> Result<(), Broken> {
        self.collect();
        let most = self.crowd.counters.outputs + OUTPUTS_AT_ONCE;
        while let Some(output) = self.outputs.pop_front() {
            self.crowd.counters.outputs += 1;
            if self.crowd.counters.outputs > most {
                return Err(("progress", "a turn of the host's has no end".into()));
            }
            match output {
                Output::Flush(conn) => {
                    self.crowd.trace.number(1);
                    if let Some(life) = self.life(conn) {
                        self.flush(life);
                    }
                }
                Output::SetRead(conn, on) => {
                    self.crowd.trace.number(2 + u64::from(on));
                    if let Some(life) = self.life(conn) {
                        if !on {
                            self.crowd.sometimes.see(Seen::ReadingStopped);
                            if self.crowd.pipe(life).eof_told {
                                self.crowd.sometimes.see(Seen::EndWithLinesUnread);
                            }
                        }
                        self.crowd.set_reading(life, on);
                    }
                }
                Output::Close(conn, when) => {
                    let now = when == CloseWhen::Now;
                    self.crowd.trace.number(4 + u64::from(now));
                    let Some(life) = self.life(conn) else { continue };
                    self.crowd.tell(|| What::Closing { life, now });
                    if now {
                        if self.link(life).closing.is_some() {
                            self.crowd.sometimes.see(Seen::ClosedByForce);
                        }
                        self.had_time(life)?;
                        self.close(life, Closed::Asked);
                    } else {
                        self.link(life).closing = Some(self.crowd.now());
                        self.shut_if_sent(life);
                    }
                }
                Output::Ask(ticket, request) => {
                    let answer = Bounds::answer(&request);
                    self.asked.push(Asked { ticket, answer, cancelled: false });
                    self.crowd.ask(self.asked.len() - 1);
                }
                Output::Cancel(ticket) => {
                    self.crowd.trace.number(6);
                    let mut asked = self.asked.iter_mut();
                    if let Some(asked) = asked.find(|asked| asked.ticket == ticket) {
                        asked.cancelled = true;
                    }
                }
                // These are heard at once.
                Output::Report(_) => {}
                Output::Stopped => self.crowd.trace.number(8),
            }
        }
        self.misreported.take().map_or(Ok(()), Err)
    }

    fn report(&mut self, report: &Report) {
        if let Report::Line { conn, line } = report {
            let life = self.lives[conn.index()];
            self.crowd.tell(|| What::Carried { life, line: line.clone() });
            // Each of its lines may ask the host something.
            if let Some(link) = &mut self.links[life] {
                link.idle_since = None;
            }
        }
        let heard = self.crowd.hear(report).and_then(|()| self.was_slow(report));
        if let Err(broken) = heard {
            self.misreported.get_or_insert(broken);
        }
    }

    /// Who is ended for not reading has read nothing for so long.
    fn was_slow(&self, report: &Report) -> Result<(), Broken> {
        let Report::Ended { conn, why, .. } = report else { return Ok(()) };
        let link = self.links[self.lives[conn.index()]].as_ref();
        let idle = self.crowd.now() - link.map_or(0, |link| link.took_at);
        if why.starts_with(b"Nothing was read") && idle < micros(self.limits.sendq_age) {
            return Err(("cause", format!("{conn:?} had read something {idle} µs before")));
        }
        Ok(())
    }

    /// Who is to be closed has had time to read its last lines.
    fn had_time(&mut self, life: LifeId) -> Result<(), Broken> {
        let (now, drain) = (self.crowd.now(), micros(self.limits.drain));
        let closing = self.link(life).closing;
        if closing.is_none_or(|since| now - since < drain) {
            return Err(("farewell", format!("life {life} had no time to read its last lines")));
        }
        Ok(())
    }

    /// One write of an outbox: as much as the socket takes, or the host's own bound.
    fn flush(&mut self, life: LifeId) {
        let conn = self.link(life).conn;
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        let len = self.server.outbox(conn).map(|chunk| chunk.len()).sum();
        let (count, pause) = self.takes(life, len);
        for chunk in self.server.outbox(conn) {
            let rest = count - bytes.len();
            if rest == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..chunk.len().min(rest)]);
        }
        let partial = count < len;
        self.crowd.counters.flushes += 1;
        self.crowd.counters.partial_writes += u64::from(partial);
        if pause == Pause::Yield {
            self.crowd.sometimes.see(Seen::HostsOwnBound);
        }
        self.crowd.write(life, &bytes, partial, partial && pause == Pause::Full);
        if count > 0 {
            self.link(life).took_at = self.crowd.now();
        }
        self.buffer = bytes;
        self.input(Input::Sent(conn, count, pause));
        self.shut_if_sent(life);
    }

    /// How many of `len` bytes are written at once, and why no more.
    fn takes(&mut self, life: LifeId, len: usize) -> (usize, Pause) {
        let count = len.min(self.crowd.window(life));
        let pipe = self.crowd.pipe(life);
        match pipe.pieces {
            Pieces::Whole => (count, Pause::Full),
            Pieces::Bytes => (count.min(1), if count > 1 { Pause::Yield } else { Pause::Full }),
            Pieces::Mixed => match pipe.rng.below(10) {
                // The socket is full earlier than it has to be.
                0 => (pipe.rng.portion(count), Pause::Full),
                1 if count > 1 => {
                    let bound = pipe.rng.between(1, count as u64) as usize;
                    (bound, if bound < count { Pause::Yield } else { Pause::Full })
                }
                _ => (count, Pause::Full),
            },
        }
    }

    /// A connection that is to be closed after its last byte: that byte may have left.
    fn shut_if_sent(&mut self, life: LifeId) {
        let Link { conn, closing, .. } = *self.link(life);
        if closing.is_some()
            && !self.crowd.pipe(life).down.ended
            && self.server.outbox(conn).next().is_none()
        {
            self.crowd.shut_down(life);
            self.closed_both_ways(life);
        }
    }

    fn closed_both_ways(&mut self, life: LifeId) {
        let pipe = self.crowd.pipe(life);
        if pipe.down.ended && pipe.eof_told {
            self.close(life, Closed::Asked);
        }
    }

    /// The server's end is gone.
    fn close(&mut self, life: LifeId, why: Closed) {
        let pipe = self.crowd.pipe(life);
        if pipe.server_done {
            return;
        }
        let reset = why == Closed::Asked && !(pipe.down.ended && pipe.eof_told);
        self.crowd.counters.dropped += u64::from(reset);
        let told = if why == Closed::Asked { "closed as asked" } else { "reset" };
        self.crowd.close(life, told, reset);
        let conn = self.link(life).conn;
        self.input(Input::Closed(conn, why));
    }

    /// Queues are within their bounds, after every turn.
    fn check_bounds(&mut self) -> Result<(), Broken> {
        let queued = self.server.metrics().queued_bytes as usize;
        let counters = &mut self.crowd.counters;
        counters.most_queued = counters.most_queued.max(queued as u64);
        // One entry's deliveries may pass the limit before the largest debtors are ended.
        let most = self.limits.sendq_total + (8 << 10);
        if queued > most {
            return Err(("bounds", format!("{queued} bytes wait in all, more than {most}")));
        }
        if counters.turns.is_multiple_of(16) {
            self.check_idle()?;
            // What is over is replaced by one line, which may follow the end of another.
            let most = self.limits.sendq_hard + (1 << 10);
            for life in &self.lives {
                let Some(link) = &self.links[*life] else { continue };
                let outbox = self.server.outbox(link.conn);
                let waits: usize = outbox.map(|chunk| chunk.len()).sum();
                if waits > most {
                    let why = format!("{waits} bytes wait for life {life}, more than {most}");
                    return Err(("bounds", why));
                }
            }
        }
        Ok(())
    }

    /// Without a limit of lines, who is not read from waits for an answer of the host's or for room.
    fn check_idle(&mut self) -> Result<(), Broken> {
        let most = micros(self.limits.ask) + IDLE_US;
        for life in &self.lives {
            let Some(link) = &mut self.links[*life] else { continue };
            let pipe = self.crowd.pipe(*life);
            let is_idle = !pipe.reading && !pipe.server_done;
            let is_idle = is_idle && self.server.outbox(link.conn).next().is_none();
            let now = self.crowd.now();
            let since = is_idle.then(|| *link.idle_since.get_or_insert(now));
            link.idle_since = since;
            let limited = self.limits.lines_per_second.is_some();
            if !limited && since.is_some_and(|since| now - since > most) {
                return Err(("settled", format!("life {life} is not read from any more")));
            }
        }
        Ok(())
    }

    /// At the end the server knows who is there, and nothing waits.
    fn check_rest(&self) -> Result<(), Broken> {
        let metrics = self.server.metrics();
        let there = self.crowd.live() as u64;
        if (metrics.connections, metrics.users) != (there, there) {
            let why = format!("{there} clients are there, the server counts {metrics:?}");
            return Err(("ghosts", why));
        }
        if metrics.queued_bytes > 0 {
            return Err(("settled", format!("{} bytes still wait", metrics.queued_bytes)));
        }
        Ok(())
    }
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}
