//! The table of commands: what each needs before its function is called.

use super::{
    Caller, ban, batch, cap, channel, help, history, information, message, metadata, mode, monitor,
    operator, query, read_marker, registration, stats, user,
};
use crate::wire::Message;

/// One command.
pub(crate) struct Command {
    pub(crate) name: &'static [u8],
    /// Its parameters, for HELP.
    pub(crate) usage: &'static str,
    /// What it does, in one sentence, for HELP.
    pub(crate) about: &'static str,
    /// The fewest parameters; 461 below.
    pub(super) params: usize,
    pub(crate) when: When,
    /// What it costs of the sender's rate, in lines.
    pub(super) cost: u32,
    pub(super) run: fn(&mut Caller<'_>, &Message<'_>),
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

/// Where in the table the commands of each letter begin, and where those of the last end.
const BEGINS: [usize; 27] = {
    let mut begins = [0; 27];
    let mut at = 0;
    while at < COMMANDS.len() {
        let mut later = (COMMANDS[at].name[0] - b'A') as usize + 1;
        at += 1;
        while later < begins.len() {
            begins[later] = at;
            later += 1;
        }
    }
    begins
};

/// Where in the table a command is, whatever the case of its letters.
pub(super) fn find(name: &[u8]) -> Option<usize> {
    let letter = name.first()?.to_ascii_uppercase().checked_sub(b'A')?;
    let &[from, to] = BEGINS.get(usize::from(letter)..)?.first_chunk()?;
    let at = COMMANDS[from..to].iter().position(|row| row.name.eq_ignore_ascii_case(name))?;
    Some(from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_found_by_its_name_in_any_case() {
        for (at, row) in COMMANDS.iter().enumerate() {
            assert_eq!(find(row.name), Some(at));
            assert_eq!(find(&row.name.to_ascii_lowercase()), Some(at));
        }
        for wrong in [&b""[..], b"WHO ", b"WH", b"ZZZ", b"[", b"@", b"\xff"] {
            assert_eq!(find(wrong), None);
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMANDS.is_sorted_by_key(|row| row.name));
    }
}
