//! What passes between the core and its host: inputs, outputs, questions, reports.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{fmt, net::IpAddr, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Config, UnixMillis};

/// One connection: an index and a generation.
///
/// It stays valid until the host says [`Input::Closed`]; afterwards it names nothing, and never
/// another connection.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct ConnId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl ConnId {
    /// A small dense number, for a host's own tables: below the most connections ever open at once.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// One question to the host; its answer carries it back.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Ticket(pub(crate) u64);

/// Who is at the other end of a connection, as far as the host knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerInfo {
    /// The peer's address; `None` for a Unix socket.
    pub address: Option<IpAddr>,
    /// Whether the limit on connections per address does not count for this peer.
    pub exempt: bool,
}

/// Why a connection was not taken: the line to send before closing it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// A complete `ERROR` line with its end.
    pub line: Vec<u8>,
}

/// Anything that a host tells the core, [`Server::open`](crate::Server::open) aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input<'a> {
    /// Bytes came. At most 16 KiB at a time are sure to be taken; more than the free `recvq` ends
    /// the connection. None should come after `SetRead(conn, false)`, so that a host takes outputs
    /// before it reads from the same connection again.
    Data(ConnId, #[serde(borrow)] &'a [u8]),
    /// The peer will send nothing more. Lines already received are still carried out.
    Eof(ConnId),
    /// The connection is gone; its id is free from now on.
    Closed(ConnId, Closed),
    /// A flush is over: so many bytes of the outbox have left. Exactly once for each
    /// [`Output::Flush`], and for each time that a blocked connection became writable.
    ///
    /// Several outboxes may be written at a time, and what came of it said one after another; so may
    /// other inputs be, meanwhile. Who is flushed unasked is an exception: nothing may come between
    /// its being written and what is said of it.
    Sent(ConnId, usize, Pause),
    /// What was asked is answered.
    Answer(Ticket, Answer),
    /// The time that [`Server::poll_timeout`](crate::Server::poll_timeout) gave has come.
    Timeout,
    /// A new configuration, checked again here; a wrong one changes nothing and is reported.
    Reload(Box<Config>),
    /// Take no new connections, tell everybody, flush, close; then [`Output::Stopped`].
    Shutdown,
}

/// Why a connection ended, as the host saw it.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Closed {
    /// The core asked for it.
    Asked,
    /// The peer reset it, or went away.
    Reset,
    /// The host's system reported an error.
    Failed,
}

/// Why a flush ended.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Pause {
    /// The socket took no more: flush again, unasked, when it is writable. Or all was sent, if nothing
    /// was said to the core since.
    Full,
    /// It may take more: the host saw no more, or its own bound on one write was reached. Another
    /// [`Output::Flush`] follows if needed.
    Yield,
}

/// Anything that the core tells its host to do. In order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Write what [`Server::outbox`](crate::Server::outbox) holds, then say [`Input::Sent`].
    Flush(ConnId),
    /// Read from this connection, or stop doing so. A connection starts with reading on.
    SetRead(ConnId, bool),
    /// Close this connection, then say [`Input::Closed`].
    Close(ConnId, CloseWhen),
    /// Find the answer, then say [`Input::Answer`].
    Ask(Ticket, Request),
    /// The answer is not wanted any more; one that comes all the same is ignored.
    Cancel(Ticket),
    /// Something that an operator of the server may want to see in a log.
    Report(Report),
    /// All connections are closed after [`Input::Shutdown`]: the host may stop.
    Stopped,
}

/// When a connection is to be closed.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum CloseWhen {
    /// At once, whatever is unsent.
    Now,
    /// When the outbox is empty: then shut down the sending side, read and drop what comes until
    /// the peer closes. The core keeps the deadline and says [`CloseWhen::Now`] when it has passed.
    AfterFlush,
}

/// What the core can't find out by itself.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Whether a password matches a hash. Costly: not on the thread of the event loop.
    VerifyPassword {
        /// The hash from the configuration.
        hash: String,
        /// What the peer sent.
        password: Vec<u8>,
    },
    /// The configuration as it is now, for an operator who has asked for REHASH.
    Configuration,
    /// The bans that were kept by `StoreBans`, at the start and after each reload.
    LoadBans,
    /// Keep the bans: this text in place of what was kept before, so that it is either all there or
    /// not at all.
    StoreBans(Vec<u8>),
}

impl fmt::Debug for Request {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VerifyPassword { .. } => f.write_str("VerifyPassword { .. }"),
            Self::Configuration => f.write_str("Configuration"),
            Self::LoadBans => f.write_str("LoadBans"),
            Self::StoreBans(text) => write!(f, "StoreBans({} bytes)", text.len()),
        }
    }
}

/// The host's answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The password matches or not.
    Verified(bool),
    /// The configuration, read again.
    Configuration(Box<Config>),
    /// The text that was kept; empty if there is none yet.
    Bans(Vec<u8>),
    /// It is kept.
    Stored,
    /// It could not be done, and why: for whoever caused it.
    Failed(String),
    /// The host could not find out; treated as no.
    Unavailable,
}

/// Something worth a line in a log. Bytes are as peers sent them: a host escapes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields of each are its words")]
pub enum Report {
    /// A connection was refused at the door.
    Refused { address: Option<IpAddr>, why: String },
    /// A connection registered.
    Registered { conn: ConnId, nick: Vec<u8>, user: Vec<u8>, host: Vec<u8> },
    /// A connection ended; `nick` is empty if it had none.
    Ended { conn: ConnId, nick: Vec<u8>, why: Vec<u8> },
    /// Somebody became an operator.
    Oper { nick: Vec<u8>, name: String },
    /// An operator did something that the other reports do not tell.
    Acted { nick: Vec<u8>, what: String },
    /// An attempt to become one, or to register with a password, failed.
    BadPassword { conn: ConnId, name: Vec<u8> },
    /// A connection began as TLS does, which is not spoken here.
    Tls { conn: ConnId },
    /// What the host was asked was not answered in time.
    NoAnswer { conn: ConnId },
    /// The host came so much too late that it must have stood still; that counts against nobody.
    StoodStill { time: Duration },
    /// A new configuration is in force; these keys wait for a restart.
    Reloaded { restart_needed: Vec<String> },
    /// So many bans that were kept are in force.
    BansLoaded { bans: usize },
    /// The bans that were kept could not be read; those in force stay.
    BansNotLoaded { why: String },
    /// A new configuration was wrong; the old one stays.
    ReloadFailed { why: String },
    /// This line is carried out now, before those of later reports; it is empty if it was too long or
    /// malformed. Only if [`Config::trace`](crate::Config::trace) is set, as for the next two.
    Line { conn: ConnId, line: Vec<u8> },
    /// The command of several steps that this connection is at goes on: the next channel of a JOIN,
    /// or a piece of a long answer.
    Step { conn: ConnId },
    /// The user of a connection that has ended quits.
    Quit { conn: ConnId },
}

/// A piece of an outbox.
#[derive(Copy, Clone, Debug)]
pub enum Chunk<'a> {
    /// Bytes that are good until the next input.
    Turn(&'a [u8]),
    /// A line that several outboxes may share.
    Shared(&'a Bytes),
}

impl core::ops::Deref for Chunk<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Turn(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// Counters and gauges, for whoever watches the server.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it all")]
pub struct Metrics {
    pub connections: u64,
    pub users: u64,
    pub channels: u64,
    pub lines_in: u64,
    pub lines_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub refused: u64,
    pub sendq_kills: u64,
    pub recvq_kills: u64,
    pub queued_bytes: u64,
    pub started: UnixMillis,
}
