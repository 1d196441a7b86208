//! Operations on shared state, as the log holds them.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{BanTarget, KeyValue, NetworkConfig, ServerBan, UserId};
use crate::{UnixMillis, keyed::HashKey};

/// The encoding's version: the first byte of every stored entry.
const VERSION: u8 = 1;

/// One connection, as every server of a network knows it.
#[derive(
    Copy, Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub(crate) struct Session {
    pub(crate) node: u32,
    /// Counts a node's restarts.
    pub(crate) epoch: u32,
    pub(crate) number: u64,
}

/// Who proposed an entry.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) session: Session,
    /// The session's user, where its link knows it already.
    pub(crate) user: Option<UserId>,
    /// The link's request; replies carry it back.
    pub(crate) request: u64,
}

/// Operations that are applied together, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry<'a> {
    pub(crate) origin: Origin,
    pub(crate) time: UnixMillis,
    #[serde(borrow)]
    pub(crate) op: Op<'a>,
}

/// An entry that is kept: its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnedEntry(Vec<u8>);

impl Entry<'_> {
    pub(crate) fn to_owned(&self) -> OwnedEntry {
        // A vector takes all that is written into it; nothing else can fail in encoding.
        OwnedEntry(postcard::to_extend(self, alloc::vec![VERSION]).unwrap_or_default())
    }
}

impl OwnedEntry {
    /// The entry, borrowing from its bytes. `None` for another version or damaged bytes.
    pub(crate) fn get(&self) -> Option<Entry<'_>> {
        let (&version, rest) = self.0.split_first()?;
        (version == VERSION).then(|| postcard::from_bytes(rest).ok())?
    }
}

/// How a message is sent.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum MessageKind {
    Privmsg,
    /// Never answered, errors included.
    Notice,
    /// Nothing but tags.
    Tagmsg,
}

/// One change of a mode: sign, letter, parameter.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModeChange<'a> {
    pub(crate) add: bool,
    pub(crate) letter: u8,
    #[serde(borrow)]
    pub(crate) param: Option<&'a [u8]>,
}

/// One operation. Its syntax has been checked; whether it may be done is decided when it is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op<'a> {
    /// The network's first entry: the key of everything that looks random.
    Found {
        key: HashKey,
        config: NetworkConfig,
    },
    Configure(NetworkConfig),
    /// A server has (re)started: sessions of its older epochs are gone.
    NodeUp {
        node: u32,
        epoch: u32,
    },
    Register {
        nick: &'a [u8],
        user: &'a [u8],
        host: &'a [u8],
        real: &'a [u8],
        /// Away from the start, with this message.
        #[serde(borrow)]
        away: Option<&'a [u8]>,
        /// What it has told of itself already.
        #[serde(borrow)]
        metadata: Vec<KeyValue<'a>>,
    },
    Nick(&'a [u8]),
    Join {
        channel: &'a [u8],
        #[serde(borrow)]
        key: Option<&'a [u8]>,
    },
    Part {
        channel: &'a [u8],
        reason: &'a [u8],
    },
    Message {
        kind: MessageKind,
        target: &'a [u8],
        text: &'a [u8],
        /// Raw, client-only tags alone.
        tags: &'a [u8],
    },
    /// Takes a message back.
    Redact {
        target: &'a [u8],
        msgid: &'a [u8],
        #[serde(borrow)]
        reason: Option<&'a [u8]>,
    },
    Rename {
        channel: &'a [u8],
        to: &'a [u8],
        reason: &'a [u8],
    },
    Topic {
        channel: &'a [u8],
        text: &'a [u8],
    },
    ChannelMode {
        channel: &'a [u8],
        #[serde(borrow)]
        changes: Vec<ModeChange<'a>>,
    },
    UserMode {
        #[serde(borrow)]
        changes: Vec<ModeChange<'a>>,
    },
    Kick {
        channel: &'a [u8],
        nick: &'a [u8],
        reason: &'a [u8],
    },
    Invite {
        nick: &'a [u8],
        channel: &'a [u8],
    },
    /// Empty: back again.
    Away(&'a [u8]),
    /// The real name.
    SetName(&'a [u8]),
    /// METADATA SET; without a value the key goes.
    SetMetadata {
        target: &'a [u8],
        key: &'a [u8],
        #[serde(borrow)]
        value: Option<&'a [u8]>,
    },
    ClearMetadata {
        target: &'a [u8],
    },
    Oper {
        name: &'a [u8],
    },
    /// By an operator: ends somebody's connection.
    Kill {
        nick: &'a [u8],
        reason: &'a [u8],
    },
    /// By an operator: bans from the server, for so many seconds or until it is lifted.
    Ban {
        target: BanTarget,
        seconds: Option<u64>,
        reason: &'a [u8],
    },
    /// By an operator: lifts a ban.
    Unban {
        target: BanTarget,
    },
    /// All bans, as the host has kept them.
    SetBans(Vec<ServerBan>),
    /// By an operator: to all who want to hear it.
    Wallops {
        text: &'a [u8],
    },
    Quit {
        reason: &'a [u8],
    },
}
