//! Metadata on its way to those who have subscribed to its keys.
//!
//! Specification: IRCv3 `metadata`, "Notifications" and "METADATA SYNC".

use alloc::{boxed::Box, vec::Vec};

use super::{
    fan_out::Plan,
    link::Link,
    links::Links,
    query::{LOOK_AT_MOST, Look},
};
use crate::{
    caps::Caps,
    io::ConnId,
    network::{ChannelId, Delivery, Metadata, MetadataOf, Network, UserId},
};

/// What those must know to whom metadata is sent as a whole.
pub(super) const CAPS: Caps = Caps::METADATA.with(Caps::BATCH);

impl Links {
    /// Whether a user has subscribed to a key and understands what comes of it.
    fn is_subscribed(&self, user: UserId, key: &[u8]) -> bool {
        let Some(conn) = self.route(user) else { return false };
        self.get(conn).is_some_and(|link| link.is_told(key))
    }

    /// Gives a change to those who see the user or channel and have subscribed to the key; never to
    /// who made it.
    pub(super) fn give_to_subscribers(
        &mut self,
        network: &Network,
        (of, key, but): (MetadataOf, &[u8], UserId),
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        self.at_hand.new_mark();
        self.at_hand.mark(but);
        let give_to = |links: &mut Self, user: UserId| {
            // To look is most of the work: it counts, whether or not there is a delivery.
            if links.at_hand.mark(user) {
                links.deliveries += 1;
                if links.is_subscribed(user, key) {
                    links.give(network, user, delivery, plan);
                }
            }
        };
        let one;
        let channels = match of {
            MetadataOf::Channel(channel) => {
                one = [channel];
                &one[..]
            }
            MetadataOf::User(user) => {
                give_to(self, user);
                let nick = network.user(user).map_or(&b""[..], |user| &user.nick);
                let watchers: Vec<ConnId> = self.watches.of(nick).collect();
                for conn in watchers {
                    if let Some(watcher) = self.get(conn).and_then(Link::user) {
                        give_to(self, watcher);
                    }
                }
                network.user(user).map_or(&[][..], |user| &user.channels)
            }
        };
        for id in channels {
            for member in network.channel(*id).map_or(&[][..], |channel| &channel.members) {
                give_to(self, member.user);
            }
        }
    }

    /// Those who watch somebody who has just come get what they have subscribed to.
    pub(super) fn introduce_to_watchers(&mut self, network: &Network, user: UserId) {
        let Some(user) = network.user(user) else { return };
        let watchers: Vec<ConnId> = self.watches.of(&user.nick).collect();
        for conn in watchers {
            for (key, value) in user.metadata.iter() {
                if self.get(conn).is_some_and(|link| link.is_told(key)) {
                    self.deliveries += 1;
                    self.metadata_line(conn, &user.nick, key, value);
                }
            }
        }
    }

    /// One METADATA line from the server.
    fn metadata_line(&mut self, conn: ConnId, name: &[u8], key: &[u8], value: &[u8]) {
        self.server_line(conn, |line| {
            line.command(b"METADATA").param(name).param(key).param(b"*").trailing(value);
        });
    }

    /// All metadata of somebody who has just registered, as part of the welcome.
    pub(super) fn welcome_metadata(&mut self, conn: ConnId, nick: &[u8], metadata: &Metadata) {
        self.enter_batch(conn, b"metadata", &[nick]);
        for (key, value) in metadata.iter() {
            self.metadata_line(conn, nick, key, value);
        }
        self.leave_batch(conn);
    }
}

/// A synchronization on its way: what is left of it.
pub(crate) struct Sync {
    /// Whose metadata is still to be sent; of a channel, that of its members too.
    targets: Vec<MetadataOf>,
    /// The member at hand of the first target; before that, the channel itself.
    member: Option<UserId>,
    /// The place in the metadata of the user or channel at hand.
    at: usize,
    /// The keys that are wanted; `None`: all that are subscribed to.
    keys: Option<Vec<Box<[u8]>>>,
    batch: Batch,
}

/// Whether the lines of a synchronization are in a batch.
enum Batch {
    /// They stand alone.
    Never,
    /// It begins with the first line.
    WithFirst,
    /// It begins, whether or not there are any.
    Always,
    Open,
}

impl Sync {
    /// METADATA SYNC.
    pub(super) fn asked(of: MetadataOf) -> Self {
        Self { targets: [of].into(), member: None, at: 0, keys: None, batch: Batch::Always }
    }

    /// A channel just joined.
    pub(super) fn joined(channel: ChannelId) -> Self {
        Self { batch: Batch::WithFirst, ..Self::asked(MetadataOf::Channel(channel)) }
    }

