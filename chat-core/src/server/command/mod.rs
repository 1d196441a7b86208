//! Commands: the way from a message to its function, and what each function has at hand.

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
mod table;
mod umode;
mod user;

pub(crate) use information::VERSION;
pub(crate) use table::{COMMANDS, Command, When};

use alloc::{format, string::String, vec::Vec};
use core::time::Duration;

use super::{Server, pace::Act};
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

/// What begins lines of an HTTP request: not a client's, and maybe a browser's that is led astray.
///
/// Each request has the header: a first line may be too long to be looked at, or have a verb of a
/// page's choice.
const HTTP_WORDS: [&[u8]; 11] = [
    b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE",
    b"PRI", b"HOST:",
];

/// Carries out one command of a connection.
pub(super) fn dispatch(server: &mut Server, conn: ConnId, message: &Message<'_>) {
    let name = message.command;
    let at = table::find(name);
    let found = at.map(|at| &COMMANDS[at]);
    server.spend(conn, found.map_or(1, |command| command.cost));
    if let Some(count) = at.and_then(|at| server.used.get_mut(at)) {
        *count += 1;
    }
    let mut caller = Caller { server, conn };
    let registered = caller.user_id().is_some();
    match found {
        _ if !registered && HTTP_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word)) => {
            caller.server.end(conn, b"This is not an HTTP server");
        }
        Some(command) if registered && command.when == When::BeforeRegistration => {
            caller.reply(ERR_ALREADYREGISTERED, &[]);
        }
        Some(command) if command.when == When::Operator && registered && !caller.is_operator() => {
            caller.reply(ERR_NOPRIVILEGES, &[]);
        }
        Some(command)
            if registered || matches!(command.when, When::Always | When::BeforeRegistration) =>
        {
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

    /// Whether the user may do this again now: those who do it too often are to wait.
    ///
    /// # Errors
    /// How long.
    fn pace(&mut self, act: Act) -> Result<(), Duration> {
        if self.is_operator() {
            return Ok(());
        }
        let (now, server) = (self.server.links.now.mono, &mut *self.server);
        let Some(link) = server.links.get_mut(self.conn) else { return Ok(()) };
        link.pace.get_or_insert_default().act(act, &server.config.limits, now)
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

    /// The items of a comma list that must have one: 461 if it has none.
    fn some_targets<'a>(&mut self, command: &[u8], list: &'a [u8]) -> Vec<&'a [u8]> {
        let targets = self.targets(list);
        if targets.is_empty() {
            self.reply(crate::wire::numeric::ERR_NEEDMOREPARAMS, &[command]);
        }
        targets
    }
}

/// A time to wait, for people: whole seconds, at least one.
pub(super) fn seconds(time: Duration) -> String {
    match time.as_secs() + u64::from(time.subsec_nanos() > 0) {
        0 | 1 => "a second".into(),
        seconds => format!("{seconds} seconds"),
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

/// The characters of a text: what is not UTF-8, a byte at a time or a few.
fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let (first, more) = rest.split_first()?;
        let goes_on = |byte: &&u8| !first.is_ascii() && **byte & 0xc0 == 0x80;
        let (character, after) = rest.split_at(1 + more.iter().take(3).take_while(goes_on).count());
        rest = after;
        Some(character)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_between_characters() {
        assert!(
            characters("a\u{e9}\u{20ac}b".as_bytes())
                .eq(["a", "\u{e9}", "\u{20ac}", "b"].map(str::as_bytes))
        );
        assert!(characters(b"a\x80\xffb").eq([&b"a"[..], b"\x80", b"\xff", b"b"]));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("añb".as_bytes(), 2), b"a");
        assert_eq!(cut("añb".as_bytes(), 3), "añ".as_bytes());
        assert_eq!(cut(&[0x80; 9], 5), [0x80; 5]);
        assert_eq!(cut("😀".as_bytes(), 3), b"");
    }
}
