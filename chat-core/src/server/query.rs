//! Reads of shared state that may be long: a line at a time, going on where they stopped.

use alloc::{boxed::Box, vec::Vec};

use super::links::Links;
use crate::{
    caps::Caps,
    io::ConnId,
    network::{Channel, ChannelId, Member, Network, User, UserId},
    wire::{
        Numeric, matches,
        numeric::{
            RPL_BANLIST, RPL_ENDOFBANLIST, RPL_ENDOFNAMES, RPL_ENDOFWHO, RPL_LIST, RPL_LISTEND,
            RPL_LISTSTART, RPL_NAMREPLY, RPL_TOPIC, RPL_TOPICWHOTIME, RPL_WHOREPLY,
        },
    },
};

/// A read on its way: what is left of it. Its place is a stable id, so that whoever comes or goes
/// in the meantime neither repeats nor hides anybody else.
pub(crate) enum Read {
    /// The topic of a channel just joined, then its names.
    Arrival { channel: ChannelId, topic: u8 },
    /// The members of a channel from `from` on.
    Names { name: Box<[u8]>, channel: Option<ChannelId>, from: UserId },
    /// WHO of a channel's members.
    WhoChannel { mask: Box<[u8]>, channel: ChannelId, from: UserId },
    /// WHO of all users that match.
    WhoMask { mask: Box<[u8]>, from: u32 },
    /// LIST of all channels, or of those that match.
    List { masks: Vec<Box<[u8]>>, from: u32, started: bool },
    /// A channel's bans from the `from`th on.
    Bans { channel: ChannelId, from: usize },
}

const FIRST_USER: UserId = UserId { index: 0, generation: 0 };

/// Users or channels that are looked at for one line at the most.
const LOOK_AT_MOST: usize = 256;

impl Read {
    pub(crate) const fn arrival(channel: ChannelId) -> Self {
        Self::Arrival { channel, topic: 0 }
    }

    pub(crate) fn names(name: &[u8], channel: Option<ChannelId>) -> Self {
        Self::Names { name: name.into(), channel, from: FIRST_USER }
    }

    pub(crate) fn who_channel(mask: &[u8], channel: ChannelId) -> Self {
        Self::WhoChannel { mask: mask.into(), channel, from: FIRST_USER }
    }

    /// Sends the next line, or looks on without one. Whether this was the last.
    pub(crate) fn next(
        &mut self,
        network: &Network,
        links: &mut Links,
        conn: ConnId,
        viewer: UserId,
    ) -> bool {
        let Some(me) = network.user(viewer) else { return true };
        let look = &mut Look { network, links, conn, viewer, me };
        match self {
            Self::Arrival { channel, topic } => {
                let id = *channel;
                let Some(channel) = network.channel(id) else { return true };
                match (&channel.topic, *topic) {
                    (Some(set), 0) => look.send(RPL_TOPIC, &[&channel.name], Some(&set.text)),
                    (Some(set), 1) => {
                        let at = decimal(set.at.as_secs());
                        look.send(RPL_TOPICWHOTIME, &[&channel.name, &set.by, &at], None);
                    }
                    _ => {
                        *self = Self::names(&channel.name, Some(id));
                        return false;
                    }
                }
                *topic += 1;
                false
            }
            Self::Names { name, channel, from } => {
                if let Some(found) = channel.and_then(|id| network.channel(id))
                    && let Some(next) = look.names_line(found, *from)
                {
                    *from = next;
                    return false;
                }
                look.send_text(RPL_ENDOFNAMES, &[name]);
                true
            }
            Self::WhoChannel { mask, channel, from } => {
                if let Some(found) = network.channel(*channel) {
                    for member in members_from(found, *from).iter().take(LOOK_AT_MOST) {
                        *from = after(member.user);
                        if network.sees_membership(viewer, found, member.user) {
                            look.who_line(Some((found, member)), member.user);
                            return false;
                        }
                    }
                    if !members_from(found, *from).is_empty() {
                        return false;
                    }
                }
                look.send_text(RPL_ENDOFWHO, &[mask]);
                true
            }
            Self::WhoMask { mask, from } => {
                for (id, user) in network.users_from(*from).take(LOOK_AT_MOST) {
                    *from = id.index + 1;
                    if look.who_matches(mask, id, user) {
                        look.who_line(None, id);
                        return false;
                    }
                }
                if network.users_from(*from).next().is_some() {
                    return false;
                }
                look.send_text(RPL_ENDOFWHO, &[mask]);
                true
            }
            Self::List { masks, from, started } => {
                if !core::mem::replace(started, true) {
                    look.send(RPL_LISTSTART, &[b"Channel"], Some(RPL_LISTSTART.text().as_bytes()));
                    return false;
                }
                for (id, channel) in network.channels_from(*from).take(LOOK_AT_MOST) {
                    *from = id.index + 1;
                    let casemapping = network.casemapping();
                    let wanted = masks.is_empty()
                        || masks.iter().any(|mask| matches(mask, &channel.name, casemapping));
                    let seen = !channel.modes.secret || channel.member(viewer).is_some();
                    if wanted && seen {
                        let count = decimal(channel.members.len() as u64);
                        let topic = channel.topic.as_ref().map_or(&b""[..], |topic| &topic.text);
                        look.send(RPL_LIST, &[&channel.name, &count], Some(topic));
                        return false;
                    }
                }
                if network.channels_from(*from).next().is_some() {
                    return false;
                }
                look.send_text(RPL_LISTEND, &[]);
                true
            }
            Self::Bans { channel, from } => {
                let Some(found) = network.channel(*channel) else { return true };
                if let Some(ban) = found.bans.get(*from) {
                    *from += 1;
                    let at = decimal(ban.at.as_secs());
                    look.send(RPL_BANLIST, &[&found.name, &ban.mask, &ban.by, &at], None);
                    return false;
                }
                look.send_text(RPL_ENDOFBANLIST, &[&found.name]);
                true
            }
        }
    }
}

