//! Effects of an operation, and who is to see them.

use super::{
    BanChange, BanTarget, ChannelId, MessageKind, Metadata, MetadataOf, Network, Origin, Rank,
    UserId,
};
use crate::{
    UnixMillis,
    wire::{Numeric, Standard},
};

/// Something that happened, as it is told to those concerned.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Event<'a> {
    Join {
        user: UserId,
        channel: ChannelId,
    },
    Part {
        user: UserId,
        channel: ChannelId,
        reason: &'a [u8],
    },
    Kick {
        by: UserId,
        user: UserId,
        channel: ChannelId,
        reason: &'a [u8],
    },
    Quit {
        user: UserId,
        reason: &'a [u8],
    },
    Nick {
        user: UserId,
        old: &'a [u8],
    },
    Topic {
        user: UserId,
        channel: ChannelId,
        text: &'a [u8],
    },
    /// `modes` as in `+o-v`, with their parameters in order.
    ChannelMode {
        by: UserId,
        channel: ChannelId,
        modes: &'a [u8],
        params: &'a [&'a [u8]],
    },
    UserMode {
        user: UserId,
        modes: &'a [u8],
    },
    Message {
        from: UserId,
        kind: MessageKind,
        target: &'a [u8],
        text: &'a [u8],
        /// Whether the text has several lines.
        multiline: bool,
        tags: &'a [u8],
    },
    /// An operator ends the connection of a user, who alone is told in this form.
    Kill {
        by: UserId,
        user: UserId,
        reason: &'a [u8],
    },
    Wallops {
        from: UserId,
        text: &'a [u8],
    },
    Away {
        user: UserId,
    },
    SetName {
        user: UserId,
    },
    /// The host that others see has changed.
    Host {
        user: UserId,
        old: &'a [u8],
    },
    /// The same for those who don't know of changing hosts: the user seems to quit,
    Gone {
        user: UserId,
        old: &'a [u8],
    },
    /// joins again,
    Back {
        user: UserId,
        channel: ChannelId,
    },
    /// and has the old ranks, as letters.
    Ranks {
        user: UserId,
        channel: ChannelId,
        letters: &'a [u8],
    },
    /// A nick has come into use.
    Online {
        user: UserId,
    },
    /// A nick is not in use any more.
    Offline {
        nick: &'a [u8],
    },
    /// A key's new value; `None`: it is gone.
    Metadata {
        by: UserId,
        of: MetadataOf,
        key: &'a [u8],
        value: Option<&'a [u8]>,
    },
    Invite {
        by: UserId,
        user: UserId,
        channel: ChannelId,
    },
    /// The same, for those who are in the channel.
    Invited {
        by: UserId,
        user: UserId,
        channel: ChannelId,
    },
    Redact {
        by: UserId,
        target: &'a [u8],
        msgid: &'a [u8],
        reason: Option<&'a [u8]>,
    },
    /// A channel has its new name already.
    Rename {
        by: UserId,
        channel: ChannelId,
        old: &'a [u8],
        reason: &'a [u8],
    },
}

/// Who sees an event.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Audience<'a> {
    /// All members of a channel.
    Channel(ChannelId),
    /// Members with at least this rank; the sender of a message only as its echo.
    Message { channel: ChannelId, least: Rank, from: UserId },
    /// All who share a channel with a user, each once; with the user or without.
    Peers { of: UserId, with_self: bool },
    /// Those who watch the nick that the event is about.
    Watchers,
    /// All users of mode `+w`.
    Wallops,
    /// Those who see a user or channel and have subscribed to the key, without one of them.
    Subscribers { of: MetadataOf, key: &'a [u8], but: UserId },
    /// One user.
    User(UserId),
    /// The sender of a message to a user, who sees it only as an echo.
    Echo(UserId),
}

/// An event on its way: what, to whom, when, and its place in the log.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) audience: Audience<'a>,
    pub(crate) time: UnixMillis,
    /// From which its msgid is made, for those who are told of it.
    pub(crate) place: u64,
}

/// Where the effects of an entry go. It sees the network as it is at that moment.
pub(crate) trait Sink {
    /// An event happened.
    fn deliver(&mut self, network: &Network, delivery: &Delivery<'_>);
    /// The origin of the entry gets a numeric, with the numeric's own text.
    fn reply(&mut self, network: &Network, origin: &Origin, numeric: Numeric, params: &[&[u8]]);
    /// The origin of the entry gets a standard reply.
    fn standard(&mut self, origin: &Origin, reply: &Standard<'_>);
    /// The origin's session has become a user.
    fn registered(&mut self, network: &Network, origin: &Origin, user: UserId);
    /// The origin's session could not become one: its nick is in use.
    fn refused(&mut self, network: &Network, origin: &Origin, nick: &[u8]);
    /// The origin's session could not become one: it is banned.
    fn barred(&mut self, network: &Network, origin: &Origin, reason: &[u8]);
    /// What became of the origin's change of a ban.
    fn banned(&mut self, network: &Network, origin: &Origin, target: &BanTarget, change: BanChange);
    /// The origin has joined a channel and is to be shown it.
    fn joined(&mut self, network: &Network, origin: &Origin, channel: ChannelId);
    /// The origin has become an operator of the server.
    fn opered(&mut self, network: &Network, origin: &Origin, name: &[u8]);
    /// A user is about to be gone whose connection is to be ended for this reason.
    fn expelled(&mut self, network: &Network, user: UserId, reason: &[u8]);
    /// The origin has cleared the metadata of that name: this was in it.
    fn metadata_cleared(
        &mut self,
        network: &Network,
        origin: &Origin,
        name: &[u8],
        metadata: &Metadata,
    );
    /// A user is about to be gone.
    fn departing(&mut self, network: &Network, user: UserId);
}
