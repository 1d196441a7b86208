//! What a client tells its host: typed, in order, owning its data.

use alloc::vec::Vec;
use core::fmt;

use super::{CommandError, Member, Text};
use crate::{Instant, UnixMillis};

/// Something that happened, or that the host is to do. Unless a field says otherwise, text is as
/// the server sent it: a host escapes it before it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The host opens a connection now, then says
    /// [`Input::Connected`](super::Input::Connected), or
    /// [`Input::Disconnected`](super::Input::Disconnected) if it can't.
    Connect,
    /// The connection is open; registration has begun.
    Connected,
    /// The server took us, and commands are carried out from now on.
    Registered {
        /// The nick that we have, which may not be the one wanted.
        nick: Text,
        /// The network's name, if the server gave one.
        network: Option<Text>,
    },
    /// Somebody joined a channel.
    Joined {
        /// The channel.
        channel: Text,
        /// Who joined.
        nick: Text,
        /// Whether it was us.
        me: bool,
    },
    /// Somebody left a channel.
    Left {
        /// The channel.
        channel: Text,
        /// Who left.
        nick: Text,
        /// Whether it was us.
        me: bool,
        /// By part or by kick.
        by: Departure,
        /// The words given for it; may be empty.
        reason: Text,
    },
    /// Somebody left the network.
    Quit {
        /// Who left.
        nick: Text,
        /// The channels of ours that they were in.
        channels: Vec<Text>,
        /// The words given for it; may be empty.
        reason: Text,
    },
    /// Somebody said something.
    Message(Message),
    /// The complete list of a channel's members came.
    Names {
        /// The channel.
        channel: Text,
        /// All members, by nick.
        members: Vec<Member>,
    },
    /// A channel's topic: told on joining, or changed.
    Topic {
        /// The channel.
        channel: Text,
        /// The topic; empty if there is none.
        topic: Text,
        /// Who changed it just now; `None` if it was only told.
        by: Option<Text>,
    },
    /// Modes of a channel or of ourselves changed.
    Mode {
        /// A channel, or our nick.
        target: Text,
        /// Who changed them.
        by: Text,
        /// The change and its parameters, as in `+o`, `alice`.
        change: Vec<Text>,
    },
    /// Somebody has a new nick.
    NickChanged {
        /// The nick before.
        old: Text,
        /// The nick from now on.
        new: Text,
        /// Whether it was us.
        me: bool,
    },
    /// Somebody asked us (or, with `invite-notify`, somebody else) to join a channel.
    Invited {
        /// The channel.
        channel: Text,
        /// Who asked.
        by: Text,
        /// Who was asked.
        nick: Text,
    },
    /// Somebody in a channel of ours went away or came back.
    Away {
        /// Who.
        nick: Text,
        /// The words given for it; `None` if they came back.
        reason: Option<Text>,
    },
    /// A numeric reply that no other event stands for; errors are among them.
    Reply {
        /// The code, 1 to 999.
        code: u16,
        /// The parameters after our own nick.
        params: Vec<Text>,
    },
    /// The answer to [`Command::Ping`](super::Command::Ping).
    Pong {
        /// What was sent with it.
        token: Text,
    },
    /// The server's last words, `ERROR`, before it closes the connection.
    ServerError {
        /// The words.
        text: Text,
    },
    /// A command that was not carried out, and why.
    Refused(CommandError),
    /// A message of a kind that the client does not know.
    Other {
        /// Whom it is from; empty if the server did not say.
        source: Text,
        /// The command, in capitals.
        command: Text,
        /// Its parameters.
        params: Vec<Text>,
    },
    /// There is no connection any more. The host closes what is left of it, and drops what is
    /// unsent.
    Disconnected {
        /// In words.
        why: Text,
        /// When [`Event::Connect`] follows; `None` if it never will.
        retry_at: Option<Instant>,
    },
    /// The last event: we quit, or gave up.
    Done,
}

/// Something said to us, to a channel, or by ourselves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The nick of a user or the name of a server; `*` if the server did not say.
    pub from: Text,
    /// A channel, or a nick: ours, or the other's if the message is ours.
    pub target: Text,
    /// What was said, without the frame of an action.
    pub text: Text,
    /// How it was said.
    pub kind: MessageKind,
    /// When: by the server's clock if it says so, else by ours.
    pub time: UnixMillis,
    /// Whether it is our own. Each message of ours comes back as an event, from the server or, if
    /// it does not echo, from the client itself.
    pub me: bool,
    /// The server's name for this message, the same on every delivery.
    pub msgid: Option<Text>,
    /// Whether it is from the past: replayed, not said just now.
    pub history: bool,
}

/// How something was said.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum MessageKind {
    /// `PRIVMSG`.
    Privmsg,
    /// `NOTICE`: nothing automatic may answer it.
    Notice,
    /// A `PRIVMSG` that tells what its sender does.
    Action,
    /// Another question or answer between clients (CTCP); the text is without its frame.
    Ctcp,
}

/// How somebody left a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Departure {
    /// By their own will.
    Part,
    /// They were removed.
    Kick {
        /// Who did it.
        by: Text,
    },
}

impl Event {
    /// Whether it is a numeric that reports an error.
    #[must_use]
    pub const fn is_error_reply(&self) -> bool {
        matches!(self, Self::Reply { code: 400..=599 | 691..=699 | 723, .. })
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Privmsg => "message",
            Self::Notice => "notice",
            Self::Action => "action",
            Self::Ctcp => "CTCP",
        })
    }
}
