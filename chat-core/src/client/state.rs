//! The channels that we are in and who else is.

use alloc::{collections::BTreeMap, vec::Vec};

use super::Text;
use crate::wire::CaseMapping;

/// A channel that we are in.
#[derive(Clone, Debug)]
pub struct Channel {
    name: Text,
    topic: Text,
    members: BTreeMap<Vec<u8>, Member>,
    /// A list of names is being received.
    listing: bool,
}

/// Somebody in a channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The nick.
    pub nick: Text,
    /// The prefixes, highest first, such as `@+`; empty for most.
    pub prefixes: Text,
}

impl Channel {
    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Text {
        &self.name
    }

    /// The topic; empty if there is none, or none is known yet.
    #[must_use]
    pub const fn topic(&self) -> &Text {
        &self.topic
    }

    /// The members by nick, ourselves among them.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values()
    }
}

/// All channels that we are in. What goes past a bound is not tracked.
#[derive(Debug)]
pub(super) struct Channels {
    mapping: CaseMapping,
    by_name: BTreeMap<Vec<u8>, Channel>,
    /// Members of all channels together.
    memberships: usize,
}

impl Channels {
    pub(super) const fn new(mapping: CaseMapping) -> Self {
        Self { mapping, by_name: BTreeMap::new(), memberships: 0 }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Channel> {
        self.by_name.values()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Channel> {
        self.by_name.get(&self.mapping.fold(name))
    }

    fn get_mut(&mut self, name: &[u8]) -> Option<&mut Channel> {
        self.by_name.get_mut(&self.mapping.fold(name))
    }

    /// Compares names in another way from now on.
    pub(super) fn set_mapping(&mut self, mapping: CaseMapping) {
        if mapping == self.mapping {
            return;
        }
        self.mapping = mapping;
        let old = core::mem::take(&mut self.by_name);
        self.by_name =
            old.into_values().map(|channel| (mapping.fold(&channel.name), channel)).collect();
        for channel in self.by_name.values_mut() {
            let old = core::mem::take(&mut channel.members);
            channel.members =
                old.into_values().map(|member| (mapping.fold(&member.nick), member)).collect();
        }
        // Names that were two may be one now.
        self.memberships = self.by_name.values().map(|channel| channel.members.len()).sum();
    }

    /// We joined: the channel starts without members, topic or history.
    pub(super) fn enter(&mut self, name: &[u8]) {
        self.leave(name);
        if self.by_name.len() < CHANNELS_MAX && name.len() <= NAME_MAX {
            let channel = Channel {
                name: name.into(),
                topic: Text::default(),
                members: BTreeMap::new(),
                listing: false,
            };
            self.by_name.insert(self.mapping.fold(name), channel);
        }
    }

    /// We left.
    pub(super) fn leave(&mut self, name: &[u8]) {
        if let Some(channel) = self.by_name.remove(&self.mapping.fold(name)) {
            self.memberships -= channel.members.len();
        }
    }

    pub(super) fn set_topic(&mut self, name: &[u8], topic: &[u8]) {
        if let Some(channel) = self.get_mut(name) {
            channel.topic = topic.into();
        }
    }

    /// Somebody is in a channel, with these prefixes.
    pub(super) fn add(&mut self, name: &[u8], nick: &[u8], prefixes: &[u8]) {
        let key = self.mapping.fold(nick);
        let has_room = self.memberships < MEMBERSHIPS_MAX;
        let Some(channel) = self.get_mut(name) else { return };
        let is_known = channel.members.contains_key(&key);
        if nick.is_empty() || nick.len() > NAME_MAX || !(is_known || has_room) {
            return;
        }
        channel.members.insert(key, Member { nick: nick.into(), prefixes: prefixes.into() });
        self.memberships += usize::from(!is_known);
    }

    /// Somebody left a channel; whether they were in it.
    pub(super) fn remove(&mut self, name: &[u8], nick: &[u8]) -> bool {
        let key = self.mapping.fold(nick);
        let was_in =
            self.get_mut(name).is_some_and(|channel| channel.members.remove(&key).is_some());
        self.memberships -= usize::from(was_in);
        was_in
    }

    /// Somebody left all channels: those that they were in.
    pub(super) fn remove_everywhere(&mut self, nick: &[u8]) -> Vec<Text> {
        let key = self.mapping.fold(nick);
        let mut left = Vec::new();
        for channel in self.by_name.values_mut() {
            if channel.members.remove(&key).is_some() {
                left.push(channel.name.clone());
            }
        }
        self.memberships -= left.len();
        left
    }

    pub(super) fn rename(&mut self, old: &[u8], new: &[u8]) {
        let (from, to) = (self.mapping.fold(old), self.mapping.fold(new));
        if new.is_empty() || new.len() > NAME_MAX {
            return;
        }
        for channel in self.by_name.values_mut() {
            if let Some(mut member) = channel.members.remove(&from) {
                member.nick = new.into();
                let replaced = channel.members.insert(to.clone(), member);
                self.memberships -= usize::from(replaced.is_some());
            }
        }
    }

    /// Replaces somebody's prefixes by what `change` makes of them.
    pub(super) fn change_prefixes(
        &mut self,
        name: &[u8],
        nick: &[u8],
        change: impl FnOnce(&[u8]) -> Text,
    ) {
        let key = self.mapping.fold(nick);
        if let Some(member) = self.get_mut(name).and_then(|channel| channel.members.get_mut(&key)) {
            member.prefixes = change(&member.prefixes);
        }
    }

    /// A part of a list of names comes: the first one replaces what was known.
    ///
    /// The server sends the list in order with joins and parts, so nothing newer is lost.
    pub(super) fn begin_list(&mut self, name: &[u8]) {
        let Some(channel) = self.get_mut(name) else { return };
        if !core::mem::replace(&mut channel.listing, true) {
            let forgotten = core::mem::take(&mut channel.members).len();
            self.memberships -= forgotten;
        }
    }

    /// The list is complete: the channel, if it is one of ours.
    pub(super) fn end_list(&mut self, name: &[u8]) -> Option<&Channel> {
        let channel = self.get_mut(name)?;
        channel.listing = false;
        Some(channel)
    }
}

/// The most channels that are tracked.
pub(super) const CHANNELS_MAX: usize = 256;

/// The most members that are tracked, all channels together: some 30 MB.
const MEMBERSHIPS_MAX: usize = 1 << 17;

/// The longest name of a channel or a user that is tracked, in bytes.
pub(super) const NAME_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn nicks(channels: &Channels, name: &str) -> Vec<Text> {
        let channel = channels.get(name.as_bytes()).unwrap();
        channel.members().map(|member| member.nick.clone()).collect()
    }

    #[test]
    fn names_are_compared_by_the_servers_mapping() {
        let mut channels = Channels::new(CaseMapping::Ascii);
        channels.enter(b"#A{");
        channels.add(b"#a{", b"Bob[", b"");
        assert!(channels.get(b"#a[").is_none());
        channels.set_mapping(CaseMapping::Rfc1459);
        assert!(channels.get(b"#a[").is_some());
        assert!(channels.remove(b"#a[", b"bob{"));
    }

    #[test]
    fn a_list_replaces_what_was_known_but_not_what_comes_meanwhile() {
        let mut channels = Channels::new(CaseMapping::Ascii);
        channels.enter(b"#a");
        channels.add(b"#a", b"ghost", b"");
        channels.begin_list(b"#a");
        channels.add(b"#a", b"alice", b"@");
        channels.add(b"#a", b"late", b"");
        channels.begin_list(b"#a");
        channels.add(b"#a", b"bob", b"");
        channels.end_list(b"#a");
        assert_eq!(nicks(&channels, "#a"), ["alice", "bob", "late"]);
    }

    #[test]
    fn a_rename_onto_another_leaves_one() {
        let mut channels = Channels::new(CaseMapping::Ascii);
        channels.enter(b"#a");
        channels.add(b"#a", b"alice", b"");
        channels.add(b"#a", b"bob", b"");
        channels.rename(b"alice", b"BOB");
        assert_eq!(nicks(&channels, "#a"), ["BOB"]);
        channels.leave(b"#a");
        assert_eq!(channels.memberships, 0);
    }

    #[test]
    fn nothing_past_the_bounds_is_tracked() {
        let mut channels = Channels::new(CaseMapping::Ascii);
        for i in 0..=CHANNELS_MAX {
            channels.enter(format!("#{i}").as_bytes());
        }
        assert_eq!(channels.iter().len(), CHANNELS_MAX);
        channels.add(b"#0", &[b'a'; NAME_MAX + 1], b"");
        for i in 0..=MEMBERSHIPS_MAX {
            channels.add(b"#0", format!("{i}").as_bytes(), b"");
        }
        assert_eq!(channels.memberships, MEMBERSHIPS_MAX);
    }
}
