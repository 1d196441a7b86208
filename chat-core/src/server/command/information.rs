//! PING, PONG, and what the server says of itself.

use alloc::{format, string::String, vec::Vec};

use super::Caller;
use crate::{
    AdminConfig, Config, ConnId,
    caps::Caps,
    server::{
        Server,
        batch::Batch,
        isupport,
        link::{Link, Step},
        query::Read,
        text::{Line, Text},
    },
    wire::{
        BODY_MAX, CaseMapping, Message, matches,
        numeric::{
            ERR_NOADMININFO, ERR_NOORIGIN, ERR_NOSUCHSERVER, ERR_NOTREGISTERED, ERR_SUMMONDISABLED,
            ERR_USERSDISABLED, RPL_ADMINEMAIL, RPL_ADMINLOC1, RPL_ADMINLOC2, RPL_ADMINME,
            RPL_ENDOFINFO, RPL_ENDOFLINKS, RPL_ENDOFMOTD, RPL_GLOBALUSERS, RPL_INFO, RPL_ISUPPORT,
            RPL_LINKS, RPL_LOCALUSERS, RPL_LUSERCHANNELS, RPL_LUSERCLIENT, RPL_LUSERME,
            RPL_LUSEROP, RPL_LUSERUNKNOWN, RPL_MAP, RPL_MAPEND, RPL_MOTD, RPL_MOTDSTART, RPL_TIME,
            RPL_VERSION,
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

/// `MOTD [server]`
pub(super) fn motd(caller: &mut Caller<'_>, message: &Message<'_>) {
    if caller.is_for_us(message.param(0)) {
        let lines = caller.motd_lines();
        caller.say_all(lines);
    }
}

/// `LUSERS [mask [server]]`: one server has no part that a mask could choose.
pub(super) fn lusers(caller: &mut Caller<'_>, message: &Message<'_>) {
    if caller.is_for_us(message.param(1)) {
        caller.lusers();
    }
}

/// `VERSION [server]`
pub(super) fn version(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.is_for_us(message.param(0)) {
        return;
    }
    let name = caller.server.links.name.clone();
    let description = caller.server.config.description.clone();
    caller.reply_text(RPL_VERSION, &[VERSION.as_bytes(), &name], Some(description.as_bytes()));
    caller.isupport();
}

/// `TIME [server]`
pub(super) fn time(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.is_for_us(message.param(0)) {
        return;
    }
    let name = caller.server.links.name.clone();
    let text = caller.server.links.now.wall.to_iso();
    caller.reply_text(RPL_TIME, &[&name], Some(&text));
}

/// `ADMIN [server]`
pub(super) fn admin(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.is_for_us(message.param(0)) {
        return;
    }
    let name = caller.server.links.name.clone();
    let AdminConfig { location, organisation, email } = caller.server.config.admin.clone();
    if location.is_empty() && organisation.is_empty() && email.is_empty() {
        return caller.reply(ERR_NOADMININFO, &[&name]);
    }
    caller.reply(RPL_ADMINME, &[&name]);
    caller.reply_text(RPL_ADMINLOC1, &[], Some(location.as_bytes()));
    caller.reply_text(RPL_ADMINLOC2, &[], Some(organisation.as_bytes()));
    caller.reply_text(RPL_ADMINEMAIL, &[], Some(email.as_bytes()));
}

/// `ISUPPORT`, before registration too with draft/extended-isupport.
///
/// Specification: IRCv3 extended-isupport.
pub(super) fn isupport(caller: &mut Caller<'_>, _: &Message<'_>) {
    if caller.user_id().is_none() && !caller.caps().has(Caps::EXTENDED_ISUPPORT) {
        return caller.reply(ERR_NOTREGISTERED, &[]);
    }
    caller.isupport();
}

/// `INFO [server]`
pub(super) fn info(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.is_for_us(message.param(0)) {
        return;
    }
    let Config { name, network, description, .. } = caller.server.config.clone();
    let started = caller.server.links.metrics.started.to_iso();
    let started = String::from_utf8_lossy(&started);
    let texts = [
        format!("{VERSION}, a chat server that speaks IRC"),
        format!("{name}: {description}"),
        format!("A server of the {network} network"),
        format!("Running since {started}"),
        "HELP tells what it understands".into(),
    ];
    let mut lines: Vec<Line> =
        texts.iter().map(|text| Line::new(RPL_INFO, &[], text.as_bytes())).collect();
    lines.push(Line::usual(RPL_ENDOFINFO, &[]));
    caller.say_all(lines);
}

/// `LINKS [[server] mask]`
pub(super) fn links(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (server, mask) = match message.params() {
        [] => (None, &b"*"[..]),
        [mask] => (None, *mask),
        [server, mask, ..] => (Some(*server), *mask),
    };
    if !caller.is_for_us(server) {
        return;
    }
    let name = caller.server.links.name.clone();
    if matches(mask, &name, CaseMapping::Ascii) {
        let text = format!("0 {}", caller.server.config.description);
        caller.reply_text(RPL_LINKS, &[&name, &name], Some(text.as_bytes()));
    }
    caller.reply(RPL_ENDOFLINKS, &[mask]);
}

/// `MAP`
pub(super) fn map(caller: &mut Caller<'_>, _: &Message<'_>) {
    let (name, users) = (caller.server.config.name.clone(), caller.network().count().users);
    caller.reply_text(RPL_MAP, &[], Some(format!("{name} [users: {users}]").as_bytes()));
    caller.reply(RPL_MAPEND, &[]);
}

/// `USERS`: who is logged in to the machine is nobody's business.
pub(super) fn users(caller: &mut Caller<'_>, _: &Message<'_>) {
    caller.reply(ERR_USERSDISABLED, &[]);
}

/// `SUMMON`: nor is anybody called there.
pub(super) fn summon(caller: &mut Caller<'_>, _: &Message<'_>) {
    caller.reply(ERR_SUMMONDISABLED, &[]);
}

impl Caller<'_> {
    /// Whether a server that a command names is this one: by a mask of its name, or by the nick of
    /// somebody on it. If not, that is told.
    pub(super) fn is_for_us(&mut self, server: Option<&[u8]>) -> bool {
        let Some(server) = server.filter(|server| !server.is_empty()) else { return true };
        let ours = matches(server, &self.server.links.name, CaseMapping::Ascii)
            || self.network().find_user(server).is_some();
        if !ours {
            self.reply(ERR_NOSUCHSERVER, &[server]);
        }
        ours
    }

    /// Sends these lines as there is room, before the connection's next line.
    pub(super) fn say_all(&mut self, lines: Vec<Line>) {
        self.then([Step::Read(Read::Text(Text::new(lines)))]);
    }

    /// The message of the day as part of the welcome: at once, since more follows it.
    pub(in crate::server) fn motd(&mut self) {
        for Line { numeric, params, text } in self.motd_lines() {
            let params: Vec<&[u8]> = params.iter().map(|param| &param[..]).collect();
            self.reply_text(numeric, &params, text.as_deref());
        }
    }

    fn motd_lines(&self) -> Vec<Line> {
        let name = self.server.config.name.clone();
        let start = format!("- {name} Message of the day - ");
        // Some clients join their channels at 376 alone: there is always a message.
        let none = alloc::vec![String::from("Welcome.")];
        let motd = &self.server.config.motd;
        let motd = if motd.is_empty() { &none } else { motd };
        let mut lines = alloc::vec![Line::new(RPL_MOTDSTART, &[], start.as_bytes())];
        let texts = motd.iter().map(|line| format!("- {line}"));
        lines.extend(texts.map(|text| Line::new(RPL_MOTD, &[], text.as_bytes())));
        lines.push(Line::usual(RPL_ENDOFMOTD, &[]));
        lines
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
        self.server.tell_isupport(self.conn, &tokens);
    }
}

impl Server {
    /// Sends tokens of ISUPPORT to one connection: in a batch, if it knows of that.
    pub(in crate::server) fn tell_isupport(&mut self, conn: ConnId, tokens: &[String]) {
        let Some(caps) = self.links.get(conn).map(|link| link.caps) else { return };
        let nick = self.nick_of(conn);
        let text = RPL_ISUPPORT.text().as_bytes();
        // `:server 005 nick` and ` :text` share the line with them.
        let head = self.links.name.len() + nick.len() + text.len() + 8;
        let batch = if caps.has(Caps::EXTENDED_ISUPPORT) {
            self.links.open_batch(conn, b"draft/isupport", &[])
        } else {
            Batch::None
        };
        for tokens in isupport::lines(tokens, BODY_MAX.saturating_sub(head)) {
            self.links.line_in_batch(conn, batch, |line, server| {
                line.source(server).numeric(RPL_ISUPPORT.code()).param(&nick);
                for token in tokens {
                    line.param(token.as_bytes());
                }
                line.trailing(text).finish();
            });
        }
        self.links.close_batch(conn, batch);
    }

    /// Tells all who may know of ISUPPORT what a new configuration has changed.
    pub(in crate::server) fn announce_isupport(&mut self, old: &Config) {
        let changes = isupport::changes(old, &self.config);
        if changes.is_empty() {
            return;
        }
        let knows = |link: &Link| link.user().is_some() || link.caps.has(Caps::EXTENDED_ISUPPORT);
        let links = self.links.arena.iter().filter(|(_, link)| !link.is_dying() && knows(link));
        let conns: Vec<ConnId> = links.map(|(conn, _)| conn).collect();
        for conn in conns {
            self.tell_isupport(conn, &changes);
        }
    }
}