    /// MONITOR: those of these nicks who are there.
    pub(super) fn watched(network: &Network, nicks: &[Box<[u8]>]) -> Self {
        let users = nicks.iter().rev().filter_map(|nick| network.find_user(nick));
        let targets = users.map(MetadataOf::User).collect();
        Self { targets, member: None, at: 0, keys: None, batch: Batch::Never }
    }

    /// METADATA SUB: the keys that are new, of oneself, all channels, and those whom one watches.
    pub(super) fn subscribed(
        network: &Network,
        me: UserId,
        watching: &[Box<[u8]>],
        keys: Vec<Box<[u8]>>,
    ) -> Self {
        let channels = network.user(me).map_or(&[][..], |user| &user.channels);
        let channels = channels.iter().rev().map(|id| MetadataOf::Channel(*id));
        // Those in a common channel are told of with the channel.
        let watched = watching.iter().rev().filter_map(|nick| network.find_user(nick));
        let watched = watched.filter(|id| *id != me && !network.share_channel(me, *id));
        let watched = watched.map(MetadataOf::User);
        let targets = watched.chain(channels).chain([MetadataOf::User(me)]).collect();
        Self { targets, keys: Some(keys), batch: Batch::Never, ..Self::asked(MetadataOf::User(me)) }
    }

    /// Sends the next line, or looks on without one. Whether this was the last.
    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let (network, conn, viewer) = (look.network, look.conn, look.viewer);
        let links = &mut *look.links;
        if matches!(self.batch, Batch::Always) {
            self.begin(network, links, conn);
        }
        for _ in 0..LOOK_AT_MOST {
            let Some(of) = self.at_hand() else {
                if matches!(self.batch, Batch::Open) {
                    links.leave_batch(conn);
                }
                return true;
            };
            let found = network.metadata(of).filter(|_| self.is_seen(network, viewer, of));
            let Some((name, (key, value))) =
                found.and_then(|(name, metadata)| Some((name, metadata.at(self.at)?)))
            else {
                self.go_on(network);
                continue;
            };
            self.at += 1;
            let wanted = links.get(conn).is_some_and(|link| link.is_told(key))
                && self.keys.as_ref().is_none_or(|keys| keys.iter().any(|one| **one == *key));
            if wanted && !self.is_repeated(network, viewer, of) {
                if matches!(self.batch, Batch::WithFirst) {
                    self.begin(network, links, conn);
                }
                links.metadata_line(conn, name, key, value);
                return false;
            }
        }
        false
    }

    fn begin(&mut self, network: &Network, links: &mut Links, conn: ConnId) {
        self.batch = Batch::Open;
        let name = self.targets.last().and_then(|of| network.metadata(*of)).map(|found| found.0);
        links.enter_batch(conn, b"metadata", &[name.unwrap_or(b"*")]);
    }

    /// Whose metadata is at hand.
    fn at_hand(&self) -> Option<MetadataOf> {
        let target = *self.targets.last()?;
        Some(self.member.map_or(target, MetadataOf::User))
    }

    /// Whether new subscriptions come to this user again: oneself is the first, and each other user
    /// is told of in the last channel that both are in.
    fn is_repeated(&self, network: &Network, viewer: UserId, of: MetadataOf) -> bool {
        let (Batch::Never, MetadataOf::User(user)) = (&self.batch, of) else { return false };
        let Some((MetadataOf::Channel(_), later)) = self.targets.split_last() else { return false };
        let holds = |of: &MetadataOf| match of {
            MetadataOf::Channel(id) => {
                network.channel(*id).is_some_and(|channel| channel.member(user).is_some())
            }
            MetadataOf::User(_) => false,
        };
        user == viewer || later.iter().any(holds)
    }

    fn is_seen(&self, network: &Network, viewer: UserId, of: MetadataOf) -> bool {
        match (self.targets.last(), of) {
            (Some(MetadataOf::Channel(id)), MetadataOf::User(user)) => network
                .channel(*id)
                .is_some_and(|channel| network.sees_membership(viewer, channel, user)),
            _ => network.may_read_metadata(viewer, of),
        }
    }

    /// Goes on to the next member of a channel, or to the next target.
    fn go_on(&mut self, network: &Network) {
        self.at = 0;
        self.member = match self.targets.last() {
            Some(MetadataOf::Channel(id)) => network.channel(*id).and_then(|channel| {
                let members = &channel.members;
                let from = self
                    .member
                    .map_or(0, |last| members.partition_point(|member| member.user <= last));
                members.get(from).map(|member| member.user)
            }),
            _ => None,
        };
        if self.member.is_none() {
            self.targets.pop();
        }
    }
}
