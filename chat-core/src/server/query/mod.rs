//! Reads of shared state that may be long: a line at a time, going on where they stopped.

mod invites;
mod list;
mod masks;
mod metadata;
mod monitor;
mod names;
mod who;
mod whois;
mod whowas;

use alloc::{boxed::Box, vec::Vec};

pub(crate) use self::{
    invites::Invites,
    list::List,
    masks::Masks,
    metadata::MetadataList,
    monitor::Monitored,
    names::{AllNames, Names},
    who::Who,
    whois::Whois,
    whowas::Whowas,
};
use super::{
    links::Links,
    metadata::Sync,
    replay::{Replay, Targets},
    text::Text,
};
use crate::{
    caps::Caps,
    io::ConnId,
    network::{ChannelId, Network, User, UserId},
    wire::{
        Numeric,
        numeric::{RPL_TOPIC, RPL_TOPICWHOTIME},
    },
};

/// A read on its way: what is left of it. Its place is a stable id, so that whoever comes or goes
/// in the meantime neither repeats nor hides anybody else.
pub(crate) enum Read {
    /// The topic of a channel just joined, its read marker, then its names.
    Arrival { channel: ChannelId, topic: u8 },
    /// NAMES of one channel.
    Names(Names),
    /// NAMES of all channels.
    AllNames(AllNames),
    /// WHO, of a channel's members or of users.
    Who(Box<Who>),
    /// WHOIS of several users.
    Whois(Whois),
    /// WHOWAS of several nicks.
    Whowas(Whowas),
    /// MONITOR's answers.
    Monitored(Monitored),
    /// LIST of all channels, or of those that match.
    List(Box<List>),
    /// INVITE's list.
    Invites(Invites),
    /// One of a channel's lists of masks.
    Masks(Masks),
    /// History.
    Replay(Replay),
    /// CHATHISTORY TARGETS.
    Targets(Targets),
    /// Lines that were made at once.
    Text(Text),
    /// METADATA LIST.
    MetadataList(MetadataList),
    /// METADATA SYNC, or what a JOIN or a subscription leads to.
    MetadataSync(Sync),
}

const FIRST_USER: UserId = UserId { index: 0, generation: 0 };

/// With either, the names of a channel just joined are left out.
const NO_NAMES: Caps = Caps::NO_IMPLICIT_NAMES.with(Caps::DRAFT_NO_IMPLICIT_NAMES);

/// Users or channels that are looked at for one line at the most.
///
/// Few, since a step that finds a line costs no more of the budget than the line.
pub(super) const LOOK_AT_MOST: usize = 16;

impl Read {
    pub(crate) const fn arrival(channel: ChannelId) -> Self {
        Self::Arrival { channel, topic: 0 }
    }

    pub(crate) fn names(name: &[u8], channel: Option<ChannelId>) -> Self {
        Self::Names(Names::new(name, channel))
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
                // Who was put out in the meantime is not told what is there now.
                let Some(channel) = network.channel(id).filter(|it| it.member(viewer).is_some())
                else {
                    return true;
                };
                match (&channel.topic, *topic) {
                    (Some(set), 0) => look.send(RPL_TOPIC, &[&channel.name], Some(&set.text)),
                    (Some(set), 1) => {
                        let at = decimal(set.at.as_secs());
                        look.send(RPL_TOPICWHOTIME, &[&channel.name, &set.by, &at], None);
                    }
                    (_, 0..=2) => {
                        *topic = 2;
                        if look.caps().has(Caps::READ_MARKER) {
                            look.links.read_marker(conn, network.casemapping(), &channel.name);
                        }
                    }
                    _ if look.caps().has_any(NO_NAMES) => return true,
                    _ => {
                        *self = Self::names(&channel.name, Some(id));
                        return false;
                    }
                }
                *topic += 1;
                false
            }
            Self::Text(text) => {
                if let Some(line) = text.next() {
                    let params: Vec<&[u8]> = line.params.iter().map(|param| &param[..]).collect();
                    look.send(line.numeric, &params, line.text.as_deref());
                }
                text.is_empty()
            }
            Self::Names(names) => names.next(look),
            Self::AllNames(names) => names.next(look),
            Self::Who(who) => who.next(look),
            Self::Whois(whois) => whois.next(look),
            Self::Whowas(whowas) => whowas.next(look),
            Self::Monitored(monitored) => monitored.next(look),
            Self::List(list) => list.next(look),
            Self::Invites(invites) => invites.next(look),
            Self::Masks(masks) => masks.next(look),
            Self::Replay(replay) => replay.next(look),
            Self::Targets(targets) => targets.next(look),
            Self::MetadataList(list) => list.next(look),
            Self::MetadataSync(sync) => sync.next(look),
        }
    }
}

/// One look at the network, by one user on one connection.
pub(super) struct Look<'a> {
    pub(super) network: &'a Network,
    pub(super) links: &'a mut Links,
    pub(super) conn: ConnId,
    pub(super) viewer: UserId,
    pub(super) me: &'a User,
}

impl Look<'_> {
    fn send(&mut self, numeric: Numeric, params: &[&[u8]], text: Option<&[u8]>) {
        self.links.numeric(self.conn, &self.me.nick, numeric, params, text);
    }

    fn send_text(&mut self, numeric: Numeric, params: &[&[u8]]) {
        self.send(numeric, params, Some(numeric.text().as_bytes()));
    }

    pub(super) fn caps(&self) -> Caps {
        self.links.get(self.conn).map_or(Caps::NONE, |link| link.caps)
    }

    /// Bytes that a numeric of one word more than the nick leaves for its text.
    fn room(&self, word: &[u8]) -> usize {
        // `:server 319 nick word :` and the text share a line.
        let head = self.links.name.len() + self.me.nick.len() + word.len() + 9;
        crate::wire::BODY_MAX.saturating_sub(head)
    }

    /// Whether a user is to be seen by those who look for users in general.
    fn sees(&self, id: UserId, user: &User) -> bool {
        !user.modes.invisible
            || crate::mutant!(InvisibleFound)
            || id == self.viewer
            || self.network.share_channel(self.viewer, id)
    }

    /// Whether the viewer may know where a user connects from.
    fn sees_address(&self, id: UserId) -> bool {
        id == self.viewer || self.me.modes.oper
    }
}

/// Words joined by `between` into texts of at most `room` bytes each.
pub(crate) fn in_lines<'a>(
    words: impl IntoIterator<Item = &'a [u8]>,
    between: u8,
    room: usize,
) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= room => {
                line.push(between);
                line.extend_from_slice(word);
            }
            _ => lines.push(word.to_vec()),
        }
    }
    lines
}

pub(crate) fn decimal(number: u64) -> Vec<u8> {
    alloc::format!("{number}").into_bytes()
}