/// One look at the network, by one user on one connection.
struct Look<'a> {
    network: &'a Network,
    links: &'a mut Links,
    conn: ConnId,
    viewer: UserId,
    me: &'a User,
}

impl Look<'_> {
    fn send(&mut self, numeric: Numeric, params: &[&[u8]], text: Option<&[u8]>) {
        self.links.numeric(self.conn, &self.me.nick, numeric, params, text);
    }

    fn send_text(&mut self, numeric: Numeric, params: &[&[u8]]) {
        self.send(numeric, params, Some(numeric.text().as_bytes()));
    }

    fn caps(&self) -> Caps {
        self.links.get(self.conn).map_or(Caps::NONE, |link| link.caps)
    }

    /// One line of names from a member on; who comes after those, `None` if nobody was left.
    fn names_line(&mut self, channel: &Channel, from: UserId) -> Option<UserId> {
        // `:server 353 nick = #channel :` and the names share 510 bytes.
        let head = self.links.name.len() + self.me.nick.len() + channel.name.len() + 12;
        let room = crate::wire::BODY_MAX.saturating_sub(head);
        let caps = self.caps();
        let mut names = Vec::new();
        let mut next = None;
        for member in members_from(channel, from).iter().take(LOOK_AT_MOST) {
            if self.network.sees_membership(self.viewer, channel, member.user) {
                let Some(user) = self.network.user(member.user) else { continue };
                let before = names.len();
                if before > 0 {
                    names.push(b' ');
                }
                names.extend(member.rank.prefixes(caps.has(Caps::MULTI_PREFIX)));
                if caps.has(Caps::USERHOST_IN_NAMES) {
                    names.extend(user.source());
                } else {
                    names.extend_from_slice(&user.nick);
                }
                if names.len() > room && before > 0 {
                    names.truncate(before);
                    break;
                }
            }
            next = Some(after(member.user));
        }
        if !names.is_empty() {
            let kind = if channel.modes.secret { b"@" } else { b"=" };
            self.send(RPL_NAMREPLY, &[kind, &channel.name], Some(&names));
        }
        next
    }

    fn who_matches(&self, mask: &[u8], id: UserId, user: &User) -> bool {
        let casemapping = self.network.casemapping();
        let seen = !user.modes.invisible
            || id == self.viewer
            || self.network.share_channel(self.viewer, id);
        seen && (mask == b"0"
            || [&user.nick, &user.user, &user.host, &user.real]
                .iter()
                .any(|text| matches(mask, text, casemapping)))
    }

    fn who_line(&mut self, at: Option<(&Channel, &Member)>, id: UserId) {
        let Some(user) = self.network.user(id) else { return };
        let mut flags = Vec::from(if user.away.is_some() { &b"G"[..] } else { b"H" });
        if user.modes.oper {
            flags.push(b'*');
        }
        if let Some((_, member)) = at {
            flags.extend(member.rank.prefixes(self.caps().has(Caps::MULTI_PREFIX)));
        }
        let channel = at.map_or(&b"*"[..], |(channel, _)| &channel.name);
        let server = self.links.name.clone();
        let text = [b"0 ", &user.real[..]].concat();
        let params: [&[u8]; 6] = [channel, &user.user, &user.host, &server, &user.nick, &flags];
        self.send(RPL_WHOREPLY, &params, Some(&text));
    }
}

fn members_from(channel: &Channel, from: UserId) -> &[Member] {
    let at = channel.members.partition_point(|member| member.user < from);
    channel.members.get(at..).unwrap_or_default()
}

/// The least id above this one.
const fn after(user: UserId) -> UserId {
    UserId { index: user.index + 1, generation: 0 }
}

pub(crate) fn decimal(number: u64) -> Vec<u8> {
    alloc::format!("{number}").into_bytes()
}
