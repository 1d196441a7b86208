//! How events look as lines of text.

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
        let place = |channel: &Text| {
            let is_current = current.is_some_and(|current| client.is_same(current, channel));
            if is_current { String::new() } else { format!(" {}", shown(channel)) }
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
            Event::Disconnected { why, retry_at: Some(_) } => {
                format!("disconnected: {}; connecting again soon", shown(why))
            }
            Event::Disconnected { why, retry_at: None } => format!("disconnected: {}", shown(why)),
            Event::Joined { channel, me: true, .. } => format!("you are in {}", shown(channel)),
            Event::Joined { channel, nick, me: false } => {
                format!("{} is here{}", shown(nick), at(&place(channel)))
            }
            Event::Left { channel, nick, me, by, reason } => {
                let who = if *me { "you".to_owned() } else { shown(nick) };
                match by {
                    Departure::Part => {
                        format!("{who} left{}{}", place(channel), because(reason))
                    }
                    Departure::Kick { by } => format!(
                        "{} removed {who}{}{}",
                        shown(by),
                        from(&place(channel)),
                        because(reason)
                    ),
                }
            }
            Event::Quit { nick, reason, .. } => format!("{} quit{}", shown(nick), because(reason)),
            Event::Names { channel, members } => names(&place(channel), members),
            Event::Topic { topic, by: None, .. } if topic.is_empty() => return None,
            Event::Topic { channel, topic, by: None } => {
                format!("topic{}: {}", of(&place(channel)), shown(topic))
            }
            Event::Topic { channel, topic, by: Some(by) } => {
                format!("{} set the topic{}{}", shown(by), of(&place(channel)), because(topic))
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
            Event::Other { command, params, .. } => format!("{} {}", shown(command), words(params)),
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
            (372, [text]) => text.strip_prefix("- ").unwrap_or(text).to_owned(),
            (_, params) => params.join(" "),
        };
        Some(if event.is_error_reply() {
            self.colours.error(&format!("! {line}"))
        } else {
            self.colours.faint(&format!("-- {line}"))
        })
    }
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(":{place}") }
}

fn from(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" from{place}") }
}

fn of(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" of{place}") }
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
    let place = if place.is_empty() { " here" } else { place };
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
