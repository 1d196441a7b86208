//! The state that everybody shares, changed by [`Network::apply`] alone.

mod apply;
mod bans;
mod cloak;
mod event;
mod history;
mod lines;
mod log;
mod lookalikes;
mod metadata;
mod modes;
mod op;
mod server_ban;
mod short_text;
mod state;
mod umode;
mod whowas;

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::{
    UnixMillis,
    arena::Arena,
    keyed::{HashKey, base32, from_base32},
    wire::CaseMapping,
};

pub(crate) use apply::BanChange;
use lookalikes::Lookalikes;

pub(crate) use event::{Audience, Delivery, Event, Sink};
pub(crate) use history::{Bounds, History, Item, ItemKind, Point, Query, RingId, Stretch};
pub(crate) use lines::{CONCAT, NEW_LINE, is_multiline, lines};
pub(crate) use log::{Log, MemLog};
pub(crate) use metadata::{KeyValue, Metadata, MetadataOf, is_metadata_key};
pub(crate) use modes::{CHANNEL_MODES, ChannelMode, Kind, List, Rank};
pub(crate) use op::{Entry, MessageKind, ModeChange, Op, Origin, Session};
pub(crate) use server_ban::{BadTarget, BanKind, BanTarget, ServerBan, names_of};
pub(crate) use short_text::ShortText;
pub(crate) use state::{
    Channel, ChannelId, ChannelModes, ListEntry, Member, Talk, Text, Topic, User, UserId,
};
pub(crate) use umode::{SetBy, USER_MODES, UserModes, user_mode};
pub(crate) use whowas::Whowas;

/// The part of the configuration that decides what operations do: equal on all servers of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct NetworkConfig {
    pub(crate) casemapping: CaseMapping,
    /// Channels in all.
    pub(crate) channels: u32,
    pub(crate) channels_per_user: u32,
    pub(crate) key_len: u32,
    pub(crate) list_entries: u32,
    /// What the lists of all channels may take together, in bytes.
    pub(crate) list_total: u64,
    pub(crate) invites: u32,
    pub(crate) whowas: u32,
    /// What the cloaks of addresses end in; `None`: there are none.
    pub(crate) cloak: Option<Text>,
    /// Items of one ring of history; 0: there is no history.
    pub(crate) history_lines: u32,
    /// Conversations of one user.
    pub(crate) history_talks: u32,
    pub(crate) history_bytes: u64,
    pub(crate) server_bans: u32,
    /// Keys of one user's or channel's metadata.
    pub(crate) metadata_keys: u32,
    /// What all metadata together may cost, in bytes.
    pub(crate) metadata_total: u64,
    /// Age up to which a message may be redacted, in milliseconds.
    pub(crate) redact: u64,
}

/// Users, channels, and who is where.
#[derive(Debug)]
pub(crate) struct Network {
    state: State,
    nicks: HashTable<UserId>,
    names: HashTable<ChannelId>,
    sessions: HashTable<UserId>,
    lookalikes: Lookalikes,
}

/// What a snapshot holds; the tables beside it are made from it.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    key: HashKey,
    config: NetworkConfig,
    sequence: u64,
    time: UnixMillis,
    users: Arena<UserId, User>,
    channels: Arena<ChannelId, Channel>,
    history: History,
    bans: Vec<ServerBan>,
    invisible: u32,
    opers: u32,
    most_users: u32,
    whowas: Whowas,
    /// What the lists of all channels take, in bytes.
    list_bytes: u64,
    /// What all metadata costs, in bytes.
    metadata_bytes: u64,
    /// How often each node has started.
    epochs: BTreeMap<u32, u32>,
}

/// The snapshot's encoding: its first byte.
const SNAPSHOT_VERSION: u8 = 4;

/// A snapshot that can't be read.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct BadSnapshot;

impl Network {
    /// A network without anybody; its first entry must be [`Op::Found`].
    pub(crate) fn new() -> Self {
        let state = State {
            key: HashKey(0, 0),
            config: NetworkConfig::default(),
            sequence: 0,
            time: UnixMillis(0),
            users: Arena::new(),
            channels: Arena::new(),
            history: History::new(),
            bans: Vec::new(),
            invisible: 0,
            opers: 0,
            most_users: 0,
            whowas: Whowas::default(),
            list_bytes: 0,
            metadata_bytes: 0,
            epochs: BTreeMap::new(),
        };
        Self::with_tables(state)
    }

