//! What each message of the server does.

use alloc::vec::Vec;

use super::link::{KEEPALIVE_TOKEN, MOTD_WAIT, Phase};
use super::state::{CHANNELS_MAX, NAME_MAX};
use super::support::ModeKind;
use super::{Client, Departure, Event, Message, MessageKind, Text};
use crate::{server_time, wire};

impl Client {
    /// Takes one line. What is not a message is ignored.
    pub(super) fn receive(&mut self, line: &[u8]) {
        let Ok(message) = wire::Message::parse(line) else { return };
        let command = message.command.to_ascii_uppercase();
        let history = self.replay.is_history(&message);
        match command.as_slice() {
            b"PRIVMSG" => self.on_said(&message, MessageKind::Privmsg, history),
            b"NOTICE" => self.on_said(&message, MessageKind::Notice, history),
            b"BATCH" => self.replay.batch(&message),
            // Of the past, only what was said is told; the rest would change the present.
            _ if history => {}
            b"PING" => self.on_ping(&message),
            b"PONG" => self.on_pong(&message),
            b"CAP" => self.negotiation.handle(&message, &mut self.outbox),
            b"JOIN" => self.on_join(&message),
            b"PART" => self.on_part(&message),
            b"KICK" => self.on_kick(&message),
            b"QUIT" => self.on_quit(&message),
            b"NICK" => self.on_nick(&message),
            b"TOPIC" => self.on_topic(&message),
            b"MODE" => self.on_mode(&message),
            b"INVITE" => self.on_invite(&message),
            b"AWAY" => self.tell(Event::Away {
                nick: from(&message),
                reason: message.param(0).map(Text::from),
            }),
            b"ERROR" => self.tell(Event::ServerError { text: last(&message).into() }),
            b"TAGMSG" => {}
            [a, b, c] if a.is_ascii_digit() => {
                let code =
                    [a, b, c].iter().fold(0, |sum, &&digit| sum * 10 + u16::from(digit - b'0'));
                self.on_numeric(code, &message);
            }
            _ => self.tell(Event::Other {
                source: message.source.unwrap_or_default().into(),
                command: command.into(),
                params: owned(message.params()),
            }),
        }
    }

    fn on_ping(&mut self, message: &wire::Message<'_>) {
        let token = message.param(0).unwrap_or_default();
        self.line(b"PONG").trailing(token);
    }

    fn on_pong(&mut self, message: &wire::Message<'_>) {
        let token = last(message);
        if token != KEEPALIVE_TOKEN {
            self.tell(Event::Pong { token: token.into() });
        }
    }

    fn on_said(&mut self, message: &wire::Message<'_>, kind: MessageKind, history: bool) {
        let [target, text, ..] = message.params() else { return };
        let tag = |key: &[u8]| {
            message.tags.get(key).map(|value| {
                let mut out = Vec::new();
                value.unescape(&mut out);
                out
            })
        };
        let msgid = tag(b"msgid").filter(|msgid| !msgid.is_empty());
        if msgid.as_ref().is_some_and(|msgid| !self.replay.is_new(msgid, target)) {
            return;
        }
        let from = from(message);
        let (kind, text) = unframe(kind, text);
        self.tell(Event::Message(Message {
            me: self.is_me(&from),
            from,
            target: (*target).into(),
            text: text.into(),
            kind,
            time: tag(b"time").and_then(|time| server_time::parse(&time)).unwrap_or(self.now.wall),
            msgid: msgid.map(Text::from),
            history,
        }));
    }

    fn on_join(&mut self, message: &wire::Message<'_>) {
        let Some(channel) = message.param(0) else { return };
        let nick = from(message);
        let me = self.is_me(&nick);
        if me {
            // How long the prefix is that the server puts before what we say.
            let source = message.source.unwrap_or_default();
            if source.len() > nick.len() {
                self.userhost_len = (source.len() - nick.len()).min(NAME_MAX);
            }
            self.channels.enter(channel);
            self.remember(channel);
        }
        self.channels.add(channel, &nick, b"");
        self.tell(Event::Joined { channel: channel.into(), nick, me });
    }

    fn on_part(&mut self, message: &wire::Message<'_>) {
        let Some(channel) = message.param(0) else { return };
        let reason = message.param(1).unwrap_or_default();
        self.left(channel, from(message), Departure::Part, reason);
    }

    fn on_kick(&mut self, message: &wire::Message<'_>) {
        let [channel, nick, ..] = message.params() else { return };
        let by = Departure::Kick { by: from(message) };
        self.left(channel, (*nick).into(), by, message.param(2).unwrap_or_default());
    }

