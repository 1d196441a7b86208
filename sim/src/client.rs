//! An honest client: it does what its script says and answers what it is asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{
    bounds::Bounds,
    judge::{Broken, Judge, LifeId},
    line::Line,
    rng::{Concern, Rng},
    script::Action,
};

/// Capabilities that a client may ask for, some of them in pairs.
const CAPS: [&str; 10] = [
    "server-time",
    "message-tags",
    "multi-prefix",
    "userhost-in-names",
    "extended-join",
    "echo-message",
    "away-notify",
    "invite-notify",
    "batch labeled-response",
    "batch draft/chathistory",
];

/// Messages that are asked for of what was said.
const HISTORY: u32 = 20;

pub(crate) struct Client {
    number: u32,
    /// When it comes back.
    pub(crate) rng: Rng,
    /// Whether the server wants one.
    password: bool,
    /// How it says what it says.
    speech: Rng,
    caps: Vec<&'static str>,
    /// Whether it comes back when it loses its connection.
    pub(crate) wants_online: bool,
    /// Whether a return is under way.
    pub(crate) returning: bool,
    /// The connection it has.
    pub(crate) life: Option<LifeId>,
    registered: bool,
    /// How many nicks it has tried before the one it asks for.
    attempt: u32,
    /// The nick that it has.
    nick: String,
    /// Messages, labels and PINGs of this connection, so that no two are the same.
    said: u32,
    /// The channels it wants to be in.
    pub(crate) wanted: BTreeSet<u32>,
    /// Bytes that came and are no line yet.
    partial: Vec<u8>,
    /// What it says next.
    out: String,
    /// The reason of the ERROR that ended the connection.
    pub(crate) error: String,
}

impl Client {
    pub(crate) fn new(number: u32, seed: u64, password: bool) -> Self {
        let mut speech = Rng::new(seed, Concern::Speech(number));
        let caps = CAPS.into_iter().filter(|_| speech.chance(50)).collect();
        Self {
            number,
            rng: Rng::new(seed, Concern::Client(number)),
            speech,
            caps,
            password,
            wants_online: false,
            returning: false,
            life: None,
            registered: false,
            attempt: 0,
            nick: String::new(),
            said: 0,
            wanted: BTreeSet::new(),
            partial: Vec::new(),
            out: String::new(),
            error: String::new(),
        }
    }

    /// The nick that it has, or asks for.
    pub(crate) fn nick(&self) -> String {
        if self.registered { self.nick.clone() } else { self.wanted_nick() }
    }

    fn wanted_nick(&self) -> String {
        format!("c{}_{}", self.number, self.attempt)
    }

    /// A channel's name, now and then in the other case.
    fn channel(&mut self, channel: u32) -> String {
        let head = if self.speech.chance(15) { "#CH" } else { "#ch" };
        format!("{head}{channel}")
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        if self.registered && self.caps.contains(&CAPS[8]) && self.speech.chance(50) {
            self.said += 1;
            let label = self.said;
            self.write(format_args!("@label=l{label} {line}"));
        } else {
            self.write(line);
        }
    }

    fn write(&mut self, line: std::fmt::Arguments<'_>) {
        self.out.write_fmt(line).expect("a string takes all");
        self.out.push_str("\r\n");
    }

    /// What it says, as bytes on their way; the judge hears of each line.
    pub(crate) fn speak(&mut self, judge: &mut Judge, now: u64) -> String {
        let out = std::mem::take(&mut self.out);
        if let Some(life) = self.life {
            let lines = out.split_inclusive('\n').filter_map(|line| line.strip_suffix("\r\n"));
            lines.for_each(|line| judge.sends(life, line, now));
        }
        out
    }

    /// Forgets what it was about to say.
    pub(crate) fn hush(&mut self) {
        self.out.clear();
    }

