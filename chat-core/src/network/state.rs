//! Users and channels as they are: the values that `apply` changes.

use alloc::{boxed::Box, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{op::Session, umode::UserModes};
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
    pub(crate) nick: Text,
    pub(crate) user: Text,
    pub(crate) host: Text,
    pub(crate) real: Text,
    pub(crate) away: Option<Text>,
    pub(crate) modes: UserModes,
    pub(crate) signed_on: UnixMillis,
    pub(crate) last_active: UnixMillis,
    /// In the order of joining.
    pub(crate) channels: Vec<ChannelId>,
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
    pub(crate) invited: Vec<UserId>,
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

/// A user's place in a channel.
#[derive(Copy, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: UserId,
    pub(crate) rank: Rank,
}

/// What a member may do: a set of prefixes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rank(u8);

impl Rank {
    pub(crate) const VOICE: u8 = 1;
    pub(crate) const OP: u8 = 2;

    /// Letter, prefix and bit, the highest first.
    pub(crate) const TABLE: [(u8, u8, u8); 2] = [(b'o', b'@', Self::OP), (b'v', b'+', Self::VOICE)];

    pub(crate) const FOUNDER: Self = Self(Self::OP);

    pub(crate) const fn is_op(self) -> bool {
        self.0 & Self::OP != 0
    }

    /// Whether this is `least` or higher; 0 is everybody.
    pub(crate) const fn at_least(self, least: u8) -> bool {
        self.0 >= least
    }

    /// The bit of a mode letter.
    pub(crate) fn bit(letter: u8) -> Option<u8> {
        Self::TABLE.iter().find(|row| row.0 == letter).map(|row| row.2)
    }

    /// Sets or clears a bit; whether that changed anything.
    pub(crate) fn set(&mut self, bit: u8, on: bool) -> bool {
        let before = self.0;
        self.0 = if on { before | bit } else { before & !bit };
        self.0 != before
    }

    /// The prefixes, all of them or the highest alone.
    pub(crate) fn prefixes(self, all: bool) -> impl Iterator<Item = u8> {
        Self::TABLE
            .into_iter()
            .filter(move |row| self.0 & row.2 != 0)
            .map(|row| row.1)
            .take(if all { usize::MAX } else { 1 })
    }
}

/// Channel modes without lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChannelModes {
    pub(crate) invite_only: bool,
    pub(crate) moderated: bool,
    pub(crate) no_external: bool,
    pub(crate) secret: bool,
    pub(crate) topic_lock: bool,
    pub(crate) key: Option<Text>,
    pub(crate) limit: Option<u32>,
}

impl Default for ChannelModes {
    /// As a new channel has them: `+nt`.
    fn default() -> Self {
        Self {
            invite_only: false,
            moderated: false,
            no_external: true,
            secret: false,
            topic_lock: true,
            key: None,
            limit: None,
        }
    }
}

impl ChannelModes {
    /// The letters of the modes without parameter, as ISUPPORT's CHANMODES has them.
    pub(crate) const FLAGS: &'static [u8] = b"imnst";

    /// The flag of a mode letter.
    pub(crate) fn flag(&mut self, letter: u8) -> Option<&mut bool> {
        match letter {
            b'i' => Some(&mut self.invite_only),
            b'm' => Some(&mut self.moderated),
            b'n' => Some(&mut self.no_external),
            b's' => Some(&mut self.secret),
            b't' => Some(&mut self.topic_lock),
            _ => None,
        }
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

    pub(crate) fn is_op(&self, user: UserId) -> bool {
        self.member(user).is_some_and(|member| member.rank.is_op())
    }
}
