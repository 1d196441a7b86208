//! One connection after another: how each begins, lives and ends.

use core::time::Duration;

use alloc::vec::Vec;

use super::{Channels, Client, Event, Negotiation, Nicks, Support, Text};
use crate::Instant;
use crate::wire::{Encoder, Frame, FrameLimits, Framer};

/// How far the connection is. All inputs are taken in all phases; those that do not fit are
/// ignored.
#[derive(Debug)]
pub(super) enum Phase {
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
    /// A server that takes what waits is there, however slowly: its answers come behind that.
    pub(super) fn note_progress(&mut self) {
        let now = self.now.mono;
        let more_waits = !self.outbox().is_empty();
        match &mut self.phase {
            Phase::Quitting { deadline } => *deadline = now.after(QUIT_WAIT),
            Phase::Online { pinged: Some(pinged), .. } if more_waits => *pinged = now,
            _ => {}
        }
    }

    /// Does all that there is room for.
    pub(super) fn go_on(&mut self) {
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
    pub(super) const fn is_linked(&self) -> bool {
        matches!(
            self.phase,
            Phase::Registering { .. } | Phase::Online { .. } | Phase::Quitting { .. }
        )
    }

    /// The connection is open: register.
    pub(super) fn start(&mut self) {
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
    pub(super) fn go_online(&mut self) {
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

    pub(super) fn take(&mut self, bytes: &[u8]) {
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

    pub(super) fn read_lines(&mut self) {
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

    pub(super) fn time_out(&mut self) {
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
    pub(super) fn lose(&mut self, why: Text) {
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
}

/// What is taken of a line: more than a server should send, since some do.
pub(super) const FRAME_LIMITS: FrameLimits = FrameLimits { body: 2048, ..FrameLimits::FROM_SERVER };

/// The most bytes received whose events were not taken.
const RECEIVED_MAX: usize = 80 * 1024;

/// With so many unsent bytes, commands wait.
const OUTBOX_PAUSE: usize = 16 * 1024;

/// With so many unsent bytes, of which the server's own questions made the most, it is given up.
const OUTBOX_MAX: usize = 1024 * 1024;

/// With so many events not taken, nothing is read and no command carried out.
pub(super) const EVENTS_MAX: usize = 256;

/// How long registration may take.
const REGISTRATION_WAIT: Duration = Duration::from_secs(60);

/// How long the end of the message of the day may take after the welcome.
pub(super) const MOTD_WAIT: Duration = Duration::from_secs(5);

/// After such a silence the server is asked whether it is there.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// How long its answer may take.
pub(super) const PONG_WAIT: Duration = Duration::from_secs(30);

/// How long the server may take to close after goodbye, counted from the last bytes that it took.
pub(super) const QUIT_WAIT: Duration = Duration::from_secs(10);

/// A connection that lasted so long makes the waits short again.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What marks our own question whether the server is there.
pub(super) const KEEPALIVE_TOKEN: &[u8] = b"keepalive";

/// The length of `!user@host` until the server shows it: ten bytes of user, marked, and 63 of host.
pub(super) const USERHOST_LEN: usize = 1 + 11 + 1 + 63;
