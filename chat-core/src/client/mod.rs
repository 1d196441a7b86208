//! The other end of the protocol: a client as a pure state machine.
//!
//! A [`Client`] has no socket, no clock and no thread. Its host tells it what happened with
//! [`Client::handle`] and does what the client wants:
//!
//! | the host | by |
//! | --- | --- |
//! | connects, closes, shows what happened | taking every [`Event`] after each call: [`Client::poll_event`] |
//! | writes | sending [`Client::outbox`], then saying [`Client::sent`] |
//! | waits | saying [`Input::Timeout`] at [`Client::poll_timeout`] |
//! | reads | giving [`Input::Data`] |
//!
//! The client registers, negotiates capabilities, keeps the connection alive, connects and joins
//! again after it is lost, follows channels, members and nicks, and cuts long texts.
//!
//! Nothing that a server sends makes it panic or grow past its bounds.
//!
//! ```
//! use chat_core::client::{Client, Event, Input, Options};
//! use chat_core::Now;
//!
//! let options = Options {
//!     nick: "alice".into(),
//!     user: "alice".into(),
//!     real: "Alice".into(),
//!     password: None,
//!     join: vec!["#rust".into()],
//!     reconnect: true,
//! };
//! let mut client = Client::new(options, 1)?;
//! assert_eq!(client.poll_event(), Some(Event::Connect));
//! client.handle(Now::default(), Input::Connected);
//! assert!(client.outbox().starts_with(b"CAP LS 302\r\nNICK alice\r\n"));
//! # Ok::<(), chat_core::client::OptionsError>(())
//! ```

mod backoff;
mod command;
mod event;
mod negotiation;
mod nick;
mod options;
mod receive;
mod replay;
mod server_time;
mod split;
mod state;
mod support;
mod text;

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use backoff::Backoff;
use negotiation::Negotiation;
use nick::Nicks;
use replay::Replay;
use state::Channels;
use support::Support;

pub use command::{Command, CommandError};
pub use event::{Departure, Event, Message, MessageKind};
pub use options::{Options, OptionsError};
pub use state::{Channel, Member};
pub use text::Text;

use crate::wire::{Encoder, Frame, FrameLimits, Framer};
use crate::{Instant, Now};

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    options: Options,
    wanted_nick: Text,
    /// Channels to join when registered.
    rejoin: Vec<(Text, Option<Text>)>,
    /// Keys of channels that we asked to join.
    keys: VecDeque<(Text, Text)>,
    backoff: Backoff,
    /// No other attempt could end better.
    hopeless: bool,
    phase: Phase,
    now: Now,

    events: VecDeque<Event>,
    waiting: VecDeque<Command>,
    replay: Replay,

    // Of one connection:
    framer: Framer,
    received: Vec<u8>,
    outbox: Vec<u8>,
    /// How much of the front of the outbox has left.
    sent: usize,
    negotiation: Negotiation,
    nicks: Nicks,
    support: Support,
    channels: Channels,
    nick: Text,
    /// The length of `!user@host`, which the server puts after our nick.
    userhost_len: usize,
}

