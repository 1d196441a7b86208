//! METADATA SET and CLEAR: who may, within which bounds, and who is told.
//!
//! Specification: IRCv3 `metadata`.

use super::{
    super::{Audience, ChannelId, Event, KeyValue, Metadata, MetadataOf, Network, Rank, UserId},
    Turn,
};
use crate::wire::numeric::{RPL_KEYNOTSET, RPL_KEYVALUE};

impl Network {
    /// The user or channel of that name, `*` for oneself.
    pub(crate) fn metadata_of(&self, me: UserId, target: &[u8]) -> Option<MetadataOf> {
        match target {
            b"*" => Some(MetadataOf::User(me)),
            [b'#', ..] => {
                let id = self.find_channel(target)?;
                let channel = self.channel(id)?;
                channel.is_there_for(me).then_some(MetadataOf::Channel(id))
            }
            _ => self.find_user(target).map(MetadataOf::User),
        }
    }

    /// Its name as it is shown, and its metadata.
    pub(crate) fn metadata(&self, of: MetadataOf) -> Option<(&[u8], &Metadata)> {
        match of {
            MetadataOf::User(id) => self.user(id).map(|user| (&user.nick[..], &user.metadata)),
            MetadataOf::Channel(id) => {
                self.channel(id).map(|channel| (&channel.name[..], &channel.metadata))
            }
        }
    }

    /// Whether a user may read it: of a channel that others can't just join, its members alone.
    pub(crate) fn may_read_metadata(&self, me: UserId, of: MetadataOf) -> bool {
        let MetadataOf::Channel(id) = of else { return true };
        self.channel(id).is_some_and(|channel| {
            let closed = channel.modes.invite_only || channel.modes.key.is_some();
            channel.member(me).is_some() || !closed && !channel.modes.is_hidden()
        })
    }

    /// Whether a user may change it: one's own, and that of a channel whose operator one is.
    fn may_change_metadata(&self, me: UserId, of: MetadataOf) -> bool {
        match of {
            MetadataOf::User(user) => user == me,
            MetadataOf::Channel(id) => {
                self.channel(id).is_some_and(|channel| channel.rank(me).at_least(Rank::OP))
            }
        }
    }

    fn metadata_mut(&mut self, of: MetadataOf) -> Option<&mut Metadata> {
        match of {
            MetadataOf::User(id) => self.user_mut(id).map(|user| &mut user.metadata),
            MetadataOf::Channel(id) => self.channel_mut(id).map(|channel| &mut channel.metadata),
        }
    }

    /// What this target names, if a user may change its metadata; else the refusal is told.
    fn changeable_metadata(
        &self,
        me: UserId,
        target: &[u8],
        key: &[u8],
        turn: &mut Turn<'_>,
    ) -> Option<MetadataOf> {
        let Some(of) = self.metadata_of(me, target) else {
            let text = b"Invalid metadata target";
            turn.fail(b"METADATA", b"INVALID_TARGET", &[target], text);
            return None;
        };
        if !self.may_change_metadata(me, of) {
            forbid(turn, target, key);
            return None;
        }
        Some(of)
    }

    /// METADATA SET: `None` takes the key away.
    pub(super) fn set_metadata(
        &mut self,
        me: UserId,
        target: &[u8],
        key: &[u8],
        value: Option<&[u8]>,
        turn: &mut Turn<'_>,
    ) {
        let Some(of) = self.changeable_metadata(me, target, key, turn) else { return };
        let config = &self.state.config;
        let most = (config.metadata_keys as usize, config.metadata_total as isize);
        let used = self.state.metadata_bytes;
        let Some((name, metadata)) = self.metadata(of) else { return };
        let Some(value) = value else {
            if metadata.get(key).is_none() {
                return turn.fail(
                    b"METADATA",
                    b"KEY_NOT_SET",
                    &[target, key],
                    b"The key is not set",
                );
            }
            turn.reply(self, RPL_KEYNOTSET, &[name, key]);
            return self.change_metadata(me, of, key, None, turn);
        };
        let growth = metadata.growth(key, value);
        let one_more = metadata.get(key).is_none();
        if one_more && metadata.len() >= most.0 || growth > 0 && used as isize + growth > most.1 {
            return turn.fail(
                b"METADATA",
                b"LIMIT_REACHED",
                &[target],
                b"There is no room for more metadata",
            );
        }
        turn.reply(self, RPL_KEYVALUE, &[name, key, b"*", value]);
        if metadata.get(key) != Some(value) {
            self.change_metadata(me, of, key, Some(value), turn);
        }
    }

    /// METADATA CLEAR.
    pub(super) fn clear_metadata(&mut self, me: UserId, target: &[u8], turn: &mut Turn<'_>) {
        let Some(of) = self.changeable_metadata(me, target, b"*", turn) else { return };
        let Some((name, metadata)) = self.metadata(of) else { return };
        turn.sink.metadata_cleared(self, turn.origin, name, metadata);
        let cleared = metadata.clone();
        for (key, _) in cleared.iter() {
            self.change_metadata(me, of, key, None, turn);
        }
    }

    /// Makes a change that is allowed, and tells those who have subscribed to the key.
    fn change_metadata(
        &mut self,
        me: UserId,
        of: MetadataOf,
        key: &[u8],
        value: Option<&[u8]>,
        turn: &mut Turn<'_>,
    ) {
        let Some(metadata) = self.metadata_mut(of) else { return };
        let before = metadata.cost();
        match value {
            Some(value) => metadata.set(key, value),
            None => _ = metadata.remove(key),
        }
        let after = metadata.cost();
        self.state.metadata_bytes = self.state.metadata_bytes + after as u64 - before as u64;
        let event = Event::Metadata { by: me, of, key, value };
        turn.tell(self, Audience::Subscribers { of, key, but: me }, event);
        turn.next_event();
    }

    /// The members of a channel are told what somebody who has just joined tells of itself.
    pub(super) fn introduce_metadata(&self, me: UserId, channel: ChannelId, turn: &mut Turn<'_>) {
        for (key, value) in self.user(me).iter().flat_map(|user| user.metadata.iter()) {
            let event =
                Event::Metadata { by: me, of: MetadataOf::User(me), key, value: Some(value) };
            let of = MetadataOf::Channel(channel);
            turn.tell(self, Audience::Subscribers { of, key, but: me }, event);
            turn.next_event();
        }
    }

    /// What a user brings along from before registration, as far as there is room for it.
    pub(super) fn first_metadata(&mut self, given: &[KeyValue<'_>]) -> Metadata {
        let config = &self.state.config;
        let mut metadata = Metadata::default();
        for (key, value) in given.iter().take(config.metadata_keys as usize) {
            let used = self.state.metadata_bytes + metadata.cost() as u64;
            let growth = metadata.growth(key, value).max(0) as u64;
            if used + growth <= config.metadata_total {
                metadata.set(key, value);
            }
        }
        self.state.metadata_bytes += metadata.cost() as u64;
        metadata
    }

    /// Metadata is gone with its user or channel.
    pub(super) fn forget_metadata(&mut self, metadata: &Metadata) {
        self.state.metadata_bytes -= metadata.cost() as u64;
    }
}

fn forbid(turn: &mut Turn<'_>, target: &[u8], key: &[u8]) {
    turn.fail(
        b"METADATA",
        b"KEY_NO_PERMISSION",
        &[target, key],
        b"You may not change this metadata",
    );
}