    fn left(&mut self, channel: &[u8], nick: Text, by: Departure, reason: &[u8]) {
        let me = self.is_me(&nick);
        if me {
            self.channels.leave(channel);
            self.forget(channel);
        } else {
            self.channels.remove(channel, &nick);
        }
        self.tell(Event::Left { channel: channel.into(), nick, me, by, reason: reason.into() });
    }

    fn on_quit(&mut self, message: &wire::Message<'_>) {
        let nick = from(message);
        let channels = self.channels.remove_everywhere(&nick);
        let reason = message.param(0).unwrap_or_default().into();
        self.tell(Event::Quit { nick, channels, reason });
    }

    fn on_nick(&mut self, message: &wire::Message<'_>) {
        let Some(new) = message.param(0).filter(|new| is_name(new)) else { return };
        let old = from(message);
        let me = self.is_me(&old);
        self.channels.rename(&old, new);
        if me {
            self.nick = new.into();
        }
        self.tell(Event::NickChanged { old, new: new.into(), me });
    }

    fn on_topic(&mut self, message: &wire::Message<'_>) {
        let [channel, topic, ..] = message.params() else { return };
        self.topic(channel, topic, Some(from(message)));
    }

    fn topic(&mut self, channel: &[u8], topic: &[u8], by: Option<Text>) {
        self.channels.set_topic(channel, topic);
        self.tell(Event::Topic { channel: channel.into(), topic: topic.into(), by });
    }

    fn on_mode(&mut self, message: &wire::Message<'_>) {
        let [target, modes, params @ ..] = message.params() else { return };
        if self.support.is_channel(target) {
            self.change_members(target, modes, params);
        }
        self.tell(Event::Mode {
            target: (*target).into(),
            by: from(message),
            change: owned(&message.params()[1..]),
        });
    }

    /// Applies the part of a mode change that gives or takes prefixes.
    fn change_members(&mut self, channel: &[u8], modes: &[u8], params: &[&[u8]]) {
        let mut set = true;
        let mut params = params.iter();
        for &letter in modes {
            match letter {
                b'+' => set = true,
                b'-' => set = false,
                _ => match self.support.mode(letter, set) {
                    ModeKind::Flag => {}
                    ModeKind::WithParam => drop(params.next()),
                    ModeKind::Member { prefix } => {
                        let Some(nick) = params.next() else { return };
                        let support = &self.support;
                        self.channels.change_prefixes(channel, nick, |prefixes| {
                            support.with_prefix(prefixes, prefix, set)
                        });
                    }
                },
            }
        }
    }

    fn on_invite(&mut self, message: &wire::Message<'_>) {
        let [nick, channel, ..] = message.params() else { return };
        self.tell(Event::Invited {
            channel: (*channel).into(),
            by: from(message),
            nick: (*nick).into(),
        });
    }

    fn on_numeric(&mut self, code: u16, message: &wire::Message<'_>) {
        let params = message.params().get(1..).unwrap_or_default();
        let unregistered = matches!(self.phase, Phase::Registering { welcomed: false, .. });
        match (code, params) {
            (RPL_WELCOME, _) if unregistered => self.welcome(message.param(0).unwrap_or_default()),
            (RPL_ISUPPORT, [tokens @ .., _]) => {
                tokens.iter().for_each(|token| self.support.take(token));
                self.channels.set_mapping(self.support.mapping);
                return;
            }
            (RPL_ENDOFMOTD | ERR_NOMOTD, _) if self.is_welcomed() => return self.go_online(),
            (RPL_NAMREPLY, [_, channel, names]) if self.channels.get(channel).is_some() => {
                return self.list_names(channel, names);
            }
            (RPL_ENDOFNAMES, [channel, ..]) => {
                if let Some(channel) = self.channels.end_list(channel) {
                    let members = channel.members().cloned().collect();
                    let channel = channel.name().clone();
                    return self.tell(Event::Names { channel, members });
                }
            }
            (RPL_TOPIC, [channel, topic]) => return self.topic(channel, topic, None),
            (RPL_NOTOPIC, [channel, ..]) => return self.topic(channel, b"", None),
            (ERR_ERRONEUSNICKNAME, _) if unregistered => return self.try_next_nick(true),
            (ERR_NICKNAMEINUSE | ERR_NICKCOLLISION | ERR_UNAVAILRESOURCE, _) if unregistered => {
                return self.try_next_nick(false);
            }
            // Another attempt would end the same way.
            (ERR_PASSWDMISMATCH | ERR_YOUREBANNEDCREEP, _) if unregistered => self.hopeless = true,
            _ => {}
        }
        self.tell(Event::Reply { code, params: owned(params) });
    }

    /// Registration is over; what the server tells of itself follows.
    fn welcome(&mut self, nick: &[u8]) {
        if is_name(nick) {
            self.nick = nick.into();
        }
        self.negotiation.registered();
        let deadline = self.now.mono.after(MOTD_WAIT);
        self.phase = Phase::Registering { deadline, welcomed: true };
    }

