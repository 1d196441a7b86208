//! A run as data: made from a seed, written as text, read back.
//!
//! ```text
//! parlance-sim 1
//! layer memory
//! seed 42
//! clients 3
//! channels 2
//! pieces mixed
//! lines-per-second 50
//! 1500 0 join 1
//! 2210 2 stall-down 4000
//! ```
//!
//! After the head, one step a line: when (ms since the start), which client, what. What the head does
//! not say is as in [`Bounds::default`].

use std::{fmt, str::FromStr};

use crate::{
    bounds::{Bounds, Pieces},
    deed, explain,
    layer::Layer,
};

/// All that decides a run. The steps say what clients and faults do; `seed` still decides how bytes
/// are split and how long they travel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Script {
    /// What stands for the server.
    pub layer: Layer,
    /// Of the streams of randomness that remain.
    pub seed: u64,
    /// How many clients there are.
    pub clients: u32,
    /// How many channels they use.
    pub channels: u32,
    /// How the network cuts bytes.
    pub pieces: Pieces,
    /// The server's limits.
    pub bounds: Bounds,
    /// What happens, in order of time.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// Milliseconds since the start.
    pub at_ms: u64,
    /// To which client, or by which.
    pub client: u32,
    /// What.
    pub action: Action,
}

/// What a client does, or what is done to it.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// It comes, and comes back whenever it loses its connection.
    Connect,
    /// It says QUIT and stays away until the next [`Action::Connect`].
    Quit,
    /// It joins a channel, and again after each loss of its connection.
    Join(u32),
    /// It leaves a channel.
    Part(u32),
    /// It says something in a channel, in it or not: so many bytes at least.
    Say(u32, u32),
    /// It says something to another client.
    Tell(u32, u32),
    /// It says so many lines in a channel at once.
    Flood(u32, u32),
    /// It takes another nick.
    Rename,
    /// It sends PING, so that it knows what has been carried out.
    Ping,
    /// It puts another client out of a channel.
    Kick(u32, u32),
    /// It sets a channel's topic: so many letters.
    Topic(u32, u32),
    /// It asks for a channel's topic.
    AskTopic(u32),
    /// It invites another client to a channel.
    Invite(u32, u32),
    /// It asks who is in a channel.
    Names(u32),
    /// It asks who is in a channel, with more of each.
    Who(u32),
    /// It asks who there is.
    WhoAll,
    /// It asks who another client is.
    Whois(u32),
    /// It asks which channels there are.
    List,
    /// It asks what was said in a channel.
    History(u32),
    /// It hides from those who share no channel with it.
    Hide,
    /// It hides no more.
    Show,
    /// It is away, for a reason of so many letters; with none, it is back.
    Away(u32),
    /// It changes a channel's mode: whether it is set, its letter, and for `o`, `v` and `b` of which
    /// client, for `l` how many less one.
    Mode(u32, bool, char, u32),
    /// It asks for a channel's modes.
    AskMode(u32),
    /// Its connection is reset.
    Reset,
    /// Its connection is reset, and it is back at once with the nick that the server has not seen
    /// given up.
    Replace,
    /// It ends its sending side in the middle of a line.
    HalfLine,
    /// It goes away without a word: the server is not told.
    Vanish,
    /// It ends its sending side.
    HalfClose,
    /// What it sends waits for so many ms.
    StallUp(u32),
    /// What it is sent waits for so many ms.
    StallDown(u32),
    /// It reads a few bytes at a time for so many ms.
    ReadSlowly(u32),
    /// The server's wall clock jumps by so many seconds.
    WallJump(i32),
    /// The server's timers fire late, by up to so many ms, for ten seconds.
    LateTimers(u32),
    /// What the server asks its host in the next ten seconds is answered late, by up to so many ms
    /// each, so in any order.
    LateAnswers(u32),
    /// What the server asks its host in the next so many ms is never answered.
    LostAnswers(u32),
    /// What the server asks its host in the next so many ms can't be found out.
    RefusedAnswers(u32),
    /// The server's host has no descriptors to spare for newcomers for so many ms, most of the time.
    NoDescriptors(u32),
    /// So many strangers connect at once, all from one address.
    AddressFlood(u32),
    /// A stranger connects and sends so many pieces of anything.
    Hostile(u32),
    /// What passes between its host and the server's waits for so many ms.
    Hold(u32),
    /// What passes between its host and the server's is lost for so many ms, and with it, without
    /// a word, every connection that lost something.
    Cut(u32),
    /// The same on the way to the server alone.
    CutUp(u32),
    /// The same on the way from the server alone.
    CutDown(u32),
    /// What passes between its host and the server's takes up to so many ms, for as many ms.
    Delay(u32),
    /// The server crashes and starts again after so many ms.
    Restart(u32),
    /// The same without a word to the clients.
    PowerLoss(u32),
}

