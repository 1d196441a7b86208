//! The table of commands: what each needs before its function is called.

mod ban;
mod batch;
mod cap;
mod channel;
mod help;
mod history;
mod information;
mod message;
mod metadata;
mod mode;
mod monitor;
mod operator;
mod query;
mod read_marker;
mod registration;
mod stats;
mod umode;
mod user;

pub(crate) use information::VERSION;

use alloc::vec::Vec;

use super::Server;
use crate::{
    io::ConnId,
    network::{Network, Op, User, UserId},
    wire::{
        Message, Numeric, Severity, Standard,
        numeric::{
            ERR_ALREADYREGISTERED, ERR_NEEDMOREPARAMS, ERR_NOPRIVILEGES, ERR_NOTREGISTERED,
            ERR_UNKNOWNCOMMAND,
        },
    },
};

/// One command.
pub(crate) struct Command {
    pub(crate) name: &'static [u8],
    /// Its parameters, for HELP.
    pub(crate) usage: &'static str,
    /// What it does, in one sentence, for HELP.
    pub(crate) about: &'static str,
    /// The fewest parameters; 461 below.
    params: usize,
    pub(crate) when: When,
    /// What it costs of the sender's rate, in lines.
    cost: u32,
    run: fn(&mut Caller<'_>, &Message<'_>),
}

/// When a command may be used.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(crate) enum When {
    Always,
    /// 462 later.
    BeforeRegistration,
    /// 451 earlier.
    Registered,
    /// 481 for everybody else.
    Operator,
}

use When::{Always, BeforeRegistration, Operator, Registered};

impl When {
    /// For whom the command is, in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Always => "everybody, at any time",
            BeforeRegistration => "those who have not registered yet",
            Registered => "everybody, once registered",
            Operator => "operators of the server",
        }
    }
}

