//! The past as lines: an item of the history, as a connection with given capabilities sees it.

use alloc::{
    borrow::Cow,
    boxed::Box,
    vec::{self, Vec},
};

use super::{
    batch::Batch,
    multiline::{Multiline, REPEATED_TAGS},
    query::Look,
    render,
};
use crate::{
    UnixMillis,
    caps::Caps,
    network::{
        Channel, ChannelId, Item, ItemKind, Network, Stretch, Talk, User, UserId, is_multiline,
    },
    wire::{Encoder, Tags},
};

/// A stretch of history on its way to one connection.
pub(crate) struct Replay {
    /// The channel or nick that it is the history of, as the batch names it.
    target: Box<[u8]>,
    /// The channel; `None`: a conversation.
    channel: Option<ChannelId>,
    /// What is left; `None`: nothing.
    rest: Option<Stretch>,
    batch: Option<Batch>,
    /// Whether it was asked for: only then is an empty batch sent.
    asked: bool,
}

impl Replay {
    /// The answer to CHATHISTORY.
    pub(crate) fn answer(
        target: Box<[u8]>,
        channel: Option<ChannelId>,
        rest: Option<Stretch>,
    ) -> Self {
        Self { target, channel, rest, batch: None, asked: true }
    }

    /// What of a channel is shown unasked.
    pub(crate) fn unasked(target: Box<[u8]>, channel: ChannelId, rest: Stretch) -> Self {
        Self { target, channel: Some(channel), rest: Some(rest), batch: None, asked: false }
    }

    /// Sends the next item. Whether this was the last.
    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let (network, caps, conn) = (look.network, look.caps(), look.conn);
        let item = self.rest.as_ref().and_then(|rest| network.history().first(rest));
        if item.is_none() && self.batch.is_none() && !self.asked {
            return true;
        }
        let batch = *self
            .batch
            .get_or_insert_with(|| look.links.open_batch(conn, b"chathistory", &[&self.target]));
        let Some(item) = item else {
            look.links.close_batch(conn, batch);
            return true;
        };
        self.rest = self.rest.map(|rest| Stretch { first: item.place + 1, ..rest });
        if item.kind == ItemKind::Tagmsg && !caps.has(Caps::MESSAGE_TAGS) {
            return false;
        }
        let Some(place) = self.place(network, look.me, look.viewer) else {
            look.links.close_batch(conn, batch);
            return true;
        };
        let mut lines = Vec::new();
        write(network, item, &place, caps, self.asked, &mut lines);
        look.links.send_in_batch(conn, batch, lines);
        false
    }

    /// Where it is from, if the viewer may still see it. Either may have got another name since the
    /// last item.
    fn place<'a>(&self, network: &'a Network, me: &'a User, viewer: UserId) -> Option<Place<'a>> {
        if let Some(id) = self.channel {
            let channel = network.channel(id)?;
            let sees = channel.member(viewer).is_some() || crate::mutant!(HistoryToAll);
            return sees.then_some(Place::Channel(channel));
        }
        let ring = self.rest?.ring;
        let talk = me.talks.iter().find(|talk| talk.ring == ring)?;
        Some(Place::Talk { me, viewer, talk })
    }
}

/// The answer to CHATHISTORY TARGETS: names, and the times of what was last said there.
pub(crate) struct Targets {
    list: vec::IntoIter<(Box<[u8]>, UnixMillis)>,
    batch: Option<Batch>,
}

impl Targets {
    pub(crate) fn new(list: Vec<(Box<[u8]>, UnixMillis)>) -> Self {
        Self { list: list.into_iter(), batch: None }
    }

    /// Sends the next name. Whether this was the last.
    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let (kind, conn, links) = (b"draft/chathistory-targets", look.conn, &mut *look.links);
        let batch = *self.batch.get_or_insert_with(|| links.open_batch(conn, kind, &[]));
        let Some((name, time)) = self.list.next() else {
            links.close_batch(conn, batch);
            return true;
        };
        links.line_in_batch(conn, batch, |line, server| {
            let line = line.source(server).command(b"CHATHISTORY").param(b"TARGETS");
            line.param(&name).param(&time.to_iso());
        });
        false
    }
}

