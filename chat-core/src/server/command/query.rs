//! WHO, WHOIS, WHOWAS, USERHOST, ISON: asking about users.

use alloc::{boxed::Box, vec::Vec};

use super::Caller;
use crate::{
    network::User,
    server::{
        link::Step,
        query::{Read, Who, Whois, Whowas, in_lines},
    },
    wire::{
        BODY_MAX, Message, matches,
        numeric::{ERR_NONICKNAMEGIVEN, ERR_NOSUCHSERVER, RPL_ENDOFWHOIS, RPL_ISON, RPL_USERHOST},
        split_list,
    },
};

/// The nicks of one USERHOST.
const USERHOST_NICKS: usize = 5;

/// `WHO mask [o][%fields[,token]]`
pub(super) fn who(caller: &mut Caller<'_>, message: &Message<'_>) {
    let options = message.param(1).unwrap_or_default();
    let who = Who::new(caller.network(), message.params()[0], options);
    caller.then([Step::Read(Read::Who(Box::new(who)))]);
}

/// `WHOIS [server] nicks`
pub(super) fn whois(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (server, nicks) = match *message.params() {
        [] => (None, &b""[..]),
        [nicks] => (None, nicks),
        [server, nicks, ..] => (Some(server), nicks),
    };
    if nicks.is_empty() {
        return caller.reply(ERR_NONICKNAMEGIVEN, &[]);
    }
    // A server is named by itself, by a mask, or by one of its users.
    let known = |server: &[u8]| {
        let casemapping = caller.network().casemapping();
        matches(server, &caller.server.links.name, casemapping)
            || caller.network().find_user(server).is_some()
    };
    // Clients ask for `WHOIS nick nick` to learn the idle time: then it is the nick that is not there.
    if let Some(server) = server.filter(|server| *server != nicks && !known(server)) {
        caller.reply(ERR_NOSUCHSERVER, &[server]);
        return caller.reply(RPL_ENDOFWHOIS, &[nicks]);
    }
    let most = caller.server.config.limits.targets;
    caller.then([Step::Read(Read::Whois(Whois::new(nicks, split_list(nicks).take(most))))]);
}

/// `WHOWAS nicks [count [server]]`
pub(super) fn whowas(caller: &mut Caller<'_>, message: &Message<'_>) {
    let nicks = message.param(0).unwrap_or_default();
    if split_list(nicks).next().is_none() {
        return caller.reply(ERR_NONICKNAMEGIVEN, &[]);
    }
    // What is no positive number asks for all.
    let count = message.param(1).and_then(|text| core::str::from_utf8(text).ok()?.parse().ok());
    let count = count.filter(|count| *count > 0).unwrap_or(usize::MAX);
    let nicks = caller.targets(nicks);
    caller.then([Step::Read(Read::Whowas(Whowas::new(nicks, count)))]);
}

/// `USERHOST nick...`
pub(super) fn userhost(caller: &mut Caller<'_>, message: &Message<'_>) {
    let network = caller.network();
    let nicks = words(message).take(USERHOST_NICKS);
    let found = nicks.filter_map(|nick| network.user(network.find_user(nick)?));
    let me = caller.me().map(|me| me.nick.clone());
    let items: Vec<Vec<u8>> = found
        .map(|user| {
            // One learns one's own address by it.
            let own = me.as_ref() == Some(&user.nick);
            userhost_item(user, if own { &user.address } else { &user.host })
        })
        .collect();
    caller.reply_words(RPL_USERHOST, &items);
}

/// `nick*=+user@host`: whether an operator, whether away.
fn userhost_item(user: &User, host: &[u8]) -> Vec<u8> {
    let oper: &[u8] = if user.modes.oper { b"*" } else { b"" };
    let away: &[u8] = if user.away.is_some() { b"=-" } else { b"=+" };
    [&user.nick, oper, away, &user.user, b"@", host].concat()
}

/// `ISON nick...`
pub(super) fn ison(caller: &mut Caller<'_>, message: &Message<'_>) {
    let network = caller.network();
    let found = words(message).filter_map(|nick| network.user(network.find_user(nick)?));
    let nicks: Vec<Vec<u8>> = found.map(|user| user.nick.to_vec()).collect();
    caller.reply_words(RPL_ISON, &nicks);
}

/// All words of all parameters: some clients send them as one.
fn words<'a>(message: &'a Message<'_>) -> impl Iterator<Item = &'a [u8]> {
    let words = message.params().iter().flat_map(|param| param.split(|byte| *byte == b' '));
    words.filter(|word| !word.is_empty())
}

impl Caller<'_> {
    /// Replies with a numeric whose text is words, on as many lines as they need: at least one.
    fn reply_words(&mut self, numeric: crate::wire::Numeric, words: &[Vec<u8>]) {
        let nick = self.me().map_or(0, |me| me.nick.len());
        // `:server 302 nick :` and the words share a line.
        let room = BODY_MAX.saturating_sub(self.server.links.name.len() + nick + 8);
        let lines = in_lines(words.iter().map(Vec::as_slice), b' ', room);
        for line in lines.iter().map(Vec::as_slice).chain(lines.is_empty().then_some(&b""[..])) {
            self.reply_text(numeric, &[], Some(line));
        }
    }
}
