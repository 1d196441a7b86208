//! What belongs to one connection and is thrown away with it.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    batch::Batch,
    door::Place,
    host_text,
    pace::Pace,
    query::Read,
    rate::{Bucket, Rate},
};
use crate::{
    Instant, Limits, Ticket, UnixMillis,
    caps::Caps,
    network::{MessageKind, Metadata, Origin, Session, UserId},
    wire::{FrameLimits, Framer},
};

/// One connection.
pub(crate) struct Link {
    pub(crate) session: Session,
    /// Where it comes from; `None`: from this machine.
    pub(crate) address: Option<IpAddr>,
    /// What it is counted by; `None`: it is not counted.
    pub(crate) place: Option<Place>,
    pub(crate) framer: Framer,
    /// Bytes that came and could not be carried out yet.
    pub(crate) unread: Vec<u8>,
    pub(crate) state: State,
    pub(crate) caps: Caps,
    /// Asked for `CAP LS 302` or later.
    pub(crate) caps_302: bool,
    /// The rest of a command that takes several steps; later lines wait for it.
    pub(crate) steps: VecDeque<Step>,
    pub(crate) asking: Option<Box<Asking>>,
    pub(crate) response: Option<Box<Response>>,
    /// What it has asked to be told of or to be kept: there once it has.
    pub(crate) interests: Option<Box<Interests>>,
    /// What the client has begun and not ended.
    pub(crate) batch: Option<Box<ClientBatch>>,
    /// The batch that all lines of the command at hand are in.
    pub(crate) inside: Option<Batch>,
    /// What it has told of itself before it is a user.
    pub(crate) metadata: Metadata,
    /// Lines carried out of late.
    pub(crate) flood: Bucket,
    /// Bytes taken of which no line is counted yet.
    pub(crate) uncounted: u16,
    /// What its user did of late that others feel.
    pub(crate) pace: Option<Box<Pace>>,
    pub(crate) requests: u64,
    pub(crate) heard: Instant,
    pub(crate) ping_sent: Option<Instant>,
    /// Whether the host reads from it.
    pub(crate) reading: bool,
    pub(crate) eof: bool,
    /// Whether it waits in the run queue.
    pub(crate) queued: bool,
}

/// What few connections have: lists that the client has given.
#[derive(Default)]
pub(crate) struct Interests {
    /// The nicks that it watches, as it gave them, in that order.
    pub(crate) watching: Vec<Box<[u8]>>,
    /// Up to when it has read which channels and conversations, by folded names.
    pub(crate) read_markers: BTreeMap<Box<[u8]>, UnixMillis>,
    /// Keys of metadata whose changes it is told, sorted.
    pub(crate) subscriptions: Vec<Box<[u8]>>,
}

/// Those of a connection that has none.
static NO_INTERESTS: Interests =
    Interests { watching: Vec::new(), read_markers: BTreeMap::new(), subscriptions: Vec::new() };

/// Where a connection is in its life.
pub(crate) enum State {
    /// Until the network has taken it: since when, and what it has told of itself.
    Registering { since: Instant, form: Box<Form> },
    /// A user of the network.
    Registered(UserId),
    /// Its last line is in the outbox; by the deadline it is closed.
    Dying { deadline: Instant },
}

/// What a connection has told of itself so far.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) nick: Option<Box<[u8]>>,
    pub(crate) user: Option<Box<[u8]>>,
    pub(crate) real: Box<[u8]>,
    /// The message of being away from the start.
    pub(crate) away: Option<Box<[u8]>>,
    pub(crate) password: Option<Vec<u8>>,
    pub(crate) password_ok: bool,
    /// Between the first CAP LS or REQ and CAP END.
    pub(crate) negotiating: bool,
}

/// A question to the host that this connection waits for.
pub(crate) struct Asking {
    pub(crate) ticket: Ticket,
    pub(crate) deadline: Instant,
    pub(crate) purpose: Purpose,
}

/// What an answer is for.
#[derive(Clone)]
pub(crate) enum Purpose {
    Register,
    /// OPER with this name.
    Oper(Box<[u8]>),
    /// OPER with a name that nobody has: refused as late as another, whatever the answer.
    NoOper(Box<[u8]>),
    /// REHASH.
    Rehash,
    /// To keep bans: what is to be told then.
    Bans(String),
}

/// One step of a command that takes several.
pub(crate) enum Step {
    Join { channel: Box<[u8]>, key: Option<Box<[u8]>> },
    Read(Read),
}

/// A message of several lines that a client is about to send.
pub(crate) struct ClientBatch {
    pub(crate) reference: Box<[u8]>,
    pub(crate) target: Box<[u8]>,
    /// As they came, client-only tags among them.
    pub(crate) tags: Box<[u8]>,
    /// The label of the command that began it: the answer to the whole has it.
    pub(crate) label: Option<Box<[u8]>>,
    /// What its lines are; `None`: there was none yet.
    pub(crate) kind: Option<MessageKind>,
    /// Its lines, joined as `multiline.rs` tells.
    pub(crate) text: Vec<u8>,
    pub(crate) lines: usize,
    /// When it must have ended; `None`: it was refused, and what comes of it is ignored.
    pub(crate) deadline: Option<Instant>,
}