/// All commands, by name.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: b"ADMIN",
        usage: "[server]",
        about: "Tells who runs the server.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::admin,
    },
    Command {
        name: b"AWAY",
        usage: "[:message]",
        about: "Marks you as away, with a message; without one, as back. Before registration with \
                draft/pre-away alone.",
        params: 0,
        when: Always,
        cost: 1,
        run: user::away,
    },
    Command {
        name: b"BATCH",
        usage: "+reference type [parameters] | -reference",
        about: "Begins and ends a message of several lines.",
        params: 1,
        when: Registered,
        cost: 1,
        run: batch::batch,
    },
    Command {
        name: b"CAP",
        usage: "LS [version] | LIST | REQ :capabilities | END",
        about: "Negotiates capabilities.",
        params: 1,
        when: Always,
        cost: 1,
        run: cap::cap,
    },
    Command {
        name: b"CHATHISTORY",
        usage: "LATEST|BEFORE|AFTER|AROUND target point limit | BETWEEN target point point limit \
                | TARGETS time time limit",
        about: "Asks for what was said before.",
        params: 1,
        when: Registered,
        cost: 2,
        run: history::chathistory,
    },
    Command {
        name: b"DLINE",
        usage: "[duration] address[/bits]|nick [:reason]",
        about: "Bans addresses from the server, for seconds or such as 1d2h; without a duration, until UNDLINE.",
        params: 1,
        when: Operator,
        cost: 2,
        run: ban::dline,
    },
    Command {
        name: b"HELP",
        usage: "[topic]",
        about: "Explains a topic; without one, lists them.",
        params: 0,
        when: Registered,
        cost: 2,
        run: help::help,
    },
    Command {
        name: b"HELPOP",
        usage: "[topic]",
        about: "The same as HELP.",
        params: 0,
        when: Registered,
        cost: 2,
        run: help::help,
    },
    Command {
        name: b"INFO",
        usage: "[server]",
        about: "Tells about the software and the server.",
        params: 0,
        when: Registered,
        cost: 2,
        run: information::info,
    },
    Command {
        name: b"INVITE",
        usage: "[nick channel]",
        about: "Invites somebody to a channel, or lists your invitations.",
        params: 0,
        when: Registered,
        cost: 2,
        run: channel::invite,
    },
    Command {
        name: b"ISON",
        usage: "nicks",
        about: "Tells which of these nicks are in use.",
        params: 1,
        when: Registered,
        cost: 1,
        run: query::ison,
    },
    Command {
        name: b"ISUPPORT",
        usage: "",
        about: "Tells what the server supports; before registration with draft/extended-isupport alone.",
        params: 0,
        when: Always,
        cost: 1,
        run: information::isupport,
    },
    Command {
        name: b"JOIN",
        usage: "channels [keys] | 0",
        about: "Joins channels, or leaves all of them.",
        params: 1,
        when: Registered,
        cost: 2,
        run: channel::join,
    },
    Command {
        name: b"KICK",
        usage: "channel nicks [:reason]",
        about: "Puts members out of a channel.",
        params: 2,
        when: Registered,
        cost: 1,
        run: channel::kick,
    },
    Command {
        name: b"KILL",
        usage: "nick [:reason]",
        about: "Ends somebody's connection.",
        params: 1,
        when: Operator,
        cost: 1,
        run: operator::kill,
    },
    Command {
        name: b"KLINE",
        usage: "[duration] user@host|nick [:reason]",
        about: "Bans users from the server, for seconds or such as 1d2h; without a duration, until UNKLINE.",
        params: 1,
        when: Operator,
        cost: 2,
        run: ban::kline,
    },
    Command {
        name: b"LINKS",
        usage: "[[server] mask]",
        about: "Lists the servers of the network.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::links,
    },
    Command {
        name: b"LIST",
        usage: "[channels or conditions]",
        about: "Lists channels: by masks, !masks, members (>n, <n), minutes since they were made \
                (C>n, C<n) or their topic was set (T>n, T<n).",
        params: 0,
        when: Registered,
        cost: 4,
        run: channel::list,
    },
    Command {
        name: b"LUSERS",
        usage: "[mask [server]]",
        about: "Counts users, operators and channels.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::lusers,
    },
    Command {
        name: b"MAP",
        usage: "",
        about: "Shows how the servers of the network are linked.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::map,
    },
    Command {
        name: b"MARKREAD",
        usage: "target [timestamp]",
        about: "Tells up to when you have read, or asks for it.",
        params: 0,
        when: Registered,
        cost: 1,
        run: read_marker::markread,
    },
    Command {
        name: b"METADATA",
        usage: "target GET keys | LIST | SET key [:value] | CLEAR | SUB keys | UNSUB keys | SUBS | SYNC",
        about: "Shows or changes what a user or channel tells of itself, and who is told of changes.",
        params: 2,
        when: Always,
        cost: 2,
        run: metadata::metadata,
    },
    Command {
        name: b"MODE",
        usage: "target [changes [parameters]]",
        about: "Shows or changes the modes of a channel, or your own.",
        params: 1,
        when: Registered,
        cost: 1,
        run: mode::mode,
    },
    Command {
        name: b"MONITOR",
        usage: "+ nicks | - nicks | C | L | S",
        about: "Watches nicks and tells when they come and go; clears and lists those, or tells \
                which are in use.",
        params: 1,
        when: Registered,
        cost: 1,
        run: monitor::monitor,
    },
    Command {
        name: b"MOTD",
        usage: "[server]",
        about: "Shows the message of the day.",
        params: 0,
        when: Registered,
        cost: 2,
        run: information::motd,
    },
    Command {
        name: b"NAMES",
        usage: "[channels]",
        about: "Lists the members of channels; without one, of all that you may see.",
        params: 0,
        when: Registered,
        cost: 2,
        run: channel::names,
    },
    Command {
        name: b"NICK",
        usage: "nick",
        about: "Takes a nick.",
        params: 0,
        when: Always,
        cost: 2,
        run: registration::nick,
    },
    Command {
        name: b"NOTICE",
        usage: "targets :text",
        about: "Sends a message that is never answered automatically.",
        params: 0,
        when: Registered,
        cost: 1,
        run: message::notice,
    },
    Command {
        name: b"OPER",
        usage: "name password",
        about: "Makes you an operator of the server.",
        params: 2,
        when: Registered,
        cost: 4,
        run: operator::oper,
    },
    Command {
        name: b"PART",
        usage: "channels [:reason]",
        about: "Leaves channels.",
        params: 1,
        when: Registered,
        cost: 1,
        run: channel::part,
    },
    Command {
        name: b"PASS",
        usage: "password",
        about: "Gives the password for the connection.",
        params: 1,
        when: BeforeRegistration,
        cost: 1,
        run: registration::pass,
    },
    Command {
        name: b"PING",
        usage: "token",
        about: "Asks for a PONG with the same token.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::ping,
    },
    Command {
        name: b"PONG",
        usage: "token",
        about: "Answers a PING.",
        params: 0,
        when: Always,
        cost: 1,
        run: information::pong,
    },
    Command {
        name: b"PRIVMSG",
        usage: "targets :text",
        about: "Sends a message to users and channels.",
        params: 0,
        when: Registered,
        cost: 1,
        run: message::privmsg,
    },
    Command {
        name: b"QUIT",
        usage: "[:reason]",
        about: "Ends the connection.",
        params: 0,
        when: Always,
        cost: 1,
        run: registration::quit,
    },
    Command {
        name: b"REDACT",
        usage: "target msgid [:reason]",
        about: "Takes back a message.",
        params: 2,
        when: Registered,
        cost: 1,
        run: history::redact,
    },
    Command {
        name: b"REHASH",
        usage: "",
        about: "Reads the configuration again.",
        params: 0,
        when: Operator,
        cost: 4,
        run: operator::rehash,
    },
    Command {
        name: b"RENAME",
        usage: "channel name [:reason]",
        about: "Gives a channel another name.",
        params: 2,
        when: Registered,
        cost: 4,
        run: channel::rename,
    },
    Command {
        name: b"SETNAME",
        usage: ":realname",
        about: "Changes your real name.",
        params: 1,
        when: Registered,
        cost: 2,
        run: user::setname,
    },
    Command {
        name: b"STATS",
        usage: "letter [server]",
        about: "Tells statistics: m, how often each command was used; u, how long the server has been up; for operators d and k, bans; o, who may become one.",
        params: 1,
        when: Registered,
        cost: 2,
        run: stats::stats,
    },
    Command {
        name: b"SUMMON",
        usage: "user",
        about: "Would call somebody to IRC; it is not done here.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::summon,
    },
    Command {
        name: b"TAGMSG",
        usage: "targets",
        about: "Sends tags without a text.",
        params: 0,
        when: Registered,
        cost: 1,
        run: message::tagmsg,
    },
    Command {
        name: b"TIME",
        usage: "[server]",
        about: "Tells the server's time.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::time,
    },
    Command {
        name: b"TOPIC",
        usage: "channel [:text]",
        about: "Shows or sets a channel's topic.",
        params: 1,
        when: Registered,
        cost: 1,
        run: channel::topic,
    },
    Command {
        name: b"UNDLINE",
        usage: "address[/bits]",
        about: "Lifts a ban of addresses.",
        params: 1,
        when: Operator,
        cost: 2,
        run: ban::undline,
    },
    Command {
        name: b"UNKLINE",
        usage: "user@host",
        about: "Lifts a ban of users.",
        params: 1,
        when: Operator,
        cost: 2,
        run: ban::unkline,
    },
    Command {
        name: b"USER",
        usage: "user 0 * :realname",
        about: "Tells the user name and the real name.",
        params: 4,
        when: BeforeRegistration,
        cost: 1,
        run: registration::user,
    },
    Command {
        name: b"USERHOST",
        usage: "nicks",
        about: "Tells user names and hosts of up to five nicks.",
        params: 1,
        when: Registered,
        cost: 1,
        run: query::userhost,
    },
    Command {
        name: b"USERS",
        usage: "",
        about: "Would list who is logged in to the machine; it is not done here.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::users,
    },
    Command {
        name: b"VERSION",
        usage: "[server]",
        about: "Tells the server's version and what it supports.",
        params: 0,
        when: Registered,
        cost: 1,
        run: information::version,
    },
    Command {
        name: b"WALLOPS",
        usage: ":text",
        about: "Sends a message to all users of mode +w.",
        params: 1,
        when: Operator,
        cost: 2,
        run: operator::wallops,
    },
    Command {
        name: b"WHO",
        usage: "mask [o][%fields[,token]]",
        about: "Lists users that match a mask, or the members of a channel; with o, operators \
                alone; with fields, those of WHOX.",
        params: 1,
        when: Registered,
        cost: 2,
        run: query::who,
    },
    Command {
        name: b"WHOIS",
        usage: "[server] nicks",
        about: "Tells about users.",
        params: 0,
        when: Registered,
        cost: 2,
        run: query::whois,
    },
    Command {
        name: b"WHOWAS",
        usage: "nicks [count]",
        about: "Tells about users who had these nicks, the last first.",
        params: 0,
        when: Registered,
        cost: 2,
        run: query::whowas,
    },
];

