//! STATS: what the server counts and keeps.

use alloc::{format, vec::Vec};

use super::{COMMANDS, Caller, characters};
use crate::{
    network::{BanKind, ServerBan},
    server::{query::decimal, text::Line},
    wire::{
        Message,
        numeric::{
            ERR_NOPRIVILEGES, RPL_ENDOFSTATS, RPL_STATSCOMMANDS, RPL_STATSDLINE, RPL_STATSKLINE,
            RPL_STATSOLINE, RPL_STATSUPTIME,
        },
    },
};

/// One kind of statistics.
struct Query {
    letter: u8,
    operators: bool,
    lines: fn(&Caller<'_>) -> Vec<Line>,
}

/// All of them. Any other letter is a list that has nothing in it.
const QUERIES: &[Query] = &[
    Query { letter: b'd', operators: true, lines: dlines },
    Query { letter: b'k', operators: true, lines: klines },
    Query { letter: b'm', operators: false, lines: commands },
    Query { letter: b'o', operators: true, lines: operators },
    Query { letter: b'u', operators: false, lines: uptime },
];

/// `STATS letter [server]`
pub(super) fn stats(caller: &mut Caller<'_>, message: &Message<'_>) {
    let params = message.params();
    if !caller.is_for_us(params.get(1).copied()) {
        return;
    }
    let letter = characters(params[0]).next().unwrap_or(b"*");
    let found = QUERIES.iter().find(|query| letter.eq_ignore_ascii_case(&[query.letter]));
    let mut lines = match found {
        Some(query) if query.operators && !caller.is_operator() => {
            alloc::vec![Line::usual(ERR_NOPRIVILEGES, &[])]
        }
        Some(query) => (query.lines)(caller),
        None => Vec::new(),
    };
    lines.push(Line::usual(RPL_ENDOFSTATS, &[letter]));
    caller.say_all(lines);
}

/// Bans of addresses.
fn dlines(caller: &Caller<'_>) -> Vec<Line> {
    bans(caller, BanKind::Dline, |ban| {
        Line::new(RPL_STATSDLINE, &[b"D", &ban.target.text()], &told(ban))
    })
}

/// Bans of users.
fn klines(caller: &Caller<'_>) -> Vec<Line> {
    bans(caller, BanKind::Kline, |ban| {
        let mask = ban.target.text();
        let mut parts = mask.splitn(2, |byte| *byte == b'@');
        let (user, host) = (parts.next(), parts.next());
        let (user, host) = (user.unwrap_or_default(), host.unwrap_or_default());
        Line::new(RPL_STATSKLINE, &[b"K", host, b"*", user], &told(ban))
    })
}

fn bans(caller: &Caller<'_>, kind: BanKind, line: fn(&ServerBan) -> Line) -> Vec<Line> {
    let bans = caller.network().bans(caller.server.links.now.wall);
    bans.filter(|ban| ban.target.kind() == kind).map(line).collect()
}

/// A ban's reason, who set it, and how long it holds.
fn told(ban: &ServerBan) -> Vec<u8> {
    let mut text = [&ban.reason[..], b" (by ", &ban.by].concat();
    if let Some(until) = ban.until {
        text.extend_from_slice(b", until ");
        text.extend_from_slice(&until.to_iso());
    }
    text.push(b')');
    text
}

/// How often each command was used.
fn commands(caller: &Caller<'_>) -> Vec<Line> {
    let used = COMMANDS.iter().zip(caller.server.used.iter()).filter(|(_, count)| **count > 0);
    used.map(|(row, count)| Line::bare(RPL_STATSCOMMANDS, &[row.name, &decimal(*count)])).collect()
}

/// Who may become an operator.
fn operators(caller: &Caller<'_>) -> Vec<Line> {
    let opers = caller.server.config.opers.iter();
    opers
        .map(|oper| {
            Line::bare(RPL_STATSOLINE, &[b"O", b"*", b"*", oper.name.as_bytes(), b"0", b"oper"])
        })
        .collect()
}

/// How long the server has been up.
fn uptime(caller: &Caller<'_>) -> Vec<Line> {
    let links = &caller.server.links;
    let seconds = links.now.wall.as_secs().saturating_sub(links.metrics.started.as_secs());
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let text = format!("Server Up {days} days {hours}:{minutes:02}:{seconds:02}");
    alloc::vec![Line::new(RPL_STATSUPTIME, &[], text.as_bytes())]
}
