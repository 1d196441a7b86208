//! PING, PONG, and what the server says of itself.

use alloc::{format, string::String, vec::Vec};

use super::Caller;
use crate::{
    Config,
    io::ConnId,
    server::{Server, isupport},
    wire::{
        Message,
        numeric::{
            ERR_NOORIGIN, RPL_ENDOFMOTD, RPL_GLOBALUSERS, RPL_ISUPPORT, RPL_LOCALUSERS,
            RPL_LUSERCHANNELS, RPL_LUSERCLIENT, RPL_LUSERME, RPL_LUSEROP, RPL_LUSERUNKNOWN,
            RPL_MOTD, RPL_MOTDSTART, RPL_TIME, RPL_VERSION,
        },
    },
};

/// The program and its version, as VERSION and 004 tell it.
pub(crate) const VERSION: &str = concat!("parlance-", env!("CARGO_PKG_VERSION"));

/// `PING token`
pub(super) fn ping(caller: &mut Caller<'_>, message: &Message<'_>) {
    let token = message.param(0).unwrap_or_default();
    if token.is_empty() {
        return caller.reply(ERR_NOORIGIN, &[]);
    }
    let name = caller.server.links.name.clone();
    caller.server.links.server_line(caller.conn, |line| {
        line.command(b"PONG").param(&name).trailing(token);
    });
}

/// `PONG token`: that anything came is enough.
pub(super) fn pong(_: &mut Caller<'_>, _: &Message<'_>) {}

/// `MOTD`
pub(super) fn motd(caller: &mut Caller<'_>, _: &Message<'_>) {
    caller.motd();
}

/// `LUSERS`
pub(super) fn lusers(caller: &mut Caller<'_>, _: &Message<'_>) {
    caller.lusers();
}

/// `VERSION`
pub(super) fn version(caller: &mut Caller<'_>, _: &Message<'_>) {
    let name = caller.server.links.name.clone();
    let description = caller.server.config.description.clone();
    caller.reply_text(RPL_VERSION, &[VERSION.as_bytes(), &name], Some(description.as_bytes()));
    caller.isupport();
}

/// `TIME`
pub(super) fn time(caller: &mut Caller<'_>, _: &Message<'_>) {
    let name = caller.server.links.name.clone();
    let text = caller.server.links.now.wall.to_iso();
    caller.reply_text(RPL_TIME, &[&name], Some(&text));
}

impl Server {
    /// After a reload: tells all users what of ISUPPORT has changed.
    pub(in crate::server) fn announce_isupport(&mut self, old: &Config) {
        let changes = isupport::changes(old, &self.config);
        if changes.is_empty() {
            return;
        }
        let conns: Vec<ConnId> = self.links.arena.iter().map(|(conn, _)| conn).collect();
        for conn in conns {
            let mut caller = Caller { server: self, conn };
            if caller.user_id().is_some() {
                caller.isupport_lines(&changes);
            }
        }
    }
}

impl Caller<'_> {
    pub(in crate::server) fn motd(&mut self) {
        let name = self.server.config.name.clone();
        let start = format!("- {name} Message of the day - ");
        self.reply_text(RPL_MOTDSTART, &[], Some(start.as_bytes()));
        // Some clients join their channels at 376 alone: there is always a message.
        let none = alloc::vec![String::from("Welcome.")];
        let motd = self.server.config.motd.clone();
        for line in if motd.is_empty() { none } else { motd } {
            self.reply_text(RPL_MOTD, &[], Some(format!("- {line}").as_bytes()));
        }
        self.reply(RPL_ENDOFMOTD, &[]);
    }

    pub(in crate::server) fn lusers(&mut self) {
        let count = self.network().count();
        let unknown = self.server.links.arena.len().saturating_sub(count.users);
        let visible = count.users - count.invisible;
        let (users, most) = (count.users, count.most_users);
        let say = |text: String| Some(text.into_bytes());
        let all =
            format!("There are {visible} users and {} invisible on 1 servers", count.invisible);
        let here = format!("I have {users} clients and 0 servers");
        let number = |n: usize| format!("{n}").into_bytes();
        self.reply_text(RPL_LUSERCLIENT, &[], say(all).as_deref());
        self.reply(RPL_LUSEROP, &[&number(count.opers)]);
        self.reply(RPL_LUSERUNKNOWN, &[&number(unknown)]);
        self.reply(RPL_LUSERCHANNELS, &[&number(count.channels)]);
        self.reply_text(RPL_LUSERME, &[], say(here).as_deref());
        let local = say(format!("Current local users {users}, max {most}"));
        let global = say(format!("Current global users {users}, max {most}"));
        let numbers = [number(users), number(most)];
        self.reply_text(RPL_LOCALUSERS, &[&numbers[0], &numbers[1]], local.as_deref());
        self.reply_text(RPL_GLOBALUSERS, &[&numbers[0], &numbers[1]], global.as_deref());
    }

    pub(in crate::server) fn isupport(&mut self) {
        let tokens = isupport::tokens(&self.server.config);
        self.isupport_lines(&tokens);
    }

    fn isupport_lines(&mut self, tokens: &[String]) {
        for line in tokens.chunks(12) {
            let params: Vec<&[u8]> = line.iter().map(String::as_bytes).collect();
            self.reply(RPL_ISUPPORT, &params);
        }
    }
}