impl Action {
    /// How many operations it counts for: each line of a flood is one.
    pub(crate) fn operations(self) -> u64 {
        if let Self::Flood(_, lines) = self { lines.into() } else { 1 }
    }

    /// Whether it is done to hosts and what is between them, of which there are some on the layer of
    /// turmoil alone.
    pub(crate) const fn is_of_hosts(self) -> bool {
        matches!(
            self,
            Self::Hold(_)
                | Self::Cut(_)
                | Self::CutUp(_)
                | Self::CutDown(_)
                | Self::Delay(_)
                | Self::Restart(_)
                | Self::PowerLoss(_)
        )
    }

    /// Whether it is done to a client or the server, not by a client.
    pub(crate) const fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Reset
                | Self::Replace
                | Self::HalfLine
                | Self::Vanish
                | Self::HalfClose
                | Self::StallUp(_)
                | Self::StallDown(_)
                | Self::ReadSlowly(_)
                | Self::WallJump(_)
                | Self::LateTimers(_)
                | Self::LateAnswers(_)
                | Self::LostAnswers(_)
                | Self::RefusedAnswers(_)
                | Self::NoDescriptors(_)
                | Self::AddressFlood(_)
                | Self::Hostile(_)
        ) || self.is_of_hosts()
    }
}

/// When scripted steps end and healing begins, in ms.
pub(crate) const CHAOS_MS: u64 = 60_000;

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "parlance-sim 1")?;
        writeln!(f, "layer {}", self.layer)?;
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "clients {}", self.clients)?;
        writeln!(f, "channels {}", self.channels)?;
        writeln!(f, "pieces {}", self.pieces)?;
        write!(f, "{}", self.bounds)?;
        for Step { at_ms, client, action } in &self.steps {
            writeln!(f, "{at_ms} {client} {action}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Connect => f.write_str("connect"),
            Self::Quit => f.write_str("quit"),
            Self::Join(channel) => write!(f, "join {channel}"),
            Self::Part(channel) => write!(f, "part {channel}"),
            Self::Say(channel, len) => write!(f, "say {channel} {len}"),
            Self::Tell(client, len) => write!(f, "tell {client} {len}"),
            Self::Flood(channel, lines) => write!(f, "flood {channel} {lines}"),
            Self::Rename => f.write_str("rename"),
            Self::Ping => f.write_str("ping"),
            Self::Kick(channel, client) => write!(f, "kick {channel} {client}"),
            Self::Topic(channel, len) => write!(f, "topic {channel} {len}"),
            Self::AskTopic(channel) => write!(f, "ask-topic {channel}"),
            Self::Invite(channel, client) => write!(f, "invite {channel} {client}"),
            Self::Names(channel) => write!(f, "names {channel}"),
            Self::Who(channel) => write!(f, "who {channel}"),
            Self::WhoAll => f.write_str("who-all"),
            Self::Whois(client) => write!(f, "whois {client}"),
            Self::List => f.write_str("list"),
            Self::History(channel) => write!(f, "history {channel}"),
            Self::Hide => f.write_str("hide"),
            Self::Show => f.write_str("show"),
            Self::Away(len) => write!(f, "away {len}"),
            Self::Mode(channel, add, letter, of) => {
                write!(f, "mode {channel} {}{letter} {of}", if add { '+' } else { '-' })
            }
            Self::AskMode(channel) => write!(f, "ask-mode {channel}"),
            Self::Reset => f.write_str("reset"),
            Self::Replace => f.write_str("replace"),
            Self::HalfLine => f.write_str("half-line"),
            Self::Vanish => f.write_str("vanish"),
            Self::HalfClose => f.write_str("half-close"),
            Self::StallUp(ms) => write!(f, "stall-up {ms}"),
            Self::StallDown(ms) => write!(f, "stall-down {ms}"),
            Self::ReadSlowly(ms) => write!(f, "read-slowly {ms}"),
            Self::WallJump(seconds) => write!(f, "wall-jump {seconds}"),
            Self::LateTimers(ms) => write!(f, "late-timers {ms}"),
            Self::LateAnswers(ms) => write!(f, "late-answers {ms}"),
            Self::LostAnswers(ms) => write!(f, "lost-answers {ms}"),
            Self::RefusedAnswers(ms) => write!(f, "refused-answers {ms}"),
            Self::NoDescriptors(ms) => write!(f, "no-descriptors {ms}"),
            Self::AddressFlood(count) => write!(f, "address-flood {count}"),
            Self::Hostile(pieces) => write!(f, "hostile {pieces}"),
            Self::Hold(ms) => write!(f, "hold {ms}"),
            Self::Cut(ms) => write!(f, "cut {ms}"),
            Self::CutUp(ms) => write!(f, "cut-up {ms}"),
            Self::CutDown(ms) => write!(f, "cut-down {ms}"),
            Self::Delay(ms) => write!(f, "delay {ms}"),
            Self::Restart(ms) => write!(f, "restart {ms}"),
            Self::PowerLoss(ms) => write!(f, "power-loss {ms}"),
        }
    }
}