/// What begins an HTTP request: not a client's, and maybe a browser's that is led astray.
const HTTP_VERBS: [&[u8]; 8] =
    [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT"];

/// Carries out one command of a connection.
pub(super) fn dispatch(server: &mut Server, conn: ConnId, message: &Message<'_>) {
    let name = message.command;
    let at = COMMANDS.binary_search_by(|row| {
        row.name.iter().copied().cmp(name.iter().map(u8::to_ascii_uppercase))
    });
    let found = at.ok().map(|at| &COMMANDS[at]);
    server.spend(conn, found.map_or(1, |command| command.cost));
    if let Some(count) = at.ok().and_then(|at| server.used.get_mut(at)) {
        *count += 1;
    }
    let mut caller = Caller { server, conn };
    let registered = caller.user_id().is_some();
    match found {
        _ if !registered && HTTP_VERBS.iter().any(|verb| name.eq_ignore_ascii_case(verb)) => {
            caller.server.end(conn, b"This is not an HTTP server");
        }
        Some(command) if registered && command.when == BeforeRegistration => {
            caller.reply(ERR_ALREADYREGISTERED, &[]);
        }
        Some(command) if command.when == Operator && registered && !caller.is_operator() => {
            caller.reply(ERR_NOPRIVILEGES, &[]);
        }
        Some(command) if registered || matches!(command.when, Always | BeforeRegistration) => {
            if caller.absorbed(command, message) {
                return;
            }
            if message.params().len() < command.params {
                caller.reply(ERR_NEEDMOREPARAMS, &[command.name]);
            } else {
                (command.run)(&mut caller, message);
            }
        }
        _ if !registered => caller.reply(ERR_NOTREGISTERED, &[]),
        _ => caller.reply(ERR_UNKNOWNCOMMAND, &[name]),
    }
}

/// Refuses a line that is not UTF-8, on a server that takes nothing else.
pub(super) fn refuse_not_utf8(server: &mut Server, conn: ConnId, message: &Message<'_>) {
    let is_word = message.command.iter().all(u8::is_ascii_alphanumeric);
    let command = if is_word { &message.command.to_ascii_uppercase()[..] } else { b"*" };
    let text = b"This line is not UTF-8: set your client's encoding to UTF-8";
    let mut caller = Caller { server, conn };
    // Of a message of several lines nothing is sent, rather than one with a hole.
    if !caller.refuse_batch_of(message, text) {
        caller.fail(command, b"INVALID_UTF8", &[], text);
    }
}

/// The connection whose command is carried out, and all that the command may use.
pub(super) struct Caller<'s> {
    pub(super) server: &'s mut Server,
    pub(super) conn: ConnId,
}

