//! How events look as lines of text.

use std::iter;

use chat_core::client::{Client, Departure, Event, Member, Message, MessageKind, Text};

use super::{colour::Colours, shown::shown};

/// Turns events into lines.
#[derive(Copy, Clone, Debug)]
pub(super) struct View {
    pub(super) colours: Colours,
}

impl View {
    /// What was said, in full: channels are named, and nothing is coloured. For scripts.
    pub(super) const PLAIN: Self = Self { colours: Colours::OFF };

    /// The line for an event, without its end, if it is worth one. `current` is the channel that
    /// needs no name.
    pub(super) fn line(
        self,
        client: &Client,
        current: Option<&Text>,
        event: &Event,
    ) -> Option<String> {
        // ` word #channel`, or nothing for the current one.
        let place = |word: &str, channel: &Text| {
            let is_current = current.is_some_and(|current| client.is_same(current, channel));
            if is_current { String::new() } else { format!(" {word}{}", shown(channel)) }
        };
        let because = |reason: &Text| {
            if reason.is_empty() { String::new() } else { format!(": {}", shown(reason)) }
        };
        let line = match event {
            Event::Message(message) => return Some(self.message(client, current, message)),
            Event::Refused(error) => return Some(self.colours.error(&format!("! {error}"))),
            Event::ServerError { text } => {
                return Some(self.colours.error(&format!("! the server says: {}", shown(text))));
            }
            Event::Reply { code, params } => return self.reply(*code, params, event),
            Event::Connected
            | Event::Connect
            | Event::Pong { .. }
            | Event::Away { .. }
            | Event::Done => return None,
            Event::Registered { nick, network } => match network {
                Some(network) => format!("connected to {} as {}", shown(network), shown(nick)),
                None => format!("connected as {}", shown(nick)),
            },
            Event::Disconnected { why, retry_at } => {
                let then = if retry_at.is_some() { "; connecting again soon" } else { "" };
                format!("disconnected: {}{then}", reason(why))
            }
            Event::Joined { channel, me: true, .. } => format!("you are in {}", shown(channel)),
            Event::Joined { channel, nick, me: false } => {
                format!("{} joined{}", shown(nick), place("", channel))
            }
            Event::Left { channel, nick, me, by, reason } => {
                let who = if *me { "you".to_owned() } else { shown(nick) };
                let because = because(reason);
                match by {
                    Departure::Part => format!("{who} left{}{because}", place("", channel)),
                    Departure::Kick { by } => {
                        let place = place("from ", channel);
                        format!("{} removed {who}{place}{because}", shown(by))
                    }
                }
            }
            Event::Quit { nick, reason, .. } => format!("{} quit{}", shown(nick), because(reason)),
            Event::Names { channel, members } => {
                let place = place("in ", channel);
                names(if place.is_empty() { " here" } else { &place }, members)
            }
            Event::Topic { topic, by: None, .. } if topic.is_empty() => return None,
            Event::Topic { channel, topic, by: None } => {
                format!("topic{}: {}", place("of ", channel), shown(topic))
            }
            Event::Topic { channel, topic, by: Some(by) } => {
                format!("{} set the topic{}{}", shown(by), place("of ", channel), because(topic))
            }
            Event::Mode { target, change, .. } if client.is_same(target, client.nick()) => {
                format!("your modes: {}", words(change))
            }
            Event::Mode { target, by, change } => {
                format!("{} set {} {}", shown(by), shown(target), words(change))
            }
            Event::NickChanged { new, me: true, .. } => format!("you are now {}", shown(new)),
            Event::NickChanged { old, new, me: false } => {
                format!("{} is now {}", shown(old), shown(new))
            }
            Event::Invited { channel, by, nick } if client.is_same(nick, client.nick()) => format!(
                "{} invites you to {channel}: type /join {channel}",
                shown(by),
                channel = shown(channel)
            ),
            Event::Invited { channel, by, nick } => {
                format!("{} invites {} to {}", shown(by), shown(nick), shown(channel))
            }
            Event::Other { source, command, params } => {
                return self.other(source, command, params);
            }
        };
        Some(self.colours.faint(&format!("-- {line}")))
    }