/// What a host tells a client.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The connection that [`Event::Connect`] asked for is open.
    Connected,
    /// Bytes came; at most 64 KiB at a time.
    Data(&'a [u8]),
    /// The connection is gone or could not be made, and why, in words.
    Disconnected(&'a str),
    /// The user wants something.
    Command(Command),
    /// The time that [`Client::poll_timeout`] gave has come.
    Timeout,
}

/// How far the connection is. All inputs are taken in all phases; those that do not fit are
/// ignored.
#[derive(Debug)]
enum Phase {
    /// The host was asked to connect.
    Connecting,
    /// A connection failed; the next attempt is at this time.
    Waiting { until: Instant },
    /// The server has not taken us (`welcomed`: it has, but not told all about itself).
    Registering { deadline: Instant, welcomed: bool },
    /// All works.
    Online { since: Instant, heard: Instant, pinged: Option<Instant> },
    /// What waits is sent, then goodbye; the server closes.
    Quitting { deadline: Instant },
    /// Nothing more will happen.
    Done,
}

impl Client {
    /// A client that wants to connect. The seed makes its waits differ from those of others.
    ///
    /// # Errors
    ///
    /// Which of the options can't be sent.
    pub fn new(options: Options, seed: u64) -> Result<Self, OptionsError> {
        options.check()?;
        let nick = Text::from(options.nick.as_str());
        let support = Support::default();
        Ok(Self {
            wanted_nick: nick.clone(),
            rejoin: options.channels()?,
            keys: VecDeque::new(),
            backoff: Backoff::new(seed),
            hopeless: false,
            phase: Phase::Connecting,
            now: Now::default(),
            events: [Event::Connect].into(),
            waiting: VecDeque::new(),
            replay: Replay::new(seed),
            framer: Framer::new(FRAME_LIMITS),
            received: Vec::new(),
            outbox: Vec::new(),
            sent: 0,
            negotiation: Negotiation::default(),
            nicks: Nicks::default(),
            channels: Channels::new(support.mapping),
            support,
            nick,
            userhost_len: USERHOST_LEN,
            options,
        })
    }

    /// Our nick, or the one that is being tried.
    #[must_use]
    pub const fn nick(&self) -> &Text {
        &self.nick
    }

    /// The network's name, if the server has told it.
    #[must_use]
    pub const fn network(&self) -> Option<&Text> {
        self.support.network.as_ref()
    }

    /// The channels that we are in, by name; at most 256 are tracked.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = &Channel> {
        self.channels.iter()
    }

    /// The channel of this name, if we are in it.
    #[must_use]
    pub fn channel(&self, name: &[u8]) -> Option<&Channel> {
        self.channels.get(name)
    }

    /// The members of a channel, by nick; none if we are not in it.
    pub fn members(&self, channel: &[u8]) -> impl Iterator<Item = &Member> {
        self.channel(channel).into_iter().flat_map(Channel::members)
    }

    /// Whether a target is a channel, by the server's rules.
    #[must_use]
    pub fn is_channel(&self, target: &[u8]) -> bool {
        self.support.is_channel(target)
    }

    /// Whether two names are the same, by the server's rules.
    #[must_use]
    pub fn is_same(&self, a: &[u8], b: &[u8]) -> bool {
        self.support.mapping.eq(a, b)
    }

    /// Whether commands reach the server now.
    #[must_use]
    pub const fn is_registered(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done)
    }

    /// Whether there is room for more commands than [`Quit`](Command::Quit). A host with many
    /// (a script) waits while there is none.
    #[must_use]
    pub fn wants_commands(&self) -> bool {
        self.takes_commands() && self.waiting.len() < WAITING_MAX
    }

    /// The bytes to write to the server.
    #[must_use]
    pub fn outbox(&self) -> &[u8] {
        // `sent` never passes the end.
        &self.outbox[self.sent..]
    }

    /// When to say [`Input::Timeout`], if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Connecting | Phase::Done => None,
            Phase::Waiting { until } => Some(*until),
            Phase::Registering { deadline, .. } | Phase::Quitting { deadline } => Some(*deadline),
            Phase::Online { heard, pinged, .. } => {
                Some(pinged.map_or(heard.after(SILENCE), |pinged| pinged.after(PONG_WAIT)))
            }
        }
    }

    /// Takes an input. The host then takes all events, and writes what is in the outbox.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        // The clock is the host's; a step back is none.
        self.now = Now { mono: now.mono.max(self.now.mono), wall: now.wall };
        match input {
            Input::Connected => self.start(),
            Input::Data(bytes) => self.take(bytes),
            Input::Disconnected(why) => {
                if self.is_linked() || matches!(self.phase, Phase::Connecting) {
                    self.lose(why.into());
                }
            }
            Input::Command(command) => self.command(command),
            Input::Timeout => self.time_out(),
        }
        self.go_on();
    }

    /// The next event; `None` when the host knows all.
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            self.go_on();
        }
        self.events.pop_front()
    }

    /// So many bytes of the outbox have left; more may follow, and events too.
    pub fn sent(&mut self, len: usize) {
        self.sent = self.sent.saturating_add(len).min(self.outbox.len());
        if self.sent == self.outbox.len() {
            self.outbox.clear();
            self.sent = 0;
        } else if self.sent > self.outbox.len() / 2 {
            self.outbox.drain(..self.sent);
            self.sent = 0;
        }
        if len > 0 {
            self.note_progress();
        }
        self.go_on();
    }

    /// A server that takes what waits is there, however slowly: its answers come behind that.
    fn note_progress(&mut self) {
        let now = self.now.mono;
        let more_waits = !self.outbox().is_empty();
        match &mut self.phase {
            Phase::Quitting { deadline } => *deadline = now.after(QUIT_WAIT),
            Phase::Online { pinged: Some(pinged), .. } if more_waits => *pinged = now,
            _ => {}
        }
    }

    /// Does all that there is room for.
    fn go_on(&mut self) {
        self.read_lines();
        while matches!(self.phase, Phase::Online { .. } | Phase::Quitting { .. })
            && self.outbox().len() < OUTBOX_PAUSE
            && self.events.len() < EVENTS_MAX
            && let Some(command) = self.waiting.pop_front()
        {
            self.carry_out(&command);
        }
    }

    /// Whether there is a connection.
    const fn is_linked(&self) -> bool {
        matches!(
            self.phase,
            Phase::Registering { .. } | Phase::Online { .. } | Phase::Quitting { .. }
        )
    }

    const fn takes_commands(&self) -> bool {
        !matches!(self.phase, Phase::Quitting { .. } | Phase::Done)
    }

    /// The connection is open: register.
    fn start(&mut self) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        let deadline = self.now.mono.after(REGISTRATION_WAIT);
        self.phase = Phase::Registering { deadline, welcomed: false };
        self.events.push_back(Event::Connected);
        let out = &mut self.outbox;
        Negotiation::begin(out);
        if let Some(password) = &self.options.password {
            Encoder::new(out).command(b"PASS").trailing(password.as_bytes());
        }
        Encoder::new(out).command(b"NICK").param(&self.nick);
        Encoder::new(out)
            .command(b"USER")
            .param(self.options.user.as_bytes())
            .param(b"0")
            .param(b"*")
            .trailing(self.options.real.as_bytes());
    }

    /// All is known of the server: join, and carry out what waited.
    fn go_online(&mut self) {
        let now = self.now.mono;
        self.phase = Phase::Online { since: now, heard: now, pinged: None };
        self.events.push_back(Event::Registered {
            nick: self.nick.clone(),
            network: self.support.network.clone(),
        });
        for (channel, key) in self.rejoin.clone() {
            self.join(&channel, key.as_ref());
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if !self.is_linked() {
            return;
        }
        if let Phase::Online { heard, pinged, .. } = &mut self.phase {
            *heard = self.now.mono;
            *pinged = None;
        }
        self.received.extend_from_slice(bytes);
        if self.received.len() > RECEIVED_MAX {
            self.lose("more came than the events taken make room for".into());
        }
    }

    fn read_lines(&mut self) {
        let mut received = core::mem::take(&mut self.received);
        let mut read = 0;
        while self.is_linked() && self.events.len() < EVENTS_MAX {
            let step = self.framer.next(&received[read..]);
            read += step.consumed;
            match step.frame {
                Some(Frame::Line(line)) => self.receive(line),
                // The server's fault, and nothing that one could act on.
                Some(Frame::TooLong | Frame::Malformed) => {}
                None => break,
            }
            if self.outbox().len() > OUTBOX_MAX {
                self.lose("the server does not read what we send".into());
            }
        }
        if self.is_linked() {
            received.drain(..read);
            self.received = received;
        }
    }

    fn command(&mut self, command: Command) {
        let is_quit = |line: &Text| {
            line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"QUIT"))
                && line.get(4).is_none_or(|&byte| byte == b' ')
        };
        let command = match command {
            Command::Raw(line) if is_quit(&line) => {
                let reason = line[4..].trim_ascii_start();
                let reason = reason.strip_prefix(b":").unwrap_or(reason);
                Command::Quit { reason: Some(reason.into()) }
            }
            command => command,
        };
        let refused = match command.check() {
            Err(error) => Some(error),
            Ok(()) if !self.takes_commands() => Some(CommandError::Over),
            Ok(()) if matches!(command, Command::Quit { .. }) => {
                self.quit(command);
                None
            }
            Ok(()) if self.waiting.len() >= WAITING_MAX => Some(CommandError::QueueFull),
            Ok(()) => {
                self.waiting.push_back(command);
                None
            }
        };
        if let Some(error) = refused
            && self.events.len() < 2 * EVENTS_MAX
        {
            self.events.push_back(Event::Refused(error));
        }
    }

    fn quit(&mut self, command: Command) {
        if !self.is_registered() {
            self.waiting.clear();
        }
        let is_linked = self.is_linked();
        self.phase = Phase::Quitting { deadline: self.now.mono.after(QUIT_WAIT) };
        if is_linked {
            self.waiting.push_back(command);
        } else {
            self.lose("quit before a connection was made".into());
        }
    }

    fn time_out(&mut self) {
        if self.poll_timeout().is_none_or(|at| self.now.mono < at) {
            return;
        }
        match &mut self.phase {
            Phase::Connecting | Phase::Done => {}
            Phase::Waiting { .. } => {
                self.phase = Phase::Connecting;
                self.events.push_back(Event::Connect);
            }
            Phase::Registering { welcomed: true, .. } => self.go_online(),
            Phase::Registering { .. } => {
                self.lose("the server did not answer while we registered".into());
            }
            Phase::Online { pinged: Some(_), .. } => {
                self.lose("the server does not answer any more".into());
            }
            Phase::Online { pinged, .. } => {
                *pinged = Some(self.now.mono);
                self.line(b"PING").param(KEEPALIVE_TOKEN);
            }
            Phase::Quitting { .. } => self.lose("the server did not close in time".into()),
        }
    }

    /// There is no connection any more: wait for the next, or end.
    fn lose(&mut self, why: Text) {
        if let Phase::Online { since, .. } = self.phase
            && self.now.mono.since(since) >= STABLE_AFTER
        {
            self.backoff.reset();
        }
        let may_retry = self.options.reconnect && self.takes_commands() && !self.hopeless;
        let retry_at = may_retry.then(|| self.now.mono.after(self.backoff.next()));
        self.framer = Framer::new(FRAME_LIMITS);
        self.received = Vec::new();
        self.outbox = Vec::new();
        self.sent = 0;
        self.negotiation = Negotiation::default();
        self.nicks = Nicks::default();
        self.support = Support::default();
        self.channels = Channels::new(self.support.mapping);
        self.replay.reconnect();
        self.nick = self.wanted_nick.clone();
        self.userhost_len = USERHOST_LEN;
        self.events.push_back(Event::Disconnected { why, retry_at });
        if let Some(until) = retry_at {
            self.phase = Phase::Waiting { until };
        } else {
            self.phase = Phase::Done;
            self.waiting.clear();
            self.events.push_back(Event::Done);
        }
    }

    /// Begins a line.
    fn line(&mut self, command: &[u8]) -> Encoder<'_> {
        let mut line = Encoder::new(&mut self.outbox);
        line.command(command);
        line
    }
}

