//! The mio layer: the real mio adapter on a poller and sockets that are played to it, with the crowd
//! for a network.
//!
//! All that the contract of [`runtime_mio::Sys`] allows happens: edges come in any order, split and
//! merged, late, and for nothing; calls are interrupted and would block with room left; there are no
//! descriptors for newcomers. A script whose bytes go [`Pieces::Whole`] has none of that.

mod host;
mod sys;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    io,
    rc::Rc,
    time::Duration,
};

use chat_core::Answer;
use runtime_mio::{Handle, Listen, Options, Ready, Token, bind_on};

use crate::{
    bounds::{Pieces, io_threads},
    crowd::{Arrival, Crowd},
    judge::{Broken, LifeId},
    profile::Mutant,
    rng::{Concern, Rng},
    script::Script,
    sometimes::Seen,
};

use self::{host::Desk, sys::Poller};

/// Runs a script to its end, or to the first property that does not hold.
pub(crate) fn run(stage: &Rc<RefCell<Stage<'_>>>, script: &Script) -> Result<(), Broken> {
    let desk = stage.borrow().desk.clone();
    let seed = stage.borrow_mut().rng.seed();
    let options = Options {
        config: script.bounds.config(),
        seed,
        listen: vec![Listen::Tcp(([127, 0, 0, 1], 1).into())],
        clock: Box::new(desk.clone()),
        host: Box::new(desk),
        tape: None,
        exempt: Box::new(|_| false),
        io_threads: io_threads(script.seed),
    };
    let server = bind_on(Poller(Rc::clone(stage)), options);
    let server = server.map_err(|error| ("settled", format!("it does not start: {error}")))?;
    stage.borrow_mut().handle = Some(server.handle());
    let ended = server.run();
    let mut stage = stage.borrow_mut();
    match (stage.broken.take(), ended) {
        (Some(broken), _) => Err(broken),
        (None, Err(error)) => Err(("settled", format!("the server failed: {error}"))),
        (None, Ok(())) if stage.crowd.is_finished() => stage.crowd.judge(),
        (None, Ok(())) => Err(("settled", "the server stopped without being asked".into())),
    }
}

/// Everything outside the server.
pub(crate) struct Stage<'a> {
    pub(crate) crowd: Crowd<'a>,
    rng: Rng,
    /// Nothing is left to chance.
    steady: bool,
    /// Those who wait to be accepted.
    door: VecDeque<LifeId>,
    /// By life.
    sockets: Vec<Socket>,
    /// What is to be told of each.
    edges: BTreeMap<LifeId, Edge>,
    /// Somebody has knocked, which was not told yet.
    knocked: bool,
    /// The poller was woken.
    woken: bool,
    desk: Desk,
    /// Who waits for what the core has asked, by number.
    asked: Vec<Option<(chat_core::host::Reply, Answer)>>,
    handle: Option<Handle>,
    stopping: bool,
    deaf_to_time: bool,
    broken: Option<Broken>,
}

/// One connection as the system sees it.
#[derive(Default)]
struct Socket {
    /// What the server calls it, once it is registered.
    number: Option<usize>,
    /// The end has arrived, after all bytes.
    ended: bool,
    reset: bool,
    /// The server has let go of it.
    dropped: bool,
}

/// What has become of a socket since it was told of last.
#[derive(Copy, Clone, Default)]
struct Edge {
    readable: bool,
    writable: bool,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(crowd: Crowd<'a>, script: &Script, mutant: Option<Mutant>) -> Self {
        Self {
            rng: Rng::new(script.seed, Concern::Host),
            steady: script.pieces == Pieces::Whole,
            door: VecDeque::new(),
            sockets: Vec::new(),
            edges: BTreeMap::new(),
            knocked: false,
            woken: false,
            desk: Desk::at(crowd.clock()),
            asked: Vec::new(),
            handle: None,
            stopping: false,
            deaf_to_time: mutant == Some(Mutant::DeafToTime),
            broken: None,
            crowd,
        }
    }

    /// True in `percent` of 100 draws, where chance has a say.
    fn chance(&mut self, percent: u32) -> bool {
        !self.steady && self.rng.chance(percent)
    }

    /// Sleeps as the server wants to, and tells what is ready. It ends the server by an error when a
    /// property does not hold.
    fn poll(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        if let Err(broken) = self.sleep(timeout) {
            self.broken = Some(broken);
            return Err(io::Error::other("a property does not hold"));
        }
        self.desk.set(self.crowd.clock());
        self.tell(ready);
        self.crowd.trace.number(ready.len() as u64);
        Ok(())
    }

