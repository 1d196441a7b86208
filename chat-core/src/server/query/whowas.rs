//! WHOWAS: who had a nick before.
//!
//! Specification: modern, "WHOWAS message"; RFC 2812 for several nicks.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use super::{LOOK_AT_MOST, Look};
use crate::wire::numeric::{
    ERR_WASNOSUCHNICK, RPL_ENDOFWHOWAS, RPL_WHOISACTUALLY, RPL_WHOISSERVER, RPL_WHOWASUSER,
};

/// A WHOWAS on its way.
pub(crate) struct Whowas {
    nicks: VecDeque<Box<[u8]>>,
    /// The most entries of one nick.
    count: usize,
    /// Entries of the first nick so far.
    found: usize,
    /// The number of the entry that was last looked at for it.
    before: u64,
}

impl Whowas {
    pub(crate) fn new(nicks: Vec<&[u8]>, count: usize) -> Self {
        let nicks = nicks.into_iter().map(Into::into).collect();
        Self { nicks, count, found: 0, before: u64::MAX }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let Some(nick) = self.nicks.front() else { return true };
        let network = look.network;
        if self.found < self.count {
            for (number, was) in network.whowas().before(self.before).take(LOOK_AT_MOST) {
                self.before = number;
                if !network.casemapping().eq(&was.nick, nick) {
                    continue;
                }
                self.found += 1;
                let params: [&[u8]; 4] = [&was.nick, &was.user, &was.host, b"*"];
                look.send(RPL_WHOWASUSER, &params, Some(&was.real));
                if look.me.modes.oper {
                    look.send_text(RPL_WHOISACTUALLY, &[&was.nick, &was.address]);
                }
                let server = look.links.name.clone();
                look.send(RPL_WHOISSERVER, &[&was.nick, &server], Some(&was.at.to_iso()));
                return false;
            }
            if network.whowas().before(self.before).next().is_some() {
                return false;
            }
        }
        if self.found == 0 {
            look.send_text(ERR_WASNOSUCHNICK, &[nick]);
        }
        look.send_text(RPL_ENDOFWHOWAS, &[nick]);
        self.nicks.pop_front();
        (self.found, self.before) = (0, u64::MAX);
        self.nicks.is_empty()
    }
}
