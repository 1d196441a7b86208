//! Names that look alike can't be in use at once: an index of what those in use look like.
//!
//! It is empty, and costs nothing, where names are of ASCII alone.

use alloc::{collections::BTreeMap, string::String};

use super::{ChannelId, Network, UserId};

/// Users and channels by the skeletons of their names.
#[derive(Debug, Default)]
pub(super) struct Lookalikes {
    nicks: BTreeMap<String, UserId>,
    channels: BTreeMap<String, ChannelId>,
}

impl Network {
    /// Who else than `me` has this nick, or one that looks like it. Of one's own nick in another case
    /// both must be asked: it may look like somebody's.
    pub(crate) fn nick_holder(&self, nick: &[u8], me: Option<UserId>) -> Option<UserId> {
        let like = || self.lookalikes.nicks.get(&self.casemapping().skeleton(nick)?).copied();
        let other = |id: &UserId| Some(*id) != me && !mutant!(NickTakenTwice);
        self.find_user(nick).filter(other).or_else(|| like().filter(other))
    }

    /// The channel with another name that looks like this one.
    pub(super) fn channel_like(&self, name: &[u8]) -> Option<ChannelId> {
        self.lookalikes.channels.get(&self.casemapping().skeleton(name)?).copied()
    }

    pub(super) fn index_nick_looks(&mut self, id: UserId) {
        if let Some(looks) = self.nick_looks(id) {
            self.lookalikes.nicks.insert(looks, id);
        }
    }

    pub(super) fn forget_nick_looks(&mut self, id: UserId) {
        if let Some(looks) = self.nick_looks(id) {
            self.lookalikes.nicks.remove(&looks);
        }
    }

    pub(super) fn index_channel_looks(&mut self, id: ChannelId) {
        if let Some(looks) = self.channel_looks(id) {
            self.lookalikes.channels.insert(looks, id);
        }
    }

    pub(super) fn forget_channel_looks(&mut self, id: ChannelId) {
        if let Some(looks) = self.channel_looks(id) {
            self.lookalikes.channels.remove(&looks);
        }
    }

    fn nick_looks(&self, id: UserId) -> Option<String> {
        self.casemapping().skeleton(&self.user(id)?.nick)
    }

    fn channel_looks(&self, id: ChannelId) -> Option<String> {
        self.casemapping().skeleton(&self.channel(id)?.name)
    }
}