impl Caller<'_> {
    fn user_id(&self) -> Option<UserId> {
        self.server.links.get(self.conn)?.user()
    }

    fn me(&self) -> Option<&User> {
        self.network().user(self.user_id()?)
    }

    fn is_operator(&self) -> bool {
        self.me().is_some_and(|me| me.modes.oper)
    }

    fn network(&self) -> &Network {
        &self.server.network
    }

    /// Replies with a numeric and its own text.
    fn reply(&mut self, numeric: Numeric, params: &[&[u8]]) {
        let text = numeric.text().as_bytes();
        self.reply_text(numeric, params, (!text.is_empty()).then_some(text));
    }

    /// Replies with a numeric and a text, or none.
    fn reply_text(&mut self, numeric: Numeric, params: &[&[u8]], text: Option<&[u8]>) {
        self.server.reply_text(self.conn, numeric, params, text);
    }

    /// Refuses with FAIL: a code for software, the words that it is about, a text for people.
    fn fail(&mut self, command: &[u8], code: &[u8], context: &[&[u8]], text: &[u8]) {
        let reply = Standard { severity: Severity::Fail, command, code, context, text };
        self.server.links.standard(self.conn, &reply);
    }

    /// Changes shared state, or is refused.
    fn propose(&mut self, op: Op<'_>) {
        self.server.propose(self.conn, op);
    }

    /// The items of a comma list, as many as a command may name. Those above get 407.
    fn targets<'a>(&mut self, list: &'a [u8]) -> Vec<&'a [u8]> {
        let most = self.server.config.limits.targets;
        let mut targets: Vec<&[u8]> = crate::wire::split_list(list).take(most + 1).collect();
        if targets.len() > most
            && let Some(over) = targets.pop()
        {
            self.reply(crate::wire::numeric::ERR_TOOMANYTARGETS, &[over]);
        }
        targets
    }
}

/// At most `most` bytes of a text, cut between characters if it is UTF-8.
fn cut(text: &[u8], most: usize) -> &[u8] {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    // A character of UTF-8 goes on with bytes 10xxxxxx, three at the most.
    while end > most.saturating_sub(4) && end > 0 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    if text[end] & 0xc0 == 0x80 { &text[..most] } else { &text[..end] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMANDS.is_sorted_by_key(|row| row.name));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("añb".as_bytes(), 2), b"a");
        assert_eq!(cut("añb".as_bytes(), 3), "añ".as_bytes());
        assert_eq!(cut(&[0x80; 9], 5), [0x80; 5]);
        assert_eq!(cut("😀".as_bytes(), 3), b"");
    }
}
