//! WHO and WHOX: users by channel, nick or mask, in fields that the client chooses.
//!
//! Specifications: modern, "WHO message"; IRCv3 WHOX.

use alloc::{boxed::Box, vec::Vec};

use super::{
    FIRST_USER, LOOK_AT_MOST, Look, decimal,
    names::{after, members_from},
};
use crate::{
    caps::Caps,
    network::{Channel, ChannelId, Member, Network, User, UserId},
    wire::{
        Pattern,
        numeric::{RPL_ENDOFWHO, RPL_WHOREPLY, RPL_WHOSPCRPL},
    },
};

/// A WHO on its way.
pub(crate) struct Who {
    /// As it was sent: 315 repeats it.
    mask: Box<[u8]>,
    /// The same, to be held against many.
    pattern: Pattern<'static>,
    of: Of,
    /// Operators alone.
    opers: bool,
    /// What WHOX asks for; `None`: 352 with the usual fields.
    fields: Option<Fields>,
}

/// Whom it is about.
enum Of {
    Nobody,
    /// A channel's members from one on.
    Members(ChannelId, UserId),
    /// One user, whose nick was given.
    One(UserId),
    /// All users that match, from an index on.
    Users(u32),
}

/// All fields of WHOX, in the order in which 354 has them.
const FIELDS: &[u8; 13] = b"tcuihsnfdlaor";

/// The address of those who may not know it.
const NO_ADDRESS: &[u8] = b"255.255.255.255";

/// The fields that a WHOX asks for.
struct Fields {
    letters: Vec<u8>,
    token: Vec<u8>,
}

impl Fields {
    /// What comes after the `%`. Unknown letters are passed over; a token that is not 1 to 3 digits
    /// is told as 0.
    fn parse(given: &[u8]) -> Self {
        let mut parts = given.splitn(2, |byte| *byte == b',');
        let asked = parts.next().unwrap_or_default();
        let token = parts.next().unwrap_or_default();
        let good = (1..=3).contains(&token.len()) && token.iter().all(u8::is_ascii_digit);
        Self {
            letters: FIELDS.iter().copied().filter(|letter| asked.contains(letter)).collect(),
            token: if good { token.to_vec() } else { b"0".to_vec() },
        }
    }
}

impl Who {
    /// `WHO mask [flags[%fields[,token]]]`
    pub(crate) fn new(network: &Network, mask: &[u8], options: &[u8]) -> Self {
        let mut parts = options.splitn(2, |byte| *byte == b'%');
        let flags = parts.next().unwrap_or_default();
        let is_pattern = mask.iter().any(|byte| matches!(byte, b'*' | b'?'));
        let of = if mask.first() == Some(&b'#') {
            // A channel that is not there has nobody, and is no mask for users.
            network.find_channel(mask).map_or(Of::Nobody, |id| Of::Members(id, FIRST_USER))
        } else if is_pattern || mask == b"0" {
            Of::Users(0)
        } else {
            network.find_user(mask).map_or(Of::Users(0), Of::One)
        };
        Self {
            mask: mask.into(),
            pattern: Pattern::new(mask, network.casemapping()).into_owned(),
            of,
            opers: flags.contains(&b'o'),
            fields: parts.next().map(Fields::parse),
        }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let network = look.network;
        match &mut self.of {
            Of::Nobody => {}
            Of::One(id) => {
                let id = *id;
                self.of = Of::Nobody;
                if let Some(user) = network.user(id).filter(|user| !self.opers || user.modes.oper) {
                    let channel = look.shown_channel(id);
                    self.tell(look, channel, id, user);
                    return false;
                }
            }
            Of::Members(channel, from) => {
                if let Some(channel) = network.channel(*channel) {
                    for member in members_from(channel, *from).iter().take(LOOK_AT_MOST) {
                        *from = after(member.user);
                        let Some(user) = network.user(member.user) else { continue };
                        if (!self.opers || user.modes.oper)
                            && network.sees_membership(look.viewer, channel, member.user)
                        {
                            self.tell(look, Some((channel, member)), member.user, user);
                            return false;
                        }
                    }
                    if !members_from(channel, *from).is_empty() {
                        return false;
                    }
                }
            }
            Of::Users(from) => {
                for (id, user) in network.users_from(*from).take(LOOK_AT_MOST) {
                    *from = id.index + 1;
                    if (!self.opers || user.modes.oper)
                        && look.sees(id, user)
                        && look.matches(&self.pattern, user)
                    {
                        let channel = look.shown_channel(id);
                        self.tell(look, channel, id, user);
                        return false;
                    }
                }
                if network.users_from(*from).next().is_some() {
                    return false;
                }
            }
        }
        look.send_text(RPL_ENDOFWHO, &[&self.mask]);
        true
    }

