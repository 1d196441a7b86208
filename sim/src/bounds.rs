//! The bounds of a run: the limits of its server, and how its network cuts bytes.

use std::{fmt, num::NonZeroUsize, ops::RangeInclusive, time::Duration};

use chat_core::{Answer, Config, Limits, OperConfig, Request};

use crate::{choices::Choices, crowd::SERVER};

/// How the network cuts bytes into pieces.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum Pieces {
    /// At random, from single bytes to all at once.
    #[default]
    Mixed,
    /// Everything goes one byte at a time, in both directions.
    Bytes,
    /// Nothing is cut and nothing waits: for scripts whose every byte is to be foreseen.
    Whole,
}

impl Pieces {
    const ALL: [(Self, &str); 3] =
        [(Self::Mixed, "mixed"), (Self::Bytes, "bytes"), (Self::Whole, "whole")];

    /// The way of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(pieces, _)| pieces)
    }
}

impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.into_iter().find(|(pieces, _)| pieces == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

/// Among how many threads a run's server divides its sockets. They take their parts of a turn one
/// after another, so that a seed is the same run everywhere.
pub(crate) fn io_threads(seed: u64) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add((seed % 3) as usize)
}

/// The limits of a run's server, each a line of a script's head. They are those of
/// [`chat_core::Limits`], times in ms, but for what is said here.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names are those of the core's limits")]
pub struct Bounds {
    /// 0: no limit.
    pub lines_per_second: u32,
    pub lines_burst: u32,
    pub recvq: u32,
    /// At least `recvq`.
    pub recvq_total: u32,
    pub sendq_soft: u32,
    pub sendq_hard: u32,
    /// At least `sendq_hard`.
    pub sendq_total: u32,
    pub sendq_age: u32,
    pub registration: u32,
    pub ping_interval: u32,
    pub ping_timeout: u32,
    pub ask: u32,
    pub drain: u32,
    /// 0: no limit.
    pub connections_per_address: u32,
    /// 1: the server has a password, and its host is asked for each who comes.
    pub password: u32,
    /// Bytes that a connection holds on its way to the client.
    pub window: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            lines_per_second: 0,
            lines_burst: 40,
            recvq: 16 << 10,
            recvq_total: 1 << 20,
            sendq_soft: 4 << 10,
            sendq_hard: 16 << 10,
            sendq_total: 40 << 10,
            sendq_age: 10_000,
            registration: 10_000,
            ping_interval: 20_000,
            ping_timeout: 10_000,
            ask: 5_000,
            drain: 3_000,
            connections_per_address: 0,
            password: 0,
            window: 4_096,
        }
    }
}

impl Bounds {
    /// The password of a server that has one.
    pub const PASSWORD: &str = "right";

    /// The configuration of a server with these bounds.
    #[must_use]
    pub fn config(&self) -> Config {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let some = |limit: u32| (limit > 0).then_some(limit);
        let password = || Self::PASSWORD.to_string();
        Config {
            name: SERVER.into(),
            network: "Sim".into(),
            password: (self.password > 0).then(password),
            opers: vec![OperConfig { name: "op".into(), password: password() }],
            default_channels: Vec::new(),
            cloak: false,
            trace: true,
            limits: Limits {
                lines_per_second: some(self.lines_per_second),
                lines_burst: self.lines_burst,
                recvq: self.recvq as usize,
                recvq_total: self.recvq_total.max(self.recvq) as usize,
                sendq_soft: self.sendq_soft as usize,
                sendq_hard: self.sendq_hard as usize,
                sendq_total: self.sendq_total.max(self.sendq_hard) as usize,
                sendq_age: ms(self.sendq_age),
                registration: ms(self.registration),
                ping_interval: ms(self.ping_interval),
                ping_timeout: ms(self.ping_timeout),
                ask: ms(self.ask),
                drain: ms(self.drain),
                connections_per_address: some(self.connections_per_address).map(|n| n as usize),
                // The judge is told of what is said, and knows nothing of what was.
                history_replay: 0,
                ..Limits::default().unpaced()
            },
            ..Config::default()
        }
    }

    /// The host's answer to what the core of such a server asks.
    #[must_use]
    pub fn answer(request: &Request) -> Answer {
        match request {
            Request::VerifyPassword { hash, password } => {
                Answer::Verified(hash.as_bytes() == password)
            }
            _ => Answer::Unavailable,
        }
    }

    /// Bounds at random: half of the runs have those that are known to be roomy enough for
    /// everything to meet everything, the others any, down to the least.
    pub(crate) fn draw(choices: &mut dyn Choices) -> Self {
        let mut pick = |among: &[u32]| among[choices.below(among.len() as u64) as usize];
        let usual = Self {
            lines_per_second: pick(&[0, 50]),
            connections_per_address: pick(&[0, 3]),
            password: pick(&[0, 0, 0, 1]),
            window: pick(&[512, 4_096, 16_384, 65_536]),
            ..Self::default()
        };
        if pick(&[0, 1]) == 0 {
            return usual;
        }
        let recvq = pick(&[16 << 10, 17 << 10, 32 << 10]);
        let sendq_hard = pick(&[16 << 10, 16 << 10, 20 << 10, 64 << 10]);
        Self {
            lines_per_second: pick(&[0, 10, 50]),
            lines_burst: pick(&[1, 2, 10, 40]),
            recvq,
            recvq_total: recvq + pick(&[0, 4 << 10, 1 << 20]),
            sendq_soft: pick(&[1 << 10, 2 << 10, 8 << 10, 16 << 10]),
            sendq_hard,
            sendq_total: sendq_hard + pick(&[0, 4 << 10, 24 << 10]),
            sendq_age: pick(&[2_000, 10_000, 30_000]),
            registration: pick(&[3_000, 10_000]),
            ping_interval: pick(&[3_000, 8_000, 20_000]),
            ping_timeout: pick(&[3_000, 10_000]),
            ask: pick(&[500, 2_000, 5_000]),
            drain: pick(&[300, 1_000, 3_000]),
            ..usual
        }
    }

    /// Each by its name, with what it may be.
    pub(crate) fn fields(&mut self) -> [(&'static str, &mut u32, RangeInclusive<u32>); 16] {
        const MS: RangeInclusive<u32> = 1..=60_000;
        const QUEUE: RangeInclusive<u32> = 16 << 10..=1 << 24;
        [
            ("lines-per-second", &mut self.lines_per_second, 0..=1_000_000),
            ("lines-burst", &mut self.lines_burst, 1..=1_000_000),
            ("recvq", &mut self.recvq, QUEUE),
            ("recvq-total", &mut self.recvq_total, QUEUE),
            ("sendq-soft", &mut self.sendq_soft, 1 << 10..=16 << 10),
            ("sendq-hard", &mut self.sendq_hard, QUEUE),
            ("sendq-total", &mut self.sendq_total, QUEUE),
            ("sendq-age", &mut self.sendq_age, MS),
            ("registration", &mut self.registration, MS),
            ("ping-interval", &mut self.ping_interval, MS),
            ("ping-timeout", &mut self.ping_timeout, MS),
            ("ask", &mut self.ask, MS),
            ("drain", &mut self.drain, MS),
            ("connections-per-address", &mut self.connections_per_address, 0..=1_000),
            ("password", &mut self.password, 0..=1),
            ("window", &mut self.window, 1..=1 << 20),
        ]
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().fields().iter().try_for_each(|(name, value, _)| writeln!(f, "{name} {value}"))
    }
}
