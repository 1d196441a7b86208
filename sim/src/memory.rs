//! Layer 1: the core itself, driven as an adapter would, with the crowd for a network.

use std::collections::VecDeque;

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
};

pub(crate) struct Memory<'a> {
    pub(crate) crowd: Crowd<'a>,
    server: Server,
    limits: Limits,
    /// How the host takes its turns.
    rng: Rng,
    /// By life. None for those who were refused.
    links: Vec<Option<Link>>,
    /// What the core has asked, by number.
    asked: Vec<(Ticket, Answer)>,
    /// The life of a connection, by its index.
    lives: Vec<LifeId>,
    /// What is to be done, reports aside.
    outputs: VecDeque<Output>,
    /// The first report of what should not be.
    misreported: Option<Broken>,
    deaf_to_time: bool,
    buffer: Vec<u8>,
}

/// What the host keeps of a connection.
struct Link {
    conn: ConnId,
    /// To be closed when the outbox is empty.
    closing: bool,
}

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
        self.crowd.turn_at(self.crowd.next_at().min(timer.unwrap_or(u64::MAX)))?;
        if timer.is_some_and(|at| at <= self.crowd.now()) {
            self.crowd.trace.number(self.crowd.now());
            self.crowd.tell(|| What::Timeout);
            self.input(Input::Timeout);
        }
        // Sometimes a turn takes all that is due, sometimes only one.
        let most = if self.rng.chance(50) { 1 } else { 64 };
        for _ in 0..most {
            if self.crowd.next_at() > self.crowd.now() {
                break;
            }
            if let Some(arrival) = self.crowd.happen()? {
                self.take(arrival);
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
            }
            Arrival::End(life) => {
                let conn = self.link(life).conn;
                self.input(Input::Eof(conn));
                self.closed_both_ways(life);
            }
            Arrival::Writable(life) => self.flush(life),
            Arrival::Reset(life) => self.close(life, Closed::Reset),
            Arrival::Answer { number, refused } => {
                let (ticket, answer) = self.asked[number].clone();
                let answer = if refused { Answer::Unavailable } else { answer };
                self.input(Input::Answer(ticket, answer));
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
        self.links.push(Some(Link { conn, closing: false }));
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
        while let Some(output) = self.outputs.pop_front() {
            self.crowd.counters.outputs += 1;
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
                        self.crowd.set_reading(life, on);
                    }
                }
                Output::Close(conn, when) => {
                    let now = when == CloseWhen::Now;
                    self.crowd.trace.number(4 + u64::from(now));
                    let Some(life) = self.life(conn) else { continue };
                    self.crowd.tell(|| What::Closing { life, now });
                    if now {
                        self.close(life, Closed::Asked);
                    } else {
                        self.link(life).closing = true;
                        self.shut_if_sent(life);
                    }
                }
                Output::Ask(ticket, request) => {
                    self.asked.push((ticket, Bounds::answer(&request)));
                    self.crowd.ask(self.asked.len() - 1);
                }
                Output::Cancel(_) => self.crowd.trace.number(6),
                // These are heard at once.
                Output::Report(_) => {}
                Output::Stopped => self.crowd.trace.number(8),
            }
        }
        self.misreported.take().map_or(Ok(()), Err)
    }

    fn report(&mut self, report: &Report) {
        self.crowd.trace.number(7);
        if let Report::Line { conn, line } = report {
            let life = self.lives[conn.index()];
            self.crowd.tell(|| What::Carried { life, line: line.clone() });
        }
        if let Err(broken) = self.crowd.judge.report(report) {
            self.misreported.get_or_insert(broken);
        }
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
        self.crowd.write(life, &bytes, partial, partial && pause == Pause::Full);
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
        let Link { conn, closing } = *self.link(life);
        if closing && !self.crowd.pipe(life).down.ended && self.server.outbox(conn).next().is_none()
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
            let most = self.limits.sendq_hard + (20 << 10);
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