    /// The line of one user.
    fn tell(&self, look: &mut Look<'_>, at: Option<(&Channel, &Member)>, id: UserId, user: &User) {
        let channel = at.map_or(&b"*"[..], |(channel, _)| &channel.name);
        let flags = look.flags(at, user);
        let server = look.links.name.clone();
        let Some(fields) = &self.fields else {
            let text = [b"0 ", &user.real[..]].concat();
            let params: [&[u8]; 6] = [channel, &user.user, &user.host, &server, &user.nick, &flags];
            return look.send(RPL_WHOREPLY, &params, Some(&text));
        };
        let now = look.links.now.wall;
        let idle = decimal(now.as_secs().saturating_sub(user.last_active.as_secs()));
        let mut params: Vec<&[u8]> = Vec::with_capacity(fields.letters.len());
        let mut real = None;
        for letter in &fields.letters {
            params.push(match letter {
                b't' => &fields.token,
                b'c' => channel,
                b'u' => &user.user,
                b'i' if look.sees_address(id) => &user.address,
                b'i' => NO_ADDRESS,
                b'h' => &user.host,
                b's' => &server,
                b'n' => &user.nick,
                b'f' => &flags,
                b'l' => &idle,
                b'o' => b"n/a",
                b'r' => {
                    real = Some(&user.real[..]);
                    continue;
                }
                // The distance; and the account, 0 for none.
                _ => b"0",
            });
        }
        look.send(RPL_WHOSPCRPL, &params, real);
    }
}

impl<'a> Look<'a> {
    /// Whether a mask fits any of what a user is called.
    fn matches(&self, pattern: &Pattern<'_>, user: &User) -> bool {
        let address = if self.me.modes.oper { &user.address } else { &user.host };
        matches!(pattern.as_bytes(), b"0" | b"*")
            || [&address[..], &user.nick, &user.user, &user.host, &user.real, &self.links.name]
                .iter()
                .any(|text| pattern.matches(text))
    }

    /// The first of a user's channels that the viewer may know of.
    fn shown_channel(&self, id: UserId) -> Option<(&'a Channel, &'a Member)> {
        let network = self.network;
        let channels = network.user(id).map_or(&[][..], |user| &user.channels);
        channels
            .iter()
            .filter_map(|channel| network.channel(*channel))
            .filter(|channel| network.sees_membership(self.viewer, channel, id))
            .find_map(|channel| Some((channel, channel.member(id)?)))
    }

    /// Here or gone, operator, rank in the channel, bot.
    fn flags(&self, at: Option<(&Channel, &Member)>, user: &User) -> Vec<u8> {
        let mut flags = Vec::from(if user.away.is_some() { &b"G"[..] } else { b"H" });
        if user.modes.oper {
            flags.push(b'*');
        }
        if let Some((_, member)) = at {
            flags.extend(member.rank.prefixes(self.caps().has(Caps::MULTI_PREFIX)));
        }
        if user.modes.bot {
            flags.push(b'B');
        }
        flags
    }
}