/// A script that can't be read: which line, what it holds, and what is wrong with it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadScript {
    /// Counted from 1.
    pub line: usize,
    /// The line as it is.
    pub text: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

impl fmt::Display for BadScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, why } = self;
        write!(f, "line {line}, {text:?}: {why}")
    }
}

impl std::error::Error for BadScript {}

impl FromStr for Script {
    type Err = BadScript;

    /// Reads a script. Empty lines and lines that begin with `#` are left out.
    fn from_str(text: &str) -> Result<Self, BadScript> {
        let mut script = Self {
            layer: Layer::Memory,
            seed: 0,
            clients: 1,
            channels: 1,
            pieces: Pieces::Mixed,
            bounds: Bounds::default(),
            steps: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') && script.take(line).is_none() {
                let why = explain::line(line, &mut script);
                return Err(BadScript { line: at + 1, text: line.to_string(), why });
            }
        }
        script.steps.sort_by_key(|step| step.at_ms);
        Ok(script)
    }
}

impl Script {
    /// The bounds keep a script that was written by hand from asking for the impossible.
    fn take(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bounded = |word: &str, least: u32, most: u32| {
            word.parse::<u32>().ok().filter(|n| (least..=most).contains(n))
        };
        match words[..] {
            ["parlance-sim", version] => return (version == "1").then_some(()),
            ["layer", name] => self.layer = name.parse().ok()?,
            ["seed", n] => self.seed = n.parse().ok()?,
            ["clients", n] => self.clients = bounded(n, 1, 1_000)?,
            ["channels", n] => self.channels = bounded(n, 1, 100)?,
            ["pieces", name] => self.pieces = Pieces::by_name(name)?,
            [name, n] => {
                let mut fields = self.bounds.fields().into_iter();
                let (_, value, within) = fields.find(|(known, ..)| *known == name)?;
                *value = bounded(n, *within.start(), *within.end())?;
            }
            [at_ms, client, verb, ..] => {
                let at_ms = at_ms.parse().ok().filter(|at: &u64| *at < CHAOS_MS)?;
                let client = bounded(client, 0, self.clients - 1)?;
                let action = self.action(verb, &words[3..])?;
                self.steps.push(Step { at_ms, client, action });
            }
            _ => return None,
        }
        Some(())
    }

