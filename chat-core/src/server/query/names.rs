//! NAMES: the members of one channel, or of all that the viewer may see.

use alloc::{boxed::Box, vec::Vec};

use super::{FIRST_USER, LOOK_AT_MOST, Look};
use crate::{
    caps::Caps,
    network::{Channel, ChannelId, Member, UserId},
    wire::{
        BODY_MAX,
        numeric::{RPL_ENDOFNAMES, RPL_NAMREPLY},
    },
};

/// The members of a channel from `from` on; of no channel, nobody.
pub(crate) struct Names {
    /// As it was asked for.
    name: Box<[u8]>,
    channel: Option<ChannelId>,
    from: UserId,
}

impl Names {
    pub(super) fn new(name: &[u8], channel: Option<ChannelId>) -> Self {
        Self { name: name.into(), channel, from: FIRST_USER }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        if let Some(found) = self.channel.and_then(|id| look.network.channel(id))
            && let Some(next) = look.names_line(found, self.from)
        {
            self.from = next;
            return false;
        }
        look.send_text(RPL_ENDOFNAMES, &[&self.name]);
        true
    }
}

/// The members of all channels that the viewer may see, with one end.
#[derive(Default)]
pub(crate) struct AllNames {
    /// The index of the next channel.
    index: u32,
    /// The channel that is being told, and its next member.
    telling: Option<(ChannelId, UserId)>,
}

impl AllNames {
    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let network = look.network;
        if let Some((id, from)) = self.telling
            && let Some(next) = network.channel(id).and_then(|found| look.names_line(found, from))
        {
            self.telling = Some((id, next));
            return false;
        }
        self.telling = None;
        for (id, channel) in network.channels_from(self.index).take(LOOK_AT_MOST) {
            self.index = id.index + 1;
            if channel.is_listed_for(look.viewer) {
                self.telling = Some((id, FIRST_USER));
                return false;
            }
        }
        if network.channels_from(self.index).next().is_some() {
            return false;
        }
        look.send_text(RPL_ENDOFNAMES, &[b"*"]);
        true
    }
}

impl Look<'_> {
    /// One line of names from a member on; who comes after those, `None` if nobody was left.
    fn names_line(&mut self, channel: &Channel, from: UserId) -> Option<UserId> {
        // `:server 353 nick = #channel :` and the names share 510 bytes.
        let head = self.links.name.len() + self.me.nick.len() + channel.name.len() + 12;
        let room = BODY_MAX.saturating_sub(head);
        let caps = self.caps();
        let sees_all = channel.member(self.viewer).is_some();
        let mut names = Vec::with_capacity(BODY_MAX);
        let mut next = None;
        // What is sent is counted of the budget; looks at those who are hidden are not.
        let mut hidden = 0;
        for member in members_from(channel, from) {
            if sees_all || self.network.sees_membership(self.viewer, channel, member.user) {
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
            } else {
                hidden += 1;
            }
            next = Some(after(member.user));
            if hidden == LOOK_AT_MOST {
                break;
            }
        }
        if !names.is_empty() {
            let kind = match &channel.modes {
                modes if modes.secret => b"@",
                modes if modes.private => b"*",
                _ => b"=",
            };
            self.send(RPL_NAMREPLY, &[kind, &channel.name], Some(&names));
        }
        next
    }
}

/// A channel's members from a user on.
pub(super) fn members_from(channel: &Channel, from: UserId) -> &[Member] {
    let at = channel.members.partition_point(|member| member.user < from);
    channel.members.get(at..).unwrap_or_default()
}

/// The least id above this one.
pub(super) const fn after(user: UserId) -> UserId {
    UserId { index: user.index + 1, generation: 0 }
}