    fn message(self, client: &Client, current: Option<&Text>, message: &Message) -> String {
        let Message { from, target, text, kind, time, me, history, .. } = message;
        let in_channel = client.is_channel(target);
        // Who is talked with: a channel, or the other user.
        let with = if in_channel || *me { target } else { from };
        let is_current = current.is_some_and(|current| client.is_same(current, with));
        let colours = self.colours;
        let nick = if *me { colours.own(&shown(from)) } else { colours.nick(&shown(from)) };
        let text = shown(text);
        let mentioned = !me && mentions(&text, &client.nick().to_str_lossy());
        let text = if mentioned { colours.mention(&text) } else { text };
        let said = match kind {
            MessageKind::Privmsg => format!("<{nick}> {text}"),
            MessageKind::Notice => format!("-{nick}- {text}"),
            MessageKind::Action => format!("* {nick} {text}"),
            MessageKind::Ctcp => colours.faint(&format!("-- {nick} sent CTCP {text}")),
        };
        let place = match (is_current, in_channel, me) {
            (true, ..) => String::new(),
            (false, true, _) => format!("{} ", shown(target)),
            (false, false, true) => format!("to {} ", shown(target)),
            (false, false, false) => "to you ".to_owned(),
        };
        let when = if *history {
            let at = time.civil();
            format!(
                "[{:04}-{:02}-{:02} {:02}:{:02} UTC] ",
                at.year, at.month, at.day, at.hour, at.minute
            )
        } else {
            String::new()
        };
        format!("{}{}{said}", colours.faint(&when), colours.faint(&place))
    }

    fn other(self, source: &Text, command: &Text, params: &[Text]) -> Option<String> {
        let from = source.split(|&byte| byte == b'!').next().unwrap_or_default();
        let line = match (&command[..], params) {
            (b"FAIL", [about, _, context @ .., text]) => {
                let line = format!("! {}: {}", words_of(about, context), shown(text));
                return Some(self.colours.error(&line));
            }
            (b"WARN" | b"NOTE", [about, _, context @ .., text]) => {
                format!("{}: {}", words_of(about, context), shown(text))
            }
            (b"WALLOPS", [text]) => format!("{} tells all: {}", shown(from), shown(text)),
            (command, _) if is_silent(command) => return None,
            _ if from.is_empty() => format!("{} {}", shown(command), words(params)),
            _ => format!("{}: {} {}", shown(from), shown(command), words(params)),
        };
        Some(self.colours.faint(&format!("-- {line}")))
    }

    fn reply(self, code: u16, params: &[Text], event: &Event) -> Option<String> {
        let all: Vec<String> = params.iter().map(|param| shown(param)).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let line = match (code, &all[..]) {
            // Welcomes, counts, modes as they stand, and ends of lists: nothing to act on.
            (
                2..=4 | 250..=255 | 265 | 266 | 315 | 318 | 321 | 323 | 324 | 329 | 333 | 366 | 375,
                _,
            ) => {
                return None;
            }
            (301, [nick, reason]) => format!("{nick} is away: {reason}"),
            (311, [nick, user, host, _, real]) => format!("{nick} is {user}@{host}: {real}"),
            (312, [nick, server, ..]) => format!("{nick} is on {server}"),
            (317, [nick, idle, ..]) => format!("{nick} has been idle for {idle} s"),
            (319, [nick, channels]) => format!("{nick} is in {channels}"),
            (322, [channel, users, topic]) => format!("{channel} ({users}) {topic}"),
            (352, [channel, user, host, _, nick, flags, real]) => {
                let real = real.split_once(' ').map_or("", |(_, real)| real);
                format!("{channel} {nick} {flags} {user}@{host}: {real}")
            }
            (353, [_, channel, names]) => format!("in {channel}: {names}"),
            (396, [host, _]) => format!("others see you at {host}"),
            (372, [text]) => text.strip_prefix("- ").unwrap_or(text).to_owned(),
            (_, [about @ .., text]) if !about.is_empty() => format!("{}: {text}", about.join(" ")),
            (_, params) => params.join(" "),
        };
        Some(if event.is_error_reply() {
            self.colours.error(&format!("! {line}"))
        } else {
            self.colours.faint(&format!("-- {line}"))
        })
    }
}