/// Where something was said.
enum Place<'a> {
    Channel(&'a Channel),
    Talk { me: &'a User, viewer: UserId, talk: &'a Talk },
}

impl<'a> Place<'a> {
    /// The source and the target of an item.
    fn ends(&'a self, network: &'a Network, item: &'a Item) -> (Cow<'a, [u8]>, &'a [u8]) {
        match self {
            Self::Channel(channel) => (item.source().into(), &channel.name),
            // Both sides have the names that they have now: to a client it is one conversation.
            Self::Talk { me, viewer, talk } => {
                let other = network.nick_in(talk);
                if item.from == *viewer {
                    return (me.source().into(), other);
                }
                let at = memchr::memchr(b'!', item.source()).unwrap_or(0);
                ([other, &item.source()[at..]].concat().into(), &me.nick)
            }
        }
    }
}

/// Appends the line of an item, or its lines.
fn write(
    network: &Network,
    item: &Item,
    place: &Place<'_>,
    caps: Caps,
    asked: bool,
    out: &mut Vec<u8>,
) {
    let msgid = network.msgid(item.place);
    let tags = |line: &mut Encoder<'_>, first: bool| {
        render::time_tag(line, caps, item.time);
        if caps.has(Caps::MESSAGE_TAGS) {
            if first {
                line.tag(b"msgid", &msgid);
            }
            if item.bot {
                line.tag(b"bot", b"");
            }
            if first || item.tags().len() <= REPEATED_TAGS {
                for (key, value) in Tags::new(item.tags()) {
                    line.raw_tag(key, value);
                }
            }
        }
    };
    let (source, target) = place.ends(network, item);
    let text = if asked || caps.has(Caps::SERVER_TIME) || !item.kind.is_message() {
        Cow::Borrowed(item.text())
    } else {
        Cow::Owned(with_time(item.text(), item.time))
    };
    let text = &text[..];
    let command: &[u8] = if item.kind == ItemKind::Notice { b"NOTICE" } else { b"PRIVMSG" };
    if item.kind.is_message() && is_multiline(text) {
        let message = Multiline { reference: &msgid, source: &source, command, target, text };
        return message.write(caps, tags, out);
    }
    let line = &mut Encoder::new(out);
    tags(line, true);
    line.source(&source);
    match item.kind {
        ItemKind::Privmsg | ItemKind::Notice => {
            line.command(command).param(target).trailing(text);
        }
        ItemKind::Tagmsg => {
            line.command(b"TAGMSG").param(target);
        }
        ItemKind::Join => {
            line.command(b"JOIN").param(target);
            if caps.has(Caps::EXTENDED_JOIN) {
                let (account, real) = split(text);
                line.param(account).trailing(real);
            }
        }
        ItemKind::Part => {
            line.command(b"PART").param(target);
            if !text.is_empty() {
                line.trailing(text);
            }
        }
        ItemKind::Quit => {
            line.command(b"QUIT").trailing(text);
        }
        ItemKind::Kick => {
            let (nick, reason) = split(text);
            line.command(b"KICK").param(target).param(nick).trailing(reason);
        }
        ItemKind::Nick => {
            line.command(b"NICK").param(text);
        }
        ItemKind::Topic => {
            line.command(b"TOPIC").param(target).trailing(text);
        }
        ItemKind::Mode => {
            line.command(b"MODE").param(target);
            for word in text.split(|byte| *byte == b' ') {
                line.param(word);
            }
        }
    }
    line.finish();
}

/// The first word, and what follows the space after it.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// A text with the time before it, for those who can't be told it otherwise: without it, old words
/// look as if they were said just now.
fn with_time(text: &[u8], time: UnixMillis) -> Vec<u8> {
    let iso = time.to_iso();
    let clock = [b"[", &iso[11..19], b"] "].concat();
    match text.strip_prefix(b"\x01ACTION ") {
        Some(action) => [b"\x01ACTION ", &clock[..], action].concat(),
        None => [&clock[..], text].concat(),
    }
}
