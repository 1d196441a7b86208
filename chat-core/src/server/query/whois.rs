//! WHOIS: what is to be known of a user.
//!
//! Specification: modern, "WHOIS message".

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use super::{Look, decimal, in_lines};
use crate::{
    caps::Caps,
    network::UserId,
    wire::numeric::{
        ERR_NOSUCHNICK, RPL_AWAY, RPL_ENDOFWHOIS, RPL_WHOISACTUALLY, RPL_WHOISBOT,
        RPL_WHOISCHANNELS, RPL_WHOISIDLE, RPL_WHOISMODES, RPL_WHOISOPERATOR, RPL_WHOISSERVER,
        RPL_WHOISUSER,
    },
};

/// A WHOIS on its way.
pub(crate) struct Whois {
    /// As they were sent: 318 repeats them.
    given: Box<[u8]>,
    nicks: VecDeque<Box<[u8]>>,
}

impl Whois {
    pub(crate) fn new<'a>(given: &[u8], nicks: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { given: given.into(), nicks: nicks.map(Into::into).collect() }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let Some(nick) = self.nicks.pop_front() else {
            look.send_text(RPL_ENDOFWHOIS, &[&self.given]);
            return true;
        };
        match look.network.find_user(&nick) {
            Some(id) => look.whois(id),
            None => look.send_text(ERR_NOSUCHNICK, &[&nick]),
        }
        false
    }
}

impl Look<'_> {
    fn whois(&mut self, id: UserId) {
        let Some(user) = self.network.user(id) else { return };
        let nick = &user.nick[..];
        self.send(RPL_WHOISUSER, &[nick, &user.user, &user.host, b"*"], Some(&user.real));
        for line in self.channel_lines(id) {
            self.send(RPL_WHOISCHANNELS, &[nick], Some(&line));
        }
        let (name, description) = (self.links.name.clone(), self.links.description.clone());
        self.send(RPL_WHOISSERVER, &[nick, &name], Some(&description));
        if let Some(away) = &user.away {
            self.send(RPL_AWAY, &[nick], Some(away));
        }
        if user.modes.oper {
            self.send_text(RPL_WHOISOPERATOR, &[nick]);
        }
        if user.modes.bot {
            self.send_text(RPL_WHOISBOT, &[nick]);
        }
        if self.sees_address(id) {
            self.send_text(RPL_WHOISACTUALLY, &[nick, &user.address]);
            let text = [b"is using modes ", &user.modes.shown()[..]].concat();
            self.send(RPL_WHOISMODES, &[nick], Some(&text));
        }
        self.whois_metadata(user);
        let now = self.links.now.wall;
        let idle = decimal(now.as_secs().saturating_sub(user.last_active.as_secs()));
        self.send_text(RPL_WHOISIDLE, &[nick, &idle, &decimal(user.signed_on.as_secs())]);
    }

    /// The channels of a user that the viewer may see, with prefixes, in lines.
    fn channel_lines(&self, id: UserId) -> Vec<Vec<u8>> {
        let network = self.network;
        let Some(user) = network.user(id) else { return Vec::new() };
        let all = self.caps().has(Caps::MULTI_PREFIX);
        let channels = user.channels.iter().filter_map(|channel| network.channel(*channel));
        let seen = channels.filter(|channel| network.sees_membership(self.viewer, channel, id));
        let items: Vec<Vec<u8>> = seen
            .map(|channel| {
                let rank = channel.member(id).map(|member| member.rank).unwrap_or_default();
                rank.prefixes(all).chain(channel.name.iter().copied()).collect()
            })
            .collect();
        in_lines(items.iter().map(Vec::as_slice), b' ', self.room(&user.nick))
    }
}