/// A message that the client takes no part in. What it did not ask for is not worth a line.
fn is_silent(command: &[u8]) -> bool {
    [&b"ACCOUNT"[..], b"CHGHOST", b"MARKREAD", b"METADATA"].contains(&command)
}

/// Why a connection ended, without the system's number for it.
pub(super) fn reason(why: &Text) -> String {
    let why = shown(why);
    why.split_once(" (os error").map_or(why.as_str(), |(why, _)| why).to_owned()
}

/// The command that a standard reply is about, and what of it; `*` is no command.
fn words_of(about: &Text, context: &[Text]) -> String {
    let about = if **about == *b"*" { "the server".to_owned() } else { shown(about) };
    iter::once(about).chain(context.iter().map(|word| shown(word))).collect::<Vec<_>>().join(" ")
}

fn words(params: &[Text]) -> String {
    params.iter().map(|param| shown(param)).collect::<Vec<_>>().join(" ")
}

/// The members of a channel, as many as fit a few lines.
fn names(place: &str, members: &[Member]) -> String {
    let show = |member: &Member| shown(&member.prefixes) + &shown(&member.nick);
    let shown: Vec<String> = members.iter().take(NAMES_MAX).map(show).collect();
    let rest = members.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{place}: {}{more}", members.len(), shown.join(" "))
}

/// Whether a text names somebody, as a word of its own.
fn mentions(text: &str, nick: &str) -> bool {
    let (text, nick) = (text.to_lowercase(), nick.to_lowercase());
    let is_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
    let stands_alone = |(at, found): (usize, &str)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    };
    !nick.is_empty() && text.match_indices(&nick).any(stands_alone)
}