    const fn is_welcomed(&self) -> bool {
        matches!(self.phase, Phase::Registering { welcomed: true, .. })
    }

    fn list_names(&mut self, channel: &[u8], names: &[u8]) {
        self.channels.begin_list(channel);
        for item in names.split(|&byte| byte == b' ').filter(|item| !item.is_empty()) {
            let (prefixes, source) = self.support.split_prefixes(item);
            self.channels.add(channel, nick_of(source), prefixes);
        }
    }

    fn try_next_nick(&mut self, malformed: bool) {
        let max = self.support.nick_len;
        match self.nicks.next(&self.wanted_nick, &self.nick, malformed, max) {
            Some(nick) => {
                self.nick = nick.into();
                let nick = self.nick.clone();
                self.line(b"NICK").param(&nick);
            }
            None => {
                self.hopeless = true;
                self.lose("every nick that was tried is taken: choose another".into());
            }
        }
    }

    /// Keeps a channel that we joined for the next connection, with the key that it took.
    fn remember(&mut self, channel: &[u8]) {
        let mapping = self.support.mapping;
        let at = self.keys.iter().position(|(name, _)| mapping.eq(name, channel));
        let key = at.and_then(|at| self.keys.remove(at)).map(|(_, key)| key);
        if let Some((_, known)) = self.rejoin.iter_mut().find(|(name, _)| mapping.eq(name, channel))
        {
            *known = key.or_else(|| known.take());
        } else if self.rejoin.len() < CHANNELS_MAX && is_name(channel) {
            self.rejoin.push((channel.into(), key));
        }
    }

    fn forget(&mut self, channel: &[u8]) {
        let mapping = self.support.mapping;
        self.rejoin.retain(|(name, _)| !mapping.eq(name, channel));
    }

    pub(super) fn is_me(&self, nick: &[u8]) -> bool {
        self.support.mapping.eq(nick, &self.nick)
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }
}

/// The nick or server that a message is from.
fn from(message: &wire::Message<'_>) -> Text {
    message.source.map_or(&b"*"[..], nick_of).into()
}

/// The nick of `nick!user@host`.
fn nick_of(source: &[u8]) -> &[u8] {
    source.split(|&byte| byte == b'!' || byte == b'@').next().unwrap_or_default()
}

fn last<'a>(message: &wire::Message<'a>) -> &'a [u8] {
    message.params().last().copied().unwrap_or_default()
}

fn owned(params: &[&[u8]]) -> Vec<Text> {
    params.iter().map(|&param| param.into()).collect()
}

/// Whether a name is one that can be kept and sent.
fn is_name(name: &[u8]) -> bool {
    wire::is_key(name, NAME_MAX)
}

/// Takes the frame of an action or another CTCP from a text.
fn unframe(kind: MessageKind, text: &[u8]) -> (MessageKind, &[u8]) {
    let Some(inner) = text.strip_prefix(b"\x01") else { return (kind, text) };
    let inner = inner.strip_suffix(b"\x01").unwrap_or(inner);
    match inner.strip_prefix(b"ACTION ") {
        Some(action) => (MessageKind::Action, action),
        None => (MessageKind::Ctcp, inner),
    }
}

const RPL_WELCOME: u16 = wire::numeric::RPL_WELCOME.code();
const RPL_ISUPPORT: u16 = wire::numeric::RPL_ISUPPORT.code();
const RPL_NOTOPIC: u16 = wire::numeric::RPL_NOTOPIC.code();
const RPL_TOPIC: u16 = wire::numeric::RPL_TOPIC.code();
const RPL_NAMREPLY: u16 = wire::numeric::RPL_NAMREPLY.code();
const RPL_ENDOFNAMES: u16 = wire::numeric::RPL_ENDOFNAMES.code();
const RPL_ENDOFMOTD: u16 = wire::numeric::RPL_ENDOFMOTD.code();
const ERR_NOMOTD: u16 = wire::numeric::ERR_NOMOTD.code();
const ERR_ERRONEUSNICKNAME: u16 = wire::numeric::ERR_ERRONEUSNICKNAME.code();
const ERR_NICKNAMEINUSE: u16 = wire::numeric::ERR_NICKNAMEINUSE.code();
const ERR_NICKCOLLISION: u16 = wire::numeric::ERR_NICKCOLLISION.code();
const ERR_UNAVAILRESOURCE: u16 = wire::numeric::ERR_UNAVAILRESOURCE.code();
const ERR_PASSWDMISMATCH: u16 = wire::numeric::ERR_PASSWDMISMATCH.code();
const ERR_YOUREBANNEDCREEP: u16 = wire::numeric::ERR_YOUREBANNEDCREEP.code();