/// What is taken of a line: more than a server should send, since some do.
const FRAME_LIMITS: FrameLimits = FrameLimits { body: 2048, ..FrameLimits::FROM_SERVER };

/// The most bytes received whose events were not taken.
const RECEIVED_MAX: usize = 80 * 1024;

/// With so many unsent bytes, commands wait.
const OUTBOX_PAUSE: usize = 16 * 1024;

/// With so many unsent bytes, of which the server's own questions made the most, it is given up.
const OUTBOX_MAX: usize = 1024 * 1024;

/// With so many events not taken, nothing is read and no command carried out.
const EVENTS_MAX: usize = 256;

/// The most commands that wait.
const WAITING_MAX: usize = 256;

/// How long registration may take.
const REGISTRATION_WAIT: Duration = Duration::from_secs(60);

/// How long the end of the message of the day may take after the welcome.
const MOTD_WAIT: Duration = Duration::from_secs(5);

/// After such a silence the server is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// How long its answer may take.
const PONG_WAIT: Duration = Duration::from_secs(30);

/// How long the server may take to close after goodbye, counted from the last bytes that it took.
const QUIT_WAIT: Duration = Duration::from_secs(10);

/// A connection that lasted so long makes the waits short again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What marks our own question whether the server is there.
const KEEPALIVE_TOKEN: &[u8] = b"keepalive";

/// The length of `!user@host` until the server shows it: ten bytes of user, marked, and 63 of host.
const USERHOST_LEN: usize = 1 + 11 + 1 + 63;