    /// All of the state as bytes.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        // A vector takes all that is written into it; nothing else can fail in encoding.
        postcard::to_extend(&self.state, alloc::vec![SNAPSHOT_VERSION]).unwrap_or_default()
    }

    /// The network that made this snapshot.
    pub(crate) fn restore(snapshot: &[u8]) -> Result<Self, BadSnapshot> {
        let (&version, bytes) = snapshot.split_first().ok_or(BadSnapshot)?;
        if version != SNAPSHOT_VERSION {
            return Err(BadSnapshot);
        }
        let (state, rest) = postcard::take_from_bytes(bytes).map_err(|_| BadSnapshot)?;
        if !rest.is_empty() {
            return Err(BadSnapshot);
        }
        Ok(Self::with_tables(state))
    }

    /// A hash of all of the state: equal for equal histories.
    pub(crate) fn state_hash(&self) -> u64 {
        let mut hasher = HashKey(0, 0).hasher();
        hasher.write(&self.snapshot());
        hasher.finish()
    }

    fn with_tables(state: State) -> Self {
        let mut network = Self {
            nicks: HashTable::new(),
            names: HashTable::new(),
            sessions: HashTable::new(),
            lookalikes: Lookalikes::default(),
            state,
        };
        network.state.history.index();
        let users: Vec<_> = network.state.users.iter().map(|(id, _)| id).collect();
        for id in users {
            network.index_session(id);
            network.index_nick(id);
        }
        let channels: Vec<_> = network.state.channels.iter().map(|(id, _)| id).collect();
        for id in channels {
            network.index_channel(id);
        }
        network
    }

    /// The place in the log of the last entry that was applied.
    pub(crate) fn sequence(&self) -> u64 {
        self.state.sequence
    }

    /// How often a node has started before; `None`: never.
    pub(crate) fn epoch(&self, node: u32) -> Option<u32> {
        self.state.epochs.get(&node).copied()
    }

    pub(crate) fn user(&self, id: UserId) -> Option<&User> {
        self.state.users.get(id)
    }

    pub(crate) fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.state.channels.get(id)
    }

    pub(crate) fn casemapping(&self) -> CaseMapping {
        self.state.config.casemapping
    }

    pub(crate) fn find_user(&self, nick: &[u8]) -> Option<UserId> {
        let State { users, key, config, .. } = &self.state;
        let hash = key.of_name(config.casemapping, nick);
        let same = |id: &UserId| {
            users.get(*id).is_some_and(|user| config.casemapping.eq(&user.nick, nick))
        };
        self.nicks.find(hash, same).copied()
    }

    pub(crate) fn find_channel(&self, name: &[u8]) -> Option<ChannelId> {
        let State { channels, key, config, .. } = &self.state;
        let hash = key.of_name(config.casemapping, name);
        let same = |id: &ChannelId| {
            channels.get(*id).is_some_and(|channel| config.casemapping.eq(&channel.name, name))
        };
        self.names.find(hash, same).copied()
    }

    pub(crate) fn find_session(&self, session: Session) -> Option<UserId> {
        let State { users, key, .. } = &self.state;
        let same = |id: &UserId| users.get(*id).is_some_and(|user| user.session == session);
        self.sessions.find(key.hash_one(session), same).copied()
    }

    /// Users by index, from `index` on.
    pub(crate) fn users_from(&self, index: u32) -> impl Iterator<Item = (UserId, &User)> {
        self.state.users.iter_from(index)
    }

    /// Channels by index, from `index` on.
    pub(crate) fn channels_from(&self, index: u32) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.state.channels.iter_from(index)
    }

    /// Users who gave up a nick.
    pub(crate) fn whowas(&self) -> &Whowas {
        &self.state.whowas
    }

    pub(crate) fn count(&self) -> Count {
        let State { users, channels, invisible, opers, most_users, .. } = &self.state;
        Count {
            users: users.len(),
            invisible: *invisible as usize,
            opers: *opers as usize,
            channels: channels.len(),
            most_users: *most_users as usize,
        }
    }

    /// Whether `viewer` may learn that `user` is in `channel`.
    pub(crate) fn sees_membership(&self, viewer: UserId, channel: &Channel, user: UserId) -> bool {
        if viewer == user || channel.member(viewer).is_some() {
            return true;
        }
        let invisible = self.user(user).is_some_and(|user| user.modes.invisible);
        let invisible = invisible && !crate::mutant!(InvisibleNamed);
        let hidden = channel.modes.is_hidden() && !crate::mutant!(SecretMembershipTold);
        !hidden && !invisible
    }

    /// Whether both are in one channel.
    pub(crate) fn share_channel(&self, a: UserId, b: UserId) -> bool {
        let channels = self.user(a).map_or(&[][..], |user| &user.channels);
        channels
            .iter()
            .any(|id| self.channel(*id).is_some_and(|channel| channel.member(b).is_some()))
    }

    fn index_session(&mut self, id: UserId) {
        let State { users, key, .. } = &self.state;
        let hash =
            |id: &UserId| key.hash_one(users.get(*id).map(|user| user.session).unwrap_or_default());
        self.sessions.insert_unique(hash(&id), id, hash);
    }

    fn forget_session(&mut self, id: UserId, session: Session) {
        let hash = self.state.key.hash_one(session);
        if let Ok(found) = self.sessions.find_entry(hash, |other| *other == id) {
            found.remove();
        }
    }

    fn index_nick(&mut self, id: UserId) {
        let State { users, key, config, .. } = &self.state;
        let hash = |id: &UserId| {
            key.of_name(config.casemapping, users.get(*id).map_or(&[], |user| &user.nick))
        };
        self.nicks.insert_unique(hash(&id), id, hash);
        self.index_nick_looks(id);
    }

    fn forget_nick(&mut self, id: UserId) {
        self.forget_nick_looks(id);
        let State { users, key, config, .. } = &self.state;
        let nick = users.get(id).map_or(&[][..], |user| &user.nick);
        let hash = key.of_name(config.casemapping, nick);
        if let Ok(found) = self.nicks.find_entry(hash, |other| *other == id) {
            found.remove();
        }
    }

    fn index_channel(&mut self, id: ChannelId) {
        let State { channels, key, config, .. } = &self.state;
        let hash = |id: &ChannelId| {
            key.of_name(config.casemapping, channels.get(*id).map_or(&[], |channel| &channel.name))
        };
        self.names.insert_unique(hash(&id), id, hash);
        self.index_channel_looks(id);
    }

    fn forget_channel(&mut self, id: ChannelId) {
        self.forget_channel_looks(id);
        let State { channels, key, config, .. } = &self.state;
        let name = channels.get(id).map_or(&[][..], |channel| &channel.name);
        let hash = key.of_name(config.casemapping, name);
        if let Ok(found) = self.names.find_entry(hash, |other| *other == id) {
            found.remove();
        }
    }

    /// The place in the log of the `index`th event of the entry that is being applied.
    fn place(&self, index: u32) -> u64 {
        self.state.sequence << 16 | u64::from(index & 0xffff)
    }

    /// The id of the event at this place.
    pub(crate) fn msgid(&self, place: u64) -> [u8; 13] {
        base32(self.state.key.permute(place))
    }

    /// The place of the event with this id; `None`: there never was one.
    pub(crate) fn place_of(&self, msgid: &[u8]) -> Option<u64> {
        let place = self.state.key.unpermute(from_base32(msgid)?);
        (place >> 16 <= self.state.sequence).then_some(place)
    }

    pub(crate) fn history(&self) -> &History {
        &self.state.history
    }

    pub(crate) fn keeps_history(&self) -> bool {
        self.state.config.history_lines > 0
    }
}

/// Numbers for LUSERS.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Count {
    pub(crate) users: usize,
    pub(crate) invisible: usize,
    pub(crate) opers: usize,
    pub(crate) channels: usize,
    pub(crate) most_users: usize,
}

fn text(bytes: &[u8]) -> Box<[u8]> {
    bytes.into()
}

#[cfg(test)]
mod tests;
