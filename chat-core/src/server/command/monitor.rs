//! MONITOR: being told when nicks come into use and go out of it.
//!
//! Specification: IRCv3 monitor. The list is the connection's own, and nobody else's to see.

use alloc::{boxed::Box, vec::Vec};

use super::Caller;
use crate::{
    server::{
        link::Step,
        metadata::Sync,
        query::{Monitored, Read, decimal, in_lines},
    },
    wire::{
        BODY_MAX, Message, Nick,
        numeric::{ERR_MONLISTFULL, ERR_NEEDMOREPARAMS},
        split_list,
    },
};

/// `MONITOR + nicks`, `MONITOR - nicks`, `MONITOR C`, `MONITOR L`, `MONITOR S`
pub(super) fn monitor(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (modifier, nicks) = (message.params()[0], message.param(1));
    match (modifier, nicks) {
        (b"+" | b"-", None) => caller.reply(ERR_NEEDMOREPARAMS, &[b"MONITOR"]),
        (b"+", Some(nicks)) => watch(caller, nicks),
        (b"-", Some(nicks)) => {
            for nick in split_list(nicks) {
                caller.server.links.unwatch(caller.conn, nick);
            }
        }
        (b"C" | b"c", _) => caller.server.links.unwatch_all(caller.conn),
        (b"L" | b"l", _) => caller.show(Monitored::list),
        (b"S" | b"s", _) => caller.show(Monitored::status),
        _ => {}
    }
}

/// Takes nicks into the list and tells which of them are in use. What is no nick can be nobody's,
/// and those that are there already are not told of again.
fn watch(caller: &mut Caller<'_>, nicks: &[u8]) {
    let (most, conn) = (caller.server.config.limits.monitor, caller.conn);
    let nick_len = caller.server.config.limits.nick_len;
    let casemapping = caller.server.config.casemapping;
    let links = &mut caller.server.links;
    let mut added: Vec<Box<[u8]>> = Vec::new();
    let mut over: Vec<&[u8]> = Vec::new();
    for nick in split_list(nicks) {
        if Nick::new(nick, nick_len, casemapping).is_none() || links.is_watching(conn, nick) {
            continue;
        }
        if links.get(conn).is_none_or(|link| link.interests().watching.len() >= most) {
            over.push(nick);
        } else if links.watch(conn, nick) {
            added.push(nick.into());
        }
    }
    if !over.is_empty() {
        let limit = decimal(most as u64);
        let nick = caller.me().map_or(0, |me| me.nick.len());
        // `:server 734 nick limit ` and ` :text` share a line with them.
        let head = caller.server.links.name.len() + nick + limit.len() + 10;
        let room = BODY_MAX.saturating_sub(head + ERR_MONLISTFULL.text().len());
        for nicks in in_lines(over, b',', room) {
            caller.reply(ERR_MONLISTFULL, &[&limit, &nicks]);
        }
    }
    let sync = Sync::watched(caller.network(), &added);
    caller.then([
        Step::Read(Read::Monitored(Monitored::status(added))),
        Step::Read(Read::MetadataSync(sync)),
    ]);
}

impl Caller<'_> {
    /// Shows the connection's list.
    fn show(&mut self, how: fn(Vec<Box<[u8]>>) -> Monitored) {
        let link = self.server.links.get(self.conn);
        let nicks = link.map_or_else(Vec::new, |link| link.interests().watching.clone());
        self.then([Step::Read(Read::Monitored(how(nicks)))]);
    }
}
