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
mod link;
mod negotiation;
mod nick;
mod options;
mod receive;
mod replay;
mod split;
mod state;
mod support;
mod text;

use alloc::{collections::VecDeque, vec::Vec};

use backoff::Backoff;
use link::{EVENTS_MAX, FRAME_LIMITS, PONG_WAIT, Phase, QUIT_WAIT, SILENCE, USERHOST_LEN};
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

use crate::wire::{Encoder, Framer};
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

    const fn takes_commands(&self) -> bool {
        !matches!(self.phase, Phase::Quitting { .. } | Phase::Done)
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

    /// Begins a line.
    fn line(&mut self, command: &[u8]) -> Encoder<'_> {
        let mut line = Encoder::new(&mut self.outbox);
        line.command(command);
        line
    }
}

/// The most commands that wait.
const WAITING_MAX: usize = 256;
