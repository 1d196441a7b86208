//! An honest client: it does what its script says and answers what it is asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{
    bounds::Bounds,
    line::Line,
    oracle::{self, Broken, LifeId, Nick, Oracle, Target},
    rng::Rng,
};

pub(crate) struct Client {
    number: u32,
    pub(crate) rng: Rng,
    /// Whether the server wants one.
    password: bool,
    /// Whether it comes back when it loses its connection.
    pub(crate) wants_online: bool,
    /// Whether a return is under way.
    pub(crate) returning: bool,
    /// The connection it has.
    pub(crate) life: Option<LifeId>,
    registered: bool,
    nick_attempt: u32,
    /// The channels it wants to be in.
    pub(crate) wanted: BTreeSet<u32>,
    /// Bytes that came and are no line yet.
    partial: Vec<u8>,
    /// What it says next.
    pub(crate) out: String,
    /// The reason of the ERROR that ended the connection.
    pub(crate) error: String,
}

impl Client {
    pub(crate) fn new(number: u32, rng: Rng, password: bool) -> Self {
        Self {
            number,
            rng,
            password,
            wants_online: false,
            returning: false,
            life: None,
            registered: false,
            nick_attempt: 0,
            wanted: BTreeSet::new(),
            partial: Vec::new(),
            out: String::new(),
            error: String::new(),
        }
    }

    fn nick(&self) -> Nick {
        Nick { client: self.number, attempt: self.nick_attempt }
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        self.out.write_fmt(line).expect("a string takes all");
        self.out.push_str("\r\n");
    }

    /// A connection is there. The nick is the one of the time before.
    pub(crate) fn connected(&mut self, life: LifeId) {
        self.life = Some(life);
        self.registered = false;
        self.partial.clear();
        self.error.clear();
        let caps = ["", "server-time message-tags", "multi-prefix userhost-in-names extended-join"]
            [self.number as usize % 3];
        if !caps.is_empty() {
            self.say(format_args!("CAP REQ :{caps}"));
        }
        let number = self.number;
        self.say(format_args!("USER u{life} 0 * :Client {number}"));
        if self.password {
            self.say(format_args!("PASS {}", Bounds::PASSWORD));
        }
        let nick = self.nick();
        self.say(format_args!("NICK {nick}"));
        if !caps.is_empty() {
            self.say(format_args!("CAP END"));
        }
    }

    pub(crate) fn disconnected(&mut self) {
        self.life = None;
        self.registered = false;
        self.out.clear();
    }

    /// The connection to act on, once it is registered.
    pub(crate) fn ready(&self) -> Option<LifeId> {
        self.life.filter(|_| self.registered)
    }

    pub(crate) fn join(&mut self, channel: u32, oracle: &mut Oracle) {
        if self.wanted.insert(channel) {
            self.ask_join(channel, oracle);
        }
    }

    fn ask_join(&mut self, channel: u32, oracle: &mut Oracle) {
        if let Some(life) = self.ready() {
            oracle.asks_join(life, channel);
            self.say(format_args!("JOIN #{channel}"));
        }
    }

    pub(crate) fn part(&mut self, channel: u32, oracle: &mut Oracle, now: u64) {
        if !self.wanted.remove(&channel) {
            return;
        }
        if let Some(life) = self.ready() {
            oracle.asks_part(life, channel, now);
            self.say(format_args!("PART #{channel}"));
        }
    }

    pub(crate) fn message(&mut self, target: Target, len: u32, oracle: &mut Oracle, now: u64) {
        if let Some(life) = self.ready() {
            let id = oracle.says(life, target, len, now);
            self.say(format_args!("PRIVMSG {target} :{}", oracle::text(id, len)));
        }
    }

    pub(crate) fn rename(&mut self, oracle: &mut Oracle, now: u64) {
        if let Some(life) = self.ready() {
            self.nick_attempt += 1;
            oracle.asks_nick(life, now);
            let nick = self.nick();
            self.say(format_args!("NICK {nick}"));
        }
    }

    pub(crate) fn ping(&mut self, oracle: &mut Oracle, now: u64) {
        if let Some(life) = self.ready() {
            let token = oracle.pings(life, now);
            self.say(format_args!("PING {token}"));
        }
    }

    pub(crate) fn quit(&mut self) {
        self.wants_online = false;
        if self.life.is_some() {
            self.say(format_args!("QUIT :bye"));
        }
    }

    /// The last look after healing: who is where, and a barrier.
    pub(crate) fn look_around(&mut self, oracle: &mut Oracle, now: u64) {
        if let Some(life) = self.ready() {
            for channel in self.wanted.clone() {
                oracle.asks_names(life, channel);
                self.say(format_args!("NAMES #{channel}"));
            }
            self.ping(oracle, now);
        }
    }

    /// Bytes came: each whole line is judged and answered.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        oracle: &mut Oracle,
        now: u64,
    ) -> Result<(), Broken> {
        let Some(life) = self.life else { return Ok(()) };
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let mut rest = &partial[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (bytes, later) = rest.split_at(end + 1);
            rest = later;
            let line = Line::read(bytes)
                .map_err(|why| ("form", format!("{why}: \"{}\"", bytes.escape_ascii())))?;
            oracle.hears(life, &line, now)?;
            self.answer(&line, oracle);
        }
        let read = partial.len() - rest.len();
        partial.drain(..read);
        self.partial = partial;
        Ok(())
    }

    fn answer(&mut self, line: &Line<'_>, oracle: &mut Oracle) {
        match line.command {
            "PING" => self.say(format_args!("PONG :{}", line.param(0))),
            "001" => {
                self.registered = true;
                for channel in self.wanted.clone() {
                    self.ask_join(channel, oracle);
                }
            }
            "433" if !self.registered => {
                self.nick_attempt += 1;
                let nick = self.nick();
                self.say(format_args!("NICK {nick}"));
            }
            "ERROR" => self.error = line.param(0).to_string(),
            _ => {}
        }
    }
}