/// The most names that a line shows.
const NAMES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::{
        Now,
        client::{Input, Options},
    };

    /// What is shown of these lines of the server, to alice in `current`.
    fn seen(current: &str, lines: &str) -> Vec<String> {
        let options = Options {
            nick: "alice".into(),
            user: "alice".into(),
            real: "alice".into(),
            password: None,
            join: vec![],
            reconnect: false,
        };
        let mut client = Client::new(options, 0).unwrap();
        let current = Text::from(current);
        let mut seen = Vec::new();
        let start = ":irc 001 alice :Welcome\n:irc 376 alice :End\n:alice JOIN #a";
        client.handle(Now::default(), Input::Connected);
        client.handle(Now::default(), Input::Data(format!("{start}\n").as_bytes()));
        while client.poll_event().is_some() {}
        for line in lines.lines().map(str::trim) {
            client.handle(Now::default(), Input::Data(format!("{line}\n").as_bytes()));
            while let Some(event) = client.poll_event() {
                seen.extend(View::PLAIN.line(&client, Some(&current), &event));
            }
        }
        seen
    }

    #[test]
    fn what_is_said_says_where_unless_it_is_here() {
        assert_eq!(
            seen(
                "#a",
                ":bob PRIVMSG #A :hi
                 :bob PRIVMSG #b :hi
                 :bob PRIVMSG alice :hi
                 :alice PRIVMSG bob :hi
                 :bob PRIVMSG #a :\x01ACTION waves\x01
                 :bob NOTICE #a :psst
                 :bob PRIVMSG #a :\x1b[2J"
            ),
            [
                "<bob> hi",
                "#b <bob> hi",
                "to you <bob> hi",
                "to bob <alice> hi",
                "* bob waves",
                "-bob- psst",
                r"<bob> \x1b[2J",
            ]
        );
        assert_eq!(seen("bob", ":bob PRIVMSG alice :hi"), ["<bob> hi"]);
    }

    #[test]
    fn what_happens_says_where_unless_it_is_here() {
        let lines = ":bob JOIN #a
             :irc 353 alice = #a :@alice bob
             :irc 366 alice #a :End
             :bob TOPIC #a :new
             :bob MODE #a +o bob
             :bob NICK rob
             :rob KICK #a carol :rude
             :rob PART #a :bye";
        assert_eq!(
            seen("#a", lines),
            [
                "-- bob joined",
                "-- 2 here: @alice bob",
                "-- bob set the topic: new",
                "-- bob set #a +o bob",
                "-- bob is now rob",
                "-- rob removed carol: rude",
                "-- rob left: bye",
            ]
        );
        assert_eq!(
            seen("#b", lines),
            [
                "-- bob joined #a",
                "-- 2 in #a: @alice bob",
                "-- bob set the topic of #a: new",
                "-- bob set #a +o bob",
                "-- bob is now rob",
                "-- rob removed carol from #a: rude",
                "-- rob left #a: bye",
            ]
        );
    }

    #[test]
    fn replies_are_sentences() {
        assert_eq!(
            seen(
                "#a",
                ":irc 372 alice :- Welcome
                 :irc 403 alice #x :No such channel
                 :irc 322 alice #a 3 :All of it
                 :irc 352 alice #a b h irc bob H@ :0 Bob B
                 :irc 317 alice bob 12 1 :seconds idle, signon time
                 :irc 366 alice #x :End of /NAMES list
                 :irc 396 alice k1.k2.ip :is now your displayed host
                 :alice!~a@k1.k2.ip MODE alice +x
                 :irc 005 alice -CHATHISTORY :are supported by this server
                 :irc FAIL REDACT UNKNOWN_MSGID #a x :This message is not known
                 :irc NOTE * STARTING :soon
                 :bob!~b@h CHGHOST ~b h2
                 :bob!~b@h SETNAME :Bob
                 :bob!~b@h ACCOUNT *
                 @+typing=active :bob!~b@h TAGMSG #a
                 :irc BATCH +1 metadata alice
                 @batch=1 :irc 761 alice bob url * :https://irc
                 :irc BATCH -1
                 :bob!~b@h RENAME #a #n :nicer
                 :bob!~b@h REDACT #a x :oops
                 :irc MARKREAD #a *
                 :irc METADATA bob url * :https://irc
                 :root!~r@h WALLOPS :all is well"
            ),
            [
                "-- Welcome",
                "! #x: No such channel",
                "-- #a (3) All of it",
                "-- #a bob H@ b@h: Bob B",
                "-- bob has been idle for 12 s",
                "-- others see you at k1.k2.ip",
                "-- your modes: +x",
                "! REDACT #a x: This message is not known",
                "-- the server: soon",
                "-- bob: SETNAME Bob",
                "-- bob url *: https://irc",
                "-- bob: RENAME #a #n nicer",
                "-- bob: REDACT #a x oops",
                "-- root tells all: all is well",
            ]
        );
    }

    #[test]
    fn a_name_is_a_word() {
        assert!(mentions("Alice: hi", "alice") && mentions("hi, alice!", "Alice"));
        assert!(!mentions("malice", "alice") && !mentions("alice_", "alice"));
        assert!(mentions("İ alice", "alice") && !mentions("", ""));
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let member = Member { nick: "bob".into(), prefixes: "+".into() };
        assert!(names(" here", &vec![member; 100]).ends_with("+bob and 40 more"));
    }
}