    /// A connection is there. The nick is the one of the time before.
    pub(crate) fn connected(&mut self, life: LifeId) {
        self.life = Some(life);
        self.registered = false;
        self.partial.clear();
        self.out.clear();
        self.error.clear();
        let number = self.number;
        // First, since it says whose connection this is.
        self.say(format_args!("USER u{life} 0 * :Client {number}"));
        let caps = self.caps.join(" ");
        if !caps.is_empty() {
            self.say(format_args!("CAP REQ :{caps}"));
        }
        if self.password {
            self.say(format_args!("PASS {}", Bounds::PASSWORD));
        }
        let nick = self.wanted_nick();
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

    /// Does what a script says, as far as it is there. `nick_of` tells other clients' nicks.
    pub(crate) fn act(&mut self, action: Action, nick_of: impl Fn(u32) -> String) {
        match action {
            Action::Join(channel) => {
                if (self.wanted.insert(channel) || self.speech.chance(30)) && self.registered {
                    self.join(channel);
                }
                return;
            }
            Action::Part(channel) if !self.wanted.remove(&channel) => return,
            Action::Quit => return self.quit(),
            _ => {}
        }
        if !self.registered {
            return;
        }
        match action {
            Action::Part(channel) => {
                let name = self.channel(channel);
                let reason = if self.speech.chance(50) { " :so long" } else { "" };
                self.say(format_args!("PART {name}{reason}"));
            }
            Action::Say(channel, len) => self.say_in(channel, len),
            Action::Tell(to, len) if to != self.number => self.message(&nick_of(to), len),
            Action::Flood(channel, lines) => {
                // Very many are short, or a queue of bytes is full before there are many; some are more
                // than may wait for one who does not read.
                let len = match lines {
                    101.. => 4,
                    _ if lines % 3 == 0 => 300,
                    _ => 60,
                };
                (0..lines).for_each(|_| self.say_in(channel, len));
            }
            Action::Rename => {
                self.attempt += 1;
                let nick = self.wanted_nick();
                self.say(format_args!("NICK {nick}"));
            }
            Action::Ping => {
                self.said += 1;
                let token = self.said;
                self.say(format_args!("PING p{token}"));
            }
            Action::Kick(channel, whom) => {
                let (name, nick) = (self.channel(channel), nick_of(whom));
                let reason = if self.speech.chance(50) { " :go away" } else { "" };
                self.say(format_args!("KICK {name} {nick}{reason}"));
            }
            Action::Topic(channel, len) => {
                let name = self.channel(channel);
                let text = self.letters(len);
                self.say(format_args!("TOPIC {name} :{text}"));
            }
            Action::AskTopic(channel) => {
                let name = self.channel(channel);
                self.say(format_args!("TOPIC {name}"));
            }
            Action::Invite(channel, whom) => {
                let (name, nick) = (self.channel(channel), nick_of(whom));
                self.say(format_args!("INVITE {nick} {name}"));
            }
            Action::Names(channel) => {
                let name = self.channel(channel);
                self.say(format_args!("NAMES {name}"));
            }
            Action::Who(channel) => {
                let name = self.channel(channel);
                self.say(format_args!("WHO {name}"));
            }
            // Strangers are called otherwise.
            Action::WhoAll => self.say(format_args!("WHO c?_*")),
            Action::Whois(whom) => {
                let command = if self.speech.chance(30) { "WHO" } else { "WHOIS" };
                self.say(format_args!("{command} {}", nick_of(whom)));
            }
            Action::List => self.say(format_args!("LIST #ch*")),
            Action::History(channel) => {
                let name = self.channel(channel);
                self.say(format_args!("CHATHISTORY LATEST {name} * {HISTORY}"));
            }
            Action::Hide | Action::Show => {
                let sign = if action == Action::Hide { '+' } else { '-' };
                let nick = self.nick.clone();
                self.say(format_args!("MODE {nick} {sign}i"));
            }
            Action::Away(len) => {
                let text = self.letters(len);
                self.say(format_args!("AWAY :{text}"));
            }
            Action::Mode(channel, add, letter, of) => {
                let name = self.channel(channel);
                let sign = if add { '+' } else { '-' };
                let param = match letter {
                    'o' | 'v' => format!(" {}", nick_of(of)),
                    'b' => format!(" c{of}_*!*@*"),
                    'k' => format!(" key{channel}"),
                    'l' if add => format!(" {}", of + 1),
                    _ => String::new(),
                };
                self.say(format_args!("MODE {name} {sign}{letter}{param}"));
            }
            Action::AskMode(channel) => {
                let name = self.channel(channel);
                self.say(format_args!("MODE {name}"));
            }
            _ => {}
        }
    }

    fn join(&mut self, channel: u32) {
        let name = self.channel(channel);
        let key = if self.speech.chance(60) { format!(" key{channel}") } else { String::new() };
        self.say(format_args!("JOIN {name}{key}"));
    }

    fn say_in(&mut self, channel: u32, len: u32) {
        let name = self.channel(channel);
        self.message(&name, len);
    }

    fn message(&mut self, target: &str, len: u32) {
        let Some(life) = self.life else { return };
        self.said += 1;
        let (number, letters) = (self.said, self.letters(len));
        let command = if self.speech.chance(10) { "NOTICE" } else { "PRIVMSG" };
        self.say(format_args!("{command} {target} :m{life}.{number}-{letters}"));
    }

    fn letters(&mut self, len: u32) -> String {
        (0..len).map(|at| char::from(b'a' + ((at * 5 + self.said * 3) % 26) as u8)).collect()
    }

    pub(crate) fn quit(&mut self) {
        self.wants_online = false;
        if self.life.is_some() {
            self.say(format_args!("QUIT :bye"));
        }
    }

    /// The last look after healing: who is where, and a barrier.
    pub(crate) fn look_around(&mut self) {
        for channel in self.wanted.clone() {
            self.act(Action::Names(channel), |_| String::new());
        }
        self.ping();
    }

    /// Asks whether the server has done all that was asked of it.
    pub(crate) fn ping(&mut self) {
        self.act(Action::Ping, |_| String::new());
    }

    /// Bytes came: each whole line is judged and answered.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        judge: &mut Judge,
        now: u64,
    ) -> Result<(), Broken> {
        let Some(life) = self.life else { return Ok(()) };
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let mut rest = &partial[..];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (bytes, later) = rest.split_at(end + 1);
            rest = later;
            let line = judge.hears(life, bytes, now)?;
            self.answer(&line);
        }
        let read = partial.len() - rest.len();
        partial.drain(..read);
        self.partial = partial;
        Ok(())
    }

    fn answer(&mut self, line: &Line<'_>) {
        match line.command {
            "PING" => self.write(format_args!("PONG :{}", line.param(0))),
            "001" => {
                self.registered = true;
                self.nick = line.param(0).into();
                for channel in self.wanted.clone() {
                    self.join(channel);
                }
            }
            "433" if !self.registered => {
                self.attempt += 1;
                let nick = self.wanted_nick();
                self.say(format_args!("NICK {nick}"));
            }
            "NICK" if line.nick == self.nick => self.nick = line.param(0).into(),
            // What it is told counts: of two JOINs, one may have been refused and one not.
            "JOIN" if line.nick == self.nick => self.wanted.extend(number_of(line.param(0))),
            "PART" if line.nick == self.nick => self.gives_up(line.param(0)),
            "KICK" if line.param(1) == self.nick => {
                self.gives_up(line.param(0));
                self.comes_anyway(line.param(0), 50);
            }
            "INVITE" if line.param(0) == self.nick => self.comes_anyway(line.param(1), 70),
            "471" | "473" | "474" | "475" => self.gives_up(line.param(1)),
            "ERROR" => self.error = line.param(0).to_string(),
            _ => {}
        }
    }

    /// It may join a channel that it was put out of, or asked into.
    fn comes_anyway(&mut self, channel: &str, percent: u32) {
        if let Some(number) = number_of(channel)
            && self.speech.chance(percent)
        {
            self.join(number);
        }
    }

    /// It does not want to be in a channel any more where it is not let in.
    fn gives_up(&mut self, channel: &str) {
        if let Some(number) = number_of(channel) {
            self.wanted.remove(&number);
        }
    }
}

/// What a guest of turmoil's hosts does besides.
#[cfg(feature = "turmoil")]
impl Client {
    /// Whether it has nothing more to say.
    pub(crate) fn has_spoken(&self) -> bool {
        self.out.is_empty()
    }

    /// Begins a line and never ends it.
    pub(crate) fn say_half(&mut self) {
        self.out.push_str("PRIVMSG #ch0 :half a l");
    }
}

/// The number of a channel, by its name.
fn number_of(channel: &str) -> Option<u32> {
    channel.get(3..)?.parse().ok()
}