    fn sleep(&mut self, timeout: Option<Duration>) -> Result<(), Broken> {
        self.hear_host()?;
        let now = self.crowd.now();
        if timeout == Some(Duration::ZERO) {
            // There is work left, which takes time as well.
            let takes = if self.steady { 0 } else { self.rng.below(30) };
            self.crowd.turn_at(now + takes)?;
            return if self.stopping { Ok(()) } else { self.happen() };
        }
        self.crowd.turn_at(now)?;
        let timeout = timeout.filter(|_| !self.deaf_to_time);
        let due = timeout.map(|timeout| now + timeout.as_micros() as u64);
        let deadline = due.map(|due| self.crowd.fires_at(due));
        if self.stopping {
            // Nobody does anything more: the server has to come to its end alone.
            let stuck = || ("settled", "a server that stops sleeps for ever".to_string());
            self.crowd.wait_until(deadline.ok_or_else(stuck)?);
            return Ok(());
        }
        if self.chance(2) {
            return Ok(());
        }
        let deadline = deadline.unwrap_or(u64::MAX);
        while !self.is_ready() {
            let next = self.crowd.next_at();
            let busy = self.crowd.busy(&mut self.rng);
            self.crowd.wait_until(next.min(deadline).saturating_add(busy));
            if next > deadline {
                if due < Some(deadline) {
                    self.crowd.sometimes.see(Seen::LateTimer);
                }
                break;
            }
            self.happen()?;
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.knocked || self.woken || !self.edges.is_empty()
    }

    /// What is due happens: one thing, or all.
    fn happen(&mut self) -> Result<(), Broken> {
        let most = if self.steady || self.rng.chance(50) { 1 } else { 64 };
        for _ in 0..most {
            if self.crowd.next_at() > self.crowd.now() || self.crowd.is_finished() {
                break;
            }
            if let Some(arrival) = self.crowd.happen()? {
                self.take(arrival);
            }
        }
        if self.crowd.is_finished() && !self.stopping {
            self.stopping = true;
            self.woken = true;
            if let Some(handle) = &self.handle {
                handle.stop();
            }
        }
        Ok(())
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Opened(life) => {
                self.sockets.push(Socket::default());
                self.door.push_back(life);
                self.knocked = true;
            }
            Arrival::Bytes(life) => self.edge(life, true, false),
            Arrival::End(life) => {
                self.sockets[life].ended = true;
                self.edge(life, true, false);
            }
            Arrival::Writable(life) => self.edge(life, false, true),
            Arrival::Reset(life) => {
                self.sockets[life].reset = true;
                self.edge(life, true, true);
            }
            Arrival::Answer { number, refused } => {
                if let Some((reply, answer)) = self.asked[number].take() {
                    reply(if refused { Answer::Unavailable } else { answer });
                    self.woken = true;
                }
            }
        }
    }

    /// A socket has become ready. One that is not registered is looked at without being told of.
    fn edge(&mut self, life: LifeId, readable: bool, writable: bool) {
        let socket = &self.sockets[life];
        if socket.number.is_some() && !socket.dropped {
            let edge = self.edges.entry(life).or_default();
            edge.readable |= readable;
            edge.writable |= writable;
        }
    }

    /// What the server's host was asked and told since the last time.
    fn hear_host(&mut self) -> Result<(), Broken> {
        for report in self.desk.take_reports() {
            self.crowd.hear(&report)?;
            if self.crowd.log.is_some()
                && let Some(what) = self.crowd.judge.told(&report)
            {
                self.crowd.tell(|| what);
            }
        }
        for asked in self.desk.take_asked() {
            self.asked.push(Some(asked));
            self.crowd.ask(self.asked.len() - 1);
        }
        Ok(())
    }

    /// All edges, or most of them, in any order.
    fn tell(&mut self, ready: &mut Vec<Ready>) {
        self.woken = false;
        if std::mem::take(&mut self.knocked) {
            let token = Token::Listener(0);
            ready.push(Ready { token, readable: true, ending: false, writable: false });
        }
        for (life, mut edge) in std::mem::take(&mut self.edges) {
            if !ready.is_empty() && self.chance(10) {
                self.crowd.sometimes.see(Seen::EdgeHeldBack);
                self.edges.insert(life, edge);
                continue;
            }
            // A poller may tell all that it finds, not only what has changed.
            let arrived = self.crowd.pipe(life).up.arrived > 0 || self.sockets[life].ended;
            edge.readable |= arrived && self.chance(30);
            if edge.readable && edge.writable && self.chance(30) {
                self.crowd.sometimes.see(Seen::EdgeSplit);
                ready.extend(self.ready(life, Edge { writable: false, ..edge }));
                ready.extend(self.ready(life, Edge { readable: false, ..edge }));
            } else {
                ready.extend(self.ready(life, edge));
            }
        }
        if self.chance(5) && !self.sockets.is_empty() {
            let life = self.rng.below(self.sockets.len() as u64) as usize;
            let nothing = self.ready(life, Edge { readable: true, writable: true });
            if nothing.is_some() {
                self.crowd.sometimes.see(Seen::EdgeForNothing);
            }
            ready.extend(nothing);
        }
        if !self.steady {
            for at in (1..ready.len()).rev() {
                ready.swap(at, self.rng.below(at as u64 + 1) as usize);
            }
        }
    }

    fn ready(&self, life: LifeId, edge: Edge) -> Option<Ready> {
        let socket = &self.sockets[life];
        let number = socket.number.filter(|_| !socket.dropped)?;
        let ending = socket.ended || socket.reset;
        let Edge { readable, writable } = edge;
        Some(Ready { token: Token::Stream(number), readable, ending, writable })
    }
}