/// A labeled command's answer: nothing yet, one line that is held back, or a batch.
pub(crate) struct Response {
    /// Still escaped, as it came.
    pub(crate) label: Box<[u8]>,
    pub(crate) lines: Lines,
}

impl Response {
    /// Whether nothing has been answered yet.
    pub(crate) const fn is_new(&self) -> bool {
        matches!(self.lines, Lines::None)
    }
}

pub(crate) enum Lines {
    None,
    One(Vec<u8>),
    Batch([u8; 13]),
}

impl Link {
    pub(crate) fn new(
        session: Session,
        address: Option<IpAddr>,
        place: Option<Place>,
        now: Instant,
    ) -> Self {
        Self {
            session,
            address,
            place,
            framer: Framer::new(FrameLimits::FROM_CLIENT),
            unread: Vec::new(),
            state: State::Registering { since: now, form: Box::default() },
            caps: Caps::NONE,
            caps_302: false,
            steps: VecDeque::new(),
            asking: None,
            response: None,
            interests: None,
            batch: None,
            inside: None,
            metadata: Metadata::default(),
            flood: Bucket::default(),
            uncounted: 0,
            pace: None,
            requests: 0,
            heard: now,
            ping_sent: None,
            reading: true,
            eof: false,
            queued: false,
        }
    }

    /// Its address as a host.
    pub(crate) fn host(&self) -> Box<[u8]> {
        host_text(self.address)
    }

    pub(crate) const fn user(&self) -> Option<UserId> {
        if let State::Registered(user) = self.state { Some(user) } else { None }
    }

    pub(crate) fn interests(&self) -> &Interests {
        self.interests.as_deref().unwrap_or(&NO_INTERESTS)
    }

    pub(crate) fn interests_mut(&mut self) -> &mut Interests {
        self.interests.get_or_insert_default()
    }

    /// Where an entry that this connection proposes comes from.
    pub(crate) const fn origin(&self) -> Origin {
        Origin { session: self.session, user: self.user(), request: self.requests }
    }

    pub(crate) const fn is_dying(&self) -> bool {
        matches!(self.state, State::Dying { .. })
    }

    /// Whether it knows of metadata and has subscribed to this key.
    pub(crate) fn is_told(&self, key: &[u8]) -> bool {
        self.caps.has(Caps::METADATA)
            && self.interests().subscriptions.binary_search_by(|other| (**other).cmp(key)).is_ok()
    }

    /// Whether later lines wait for something that is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.asking.is_some() || !self.steps.is_empty()
    }

    /// When its next line may be carried out; `None`: now.
    pub(crate) fn flood_wait(&self, limits: &Limits, now: Instant) -> Option<Instant> {
        self.flood.wait(lines(limits)?, now)
    }

    /// A command was carried out that costs as much as so many lines.
    pub(crate) fn spend(&mut self, limits: &Limits, now: Instant, cost: u32) {
        if let Some(rate) = lines(limits) {
            self.flood.spend(rate, now, cost);
        }
    }

    /// So many bytes were taken, with a line at their end or not: a long line counts for several, and
    /// one without an end, or many without content, for what they are.
    pub(crate) fn spend_bytes(&mut self, limits: &Limits, now: Instant, bytes: usize, line: bool) {
        let taken = self.uncounted as usize + bytes;
        // The line itself is counted by its command.
        let counted = if line { taken.saturating_sub(1) } else { taken } / LINE_BYTES;
        self.uncounted = if line { 0 } else { (taken % LINE_BYTES) as u16 };
        if counted > 0 {
            self.spend(limits, now, counted as u32);
        }
    }

    /// When this connection has to be looked at again, its outbox aside.
    pub(crate) fn deadline(&self, limits: &Limits, now: Instant) -> Option<Instant> {
        let asking = self.asking.as_ref().map(|asking| asking.deadline);
        let life = match &self.state {
            State::Registering { .. } if mutant!(RegistrationEndless) => None,
            State::Registering { since, .. } => Some(since.after(limits.registration)),
            State::Dying { deadline } => return Some(*deadline),
            // While we don't read, silence is ours; the age of the outbox covers the rest.
            State::Registered(_) if !self.reading => None,
            State::Registered(_) => Some(match self.ping_sent {
                Some(at) => at.after(limits.ping_timeout),
                None => self.heard.after(limits.ping_interval),
            }),
        };
        let flood = if self.unread.is_empty() || self.is_busy() || mutant!(FloodWaitForgotten) {
            None
        } else {
            self.flood_wait(limits, now)
        };
        let batch = self.batch.as_ref().and_then(|batch| batch.deadline);
        [asking, life, flood, batch].into_iter().flatten().min()
    }
}

/// So many bytes count as a line, however they are cut into lines.
const LINE_BYTES: usize = 512;

/// How fast a connection's lines are carried out.
fn lines(limits: &Limits) -> Option<Rate> {
    Rate::per_second(limits.lines_per_second, limits.lines_burst)
}