    fn action(&self, verb: &str, args: &[&str]) -> Option<Action> {
        let number = |at: usize, most: u32| -> Option<u32> {
            args.get(at)?.parse().ok().filter(|n| *n <= most)
        };
        let channel = || number(0, self.channels - 1);
        let client = |at| number(at, self.clients - 1);
        let ms = || number(0, CHAOS_MS as u32);
        let action = match verb {
            "connect" => Action::Connect,
            "quit" => Action::Quit,
            "join" => Action::Join(channel()?),
            "part" => Action::Part(channel()?),
            "say" => Action::Say(channel()?, number(1, 380)?),
            "tell" => Action::Tell(client(0)?, number(1, 380)?),
            "flood" => Action::Flood(channel()?, number(1, 10_000)?),
            "rename" => Action::Rename,
            "ping" => Action::Ping,
            "kick" => Action::Kick(channel()?, client(1)?),
            "topic" => Action::Topic(channel()?, number(1, 380)?),
            "ask-topic" => Action::AskTopic(channel()?),
            "invite" => Action::Invite(channel()?, client(1)?),
            "names" => Action::Names(channel()?),
            "who" => Action::Who(channel()?),
            "who-all" => Action::WhoAll,
            "whois" => Action::Whois(client(0)?),
            "list" => Action::List,
            "history" => Action::History(channel()?),
            "hide" => Action::Hide,
            "show" => Action::Show,
            "away" => Action::Away(number(0, 180)?),
            "mode" => {
                let mut change = args.get(1)?.chars();
                let add = change.next().filter(|sign| matches!(sign, '+' | '-'))? == '+';
                let letter = change.next().filter(|letter| deed::MODES.contains(letter))?;
                Action::Mode(channel()?, add, letter, client(2)?)
            }
            "ask-mode" => Action::AskMode(channel()?),
            "reset" => Action::Reset,
            "replace" => Action::Replace,
            "half-line" => Action::HalfLine,
            "vanish" => Action::Vanish,
            "half-close" => Action::HalfClose,
            "stall-up" => Action::StallUp(ms()?),
            "stall-down" => Action::StallDown(ms()?),
            "read-slowly" => Action::ReadSlowly(ms()?),
            "wall-jump" => Action::WallJump(args.first()?.parse().ok()?),
            "late-timers" => Action::LateTimers(ms()?),
            "late-answers" => Action::LateAnswers(ms()?),
            "lost-answers" => Action::LostAnswers(ms()?),
            "refused-answers" => Action::RefusedAnswers(ms()?),
            "no-descriptors" => Action::NoDescriptors(ms()?),
            "address-flood" => Action::AddressFlood(number(0, 1_000)?),
            "hostile" => Action::Hostile(number(0, 1_000)?),
            "hold" => Action::Hold(ms()?),
            "cut" => Action::Cut(ms()?),
            "cut-up" => Action::CutUp(ms()?),
            "cut-down" => Action::CutDown(ms()?),
            "delay" => Action::Delay(ms()?),
            "restart" => Action::Restart(ms()?),
            "power-loss" => Action::PowerLoss(ms()?),
            _ => return None,
        };
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn a_script_reads_back_as_it_was() {
        for seed in 0..20 {
            let script = Script::generate(seed, &Profile::wide());
            assert_eq!(script.to_string().parse(), Ok(script));
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = "seed 1\n\n5 0 dance\n".parse::<Script>().expect_err("nobody dances");
        assert_eq!((error.line, &*error.text), (3, "5 0 dance"));
        assert!("5 7 connect".parse::<Script>().is_err());
    }
}
