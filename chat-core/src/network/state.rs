//! Users and channels as they are: the values that `apply` changes.

use alloc::{boxed::Box, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Rank, ShortText, history::RingId, metadata::Metadata, op::Session, umode::UserModes};
use crate::{UnixMillis, arena::key};

key! {
    /// A user, from registration to quit, whatever the nick.
    pub(crate) struct UserId;
    /// A channel, from the first JOIN to the last member's leaving.
    pub(crate) struct ChannelId;
}

/// Bytes that rarely change.
pub(crate) type Text = Box<[u8]>;

/// Somebody who has registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) session: Session,
    pub(crate) nick: ShortText,
    pub(crate) user: ShortText,
    /// The host that others see: the address, or its cloak.
    pub(crate) host: ShortText,
    /// Where the user connects from.
    pub(crate) address: ShortText,
    pub(crate) real: ShortText,
    pub(crate) away: Option<Text>,
    pub(crate) modes: UserModes,
    pub(crate) signed_on: UnixMillis,
    pub(crate) last_active: UnixMillis,
    /// In the order of joining.
    pub(crate) channels: Vec<ChannelId>,
    /// Whom it has talked with, the latest last.
    pub(crate) talks: Vec<Talk>,
    pub(crate) metadata: Metadata,
}

/// A user's side of a conversation with one other user: nobody else finds its ring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Talk {
    pub(crate) with: UserId,
    /// Whose nick this was when something was last said, or when that user quit.
    pub(crate) nick: Text,
    pub(crate) ring: RingId,
}

/// A channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) name: Text,
    pub(crate) created: UnixMillis,
    pub(crate) topic: Option<Topic>,
    pub(crate) modes: ChannelModes,
    /// Sorted by user: found by halving, and a long read goes on where it stopped.
    pub(crate) members: Vec<Member>,
    pub(crate) bans: Vec<ListEntry>,
    pub(crate) exceptions: Vec<ListEntry>,
    pub(crate) invite_exceptions: Vec<ListEntry>,
    pub(crate) invited: Vec<UserId>,
    /// When it got its name, if not with its first JOIN.
    pub(crate) renamed: Option<UnixMillis>,
    /// What was said and done here, once something was.
    pub(crate) history: Option<RingId>,
    pub(crate) metadata: Metadata,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub(crate) text: Text,
    /// The source of who set it: `nick!user@host`.
    pub(crate) by: Text,
    pub(crate) at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ListEntry {
    pub(crate) mask: Text,
    pub(crate) by: Text,
    pub(crate) at: UnixMillis,
}

impl ListEntry {
    /// What it takes, in bytes.
    pub(crate) fn cost(&self) -> usize {
        size_of::<Self>() + self.mask.len() + self.by.len()
    }
}

/// A user's place in a channel.
#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: UserId,
    pub(crate) rank: Rank,
}

/// Channel modes without lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChannelModes {
    pub(crate) no_ctcp: bool,
    pub(crate) invite_only: bool,
    pub(crate) moderated: bool,
    pub(crate) no_external: bool,
    pub(crate) private: bool,
    pub(crate) secret: bool,
    pub(crate) topic_lock: bool,
    pub(crate) key: Option<Text>,
    pub(crate) limit: Option<u32>,
}

impl Default for ChannelModes {
    /// As a new channel has them: `+nt`.
    fn default() -> Self {
        Self {
            no_ctcp: false,
            invite_only: false,
            moderated: false,
            no_external: true,
            private: false,
            secret: false,
            topic_lock: true,
            key: None,
            limit: None,
        }
    }
}

impl ChannelModes {
    /// Whether those outside learn neither of the channel nor of who is in it, unless they ask for
    /// it by its name and it is not secret.
    pub(crate) const fn is_hidden(&self) -> bool {
        self.private || self.secret
    }
}

impl User {
    /// `nick!user@host`.
    pub(crate) fn source(&self) -> Vec<u8> {
        [&self.nick, &b"!"[..], &self.user, b"@", &self.host].concat()
    }
}

impl Channel {
    pub(crate) fn member(&self, user: UserId) -> Option<&Member> {
        let at = self.members.binary_search_by_key(&user, |member| member.user).ok()?;
        self.members.get(at)
    }

    pub(crate) fn member_mut(&mut self, user: UserId) -> Option<&mut Member> {
        let at = self.members.binary_search_by_key(&user, |member| member.user).ok()?;
        self.members.get_mut(at)
    }

    pub(crate) fn insert(&mut self, member: Member) {
        if let Err(at) = self.members.binary_search_by_key(&member.user, |member| member.user) {
            self.members.insert(at, member);
        }
    }

    pub(crate) fn remove(&mut self, user: UserId) {
        if let Ok(at) = self.members.binary_search_by_key(&user, |member| member.user) {
            self.members.remove(at);
        }
    }

    /// Whether it exists to a user: a secret channel does not, to those who are not in it.
    pub(crate) fn is_there_for(&self, user: UserId) -> bool {
        !self.modes.secret || self.member(user).is_some()
    }

    /// Whether a user finds it without asking for it by its name.
    pub(crate) fn is_listed_for(&self, user: UserId) -> bool {
        !self.modes.is_hidden() || self.member(user).is_some()
    }

    /// The rank of a user; of those who are no members too.
    pub(crate) fn rank(&self, user: UserId) -> Rank {
        self.member(user).map_or(Rank::NONE, |member| member.rank)
    }
}
