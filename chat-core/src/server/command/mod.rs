//! The table of commands: what each needs before its function is called.

mod channel;
mod information;
mod message;
mod mode;
mod registration;
mod user;

pub(crate) use information::VERSION;

use alloc::vec::Vec;

use super::Server;
use crate::{
    io::ConnId,
    network::{Network, Op, User, UserId},
    wire::{
        Message, Numeric,
        numeric::{
            ERR_ALREADYREGISTERED, ERR_NEEDMOREPARAMS, ERR_NOTREGISTERED, ERR_UNKNOWNCOMMAND,
        },
    },
};

/// One command.
struct Command {
    name: &'static [u8],
    /// The fewest parameters; 461 below.
    params: usize,
    when: When,
    /// What it costs of the sender's rate, in lines.
    cost: u32,
    run: fn(&mut Caller<'_>, &Message<'_>),
}

/// When a command may be used.
#[derive(Copy, Clone, Eq, PartialEq)]
enum When {
    Always,
    /// 462 later.
    BeforeRegistration,
    /// 451 earlier.
    Registered,
}

use When::{Always, BeforeRegistration, Registered};

const fn row(
    name: &'static [u8],
    params: usize,
    when: When,
    cost: u32,
    run: fn(&mut Caller<'_>, &Message<'_>),
) -> Command {
    Command { name, params, when, cost, run }
}

/// All commands, by name.
const COMMANDS: &[Command] = &[
    row(b"AWAY", 0, Registered, 1, user::away),
    row(b"CAP", 1, Always, 1, registration::cap),
    row(b"INVITE", 2, Registered, 2, channel::invite),
    row(b"ISON", 1, Registered, 1, user::ison),
    row(b"JOIN", 1, Registered, 2, channel::join),
    row(b"KICK", 2, Registered, 1, channel::kick),
    row(b"LIST", 0, Registered, 4, channel::list),
    row(b"LUSERS", 0, Registered, 1, information::lusers),
    row(b"MODE", 1, Registered, 1, mode::mode),
    row(b"MOTD", 0, Registered, 2, information::motd),
    row(b"NAMES", 0, Registered, 2, channel::names),
    row(b"NICK", 0, Always, 2, registration::nick),
    row(b"NOTICE", 0, Registered, 1, message::notice),
    row(b"OPER", 2, Registered, 4, user::oper),
    row(b"PART", 1, Registered, 1, channel::part),
    row(b"PASS", 1, BeforeRegistration, 1, registration::pass),
    row(b"PING", 0, Registered, 1, information::ping),
    row(b"PONG", 0, Always, 1, information::pong),
    row(b"PRIVMSG", 0, Registered, 1, message::privmsg),
    row(b"QUIT", 0, Always, 1, registration::quit),
    row(b"TAGMSG", 0, Registered, 1, message::tagmsg),
    row(b"TIME", 0, Registered, 1, information::time),
    row(b"TOPIC", 1, Registered, 1, channel::topic),
    row(b"USER", 4, BeforeRegistration, 1, registration::user),
    row(b"VERSION", 0, Registered, 1, information::version),
    row(b"WHO", 1, Registered, 2, user::who),
    row(b"WHOIS", 1, Registered, 2, user::whois),
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
    let mut caller = Caller { server, conn };
    let registered = caller.user_id().is_some();
    match found {
        _ if !registered && HTTP_VERBS.iter().any(|verb| name.eq_ignore_ascii_case(verb)) => {
            caller.server.end(conn, b"This is not an HTTP server");
        }
        Some(command) if registered && command.when == BeforeRegistration => {
            caller.reply(ERR_ALREADYREGISTERED, &[]);
        }
        Some(command) if registered || command.when != Registered => {
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
