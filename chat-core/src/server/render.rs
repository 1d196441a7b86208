//! Events as lines, as a connection with given capabilities sees them.

use alloc::vec::Vec;

use super::multiline::{self, Multiline, REPEATED_TAGS};
use crate::{
    UnixMillis,
    caps::Caps,
    network::{ChannelId, Delivery, Event, MessageKind, Network, User, UserId},
    wire::{
        Encoder, Numeric, Tags,
        numeric::{RPL_MONOFFLINE, RPL_MONONLINE},
    },
};

/// The capabilities that decide how an event looks.
fn relevant(event: &Event<'_>) -> Caps {
    let tags = Caps::MESSAGE_TAGS.with(Caps::SERVER_TIME);
    match event {
        Event::Join { .. } | Event::Back { .. } => tags.with(Caps::EXTENDED_JOIN),
        Event::Online { .. } | Event::Offline { .. } => Caps::SERVER_TIME,
        Event::Message { multiline: true, .. } => tags.with(multiline::CAPS),
        _ => tags,
    }
}

/// The same, with what decides how an event looks if an operator is its source.
pub(crate) fn relevant_here(network: &Network, event: &Event<'_>) -> Caps {
    let user = source(event).and_then(|id| network.user(id));
    let relevant = relevant(event);
    if user.is_some_and(|user| user.modes.oper) { relevant.with(Caps::OPER_TAG) } else { relevant }
}

/// The capabilities without which an event is not sent at all.
pub(crate) const fn required(event: &Event<'_>) -> Caps {
    match event {
        Event::Away { .. } => Caps::AWAY_NOTIFY,
        Event::SetName { .. } => Caps::SETNAME,
        Event::Host { .. } => Caps::CHGHOST,
        Event::Metadata { .. } => Caps::METADATA,
        Event::Invited { .. } => Caps::INVITE_NOTIFY,
        Event::Redact { .. } => Caps::MESSAGE_REDACTION,
        Event::Rename { .. } => Caps::CHANNEL_RENAME,
        Event::Message { kind: MessageKind::Tagmsg, .. } => Caps::MESSAGE_TAGS,
        _ => Caps::NONE,
    }
}

/// The capabilities with which an event is not sent: there is another for those who have them.
pub(crate) const fn excluded(event: &Event<'_>) -> Caps {
    match event {
        Event::Gone { .. } | Event::Back { .. } | Event::Ranks { .. } => Caps::CHGHOST,
        _ => Caps::NONE,
    }
}

/// Writes the `time` tag, for those who have asked for it.
pub(crate) fn time_tag(line: &mut Encoder<'_>, caps: Caps, time: UnixMillis) {
    if caps.has(Caps::SERVER_TIME) {
        line.tag(b"time", &time.to_iso());
    }
}

/// Appends the line of an event on the server of that name.
pub(crate) fn event(
    network: &Network,
    server: &[u8],
    delivery: &Delivery<'_>,
    caps: Caps,
    out: &mut Vec<u8>,
) {
    let user = source(&delivery.event).and_then(|id| network.user(id));
    match (&delivery.event, user) {
        (Event::Online { .. }, Some(user)) => {
            numeric(server, RPL_MONONLINE, &user.source(), delivery.time, caps, out);
        }
        (Event::Offline { nick }, _) => {
            numeric(server, RPL_MONOFFLINE, nick, delivery.time, caps, out);
        }
        (Event::Ranks { channel, letters, .. }, Some(user)) => {
            ranks(network, server, (*channel, letters, user), delivery.time, caps, out);
        }
        (_, Some(user)) => user_event(network, delivery, user, caps, out),
        (_, None) => {}
    }
}

/// Appends a numeric that is the same for all who get it.
fn numeric(
    server: &[u8],
    numeric: Numeric,
    text: &[u8],
    time: UnixMillis,
    caps: Caps,
    out: &mut Vec<u8>,
) {
    let line = &mut Encoder::new(out);
    time_tag(line, caps, time);
    line.source(server).numeric(numeric.code()).param(b"*").trailing(text);
    line.finish();
}

/// Appends a MODE of the server that gives a user ranks in a channel.
fn ranks(
    network: &Network,
    server: &[u8],
    (channel, letters, user): (ChannelId, &[u8], &User),
    time: UnixMillis,
    caps: Caps,
    out: &mut Vec<u8>,
) {
    let Some(channel) = network.channel(channel) else { return };
    let line = &mut Encoder::new(out);
    time_tag(line, caps, time);
    line.source(server).command(b"MODE").param(&channel.name).param(&[b"+", letters].concat());
    for _ in letters {
        line.param(&user.nick);
    }
    line.finish();
}

/// Appends the line of an event that comes from a user, or its lines.
fn user_event(
    network: &Network,
    delivery: &Delivery<'_>,
    user: &User,
    caps: Caps,
    out: &mut Vec<u8>,
) {
    if let Event::Message { multiline: true, .. } = delivery.event {
        return several_lines(network, delivery, user, caps, out);
    }
    let line = &mut Encoder::new(out);
    tags(network, line, delivery, user, caps, true);
    let (nick, host) = match delivery.event {
        Event::Nick { old, .. } => (old, &user.host[..]),
        Event::Host { old, .. } | Event::Gone { old, .. } => (&user.nick[..], old),
        _ => (&user.nick[..], &user.host[..]),
    };
    line.source_user(nick, &user.user, host);
    body(network, &delivery.event, user, caps, line);
    line.finish();
}

/// The tags of an event; those of a message's later lines, if it is not the `first`.
fn tags(
    network: &Network,
    line: &mut Encoder<'_>,
    delivery: &Delivery<'_>,
    user: &User,
    caps: Caps,
    first: bool,
) {
    time_tag(line, caps, delivery.time);
    if caps.has(Caps::OPER_TAG) && user.modes.oper {
        // By which name is the operator's own affair: it is half of a login.
        line.tag(b"draft/oper", b"");
    }
    if caps.has(Caps::MESSAGE_TAGS) {
        if first {
            line.tag(b"msgid", &network.msgid(delivery.place));
        }
        if user.modes.bot {
            line.tag(b"bot", b"");
        }
        if let Event::Message { tags, .. } = delivery.event
            && (first || tags.len() <= REPEATED_TAGS)
        {
            for (key, value) in Tags::new(tags).client_only() {
                line.raw_tag(key, value);
            }
        }
    }
}

/// Appends the lines of a message that has several.
fn several_lines(
    network: &Network,
    delivery: &Delivery<'_>,
    user: &User,
    caps: Caps,
    out: &mut Vec<u8>,
) {
    let Event::Message { kind, target, text, .. } = delivery.event else { return };
    let message = Multiline {
        reference: &network.msgid(delivery.place),
        source: &user.source(),
        command: command(kind),
        target,
        text,
    };
    message.write(caps, |line, first| tags(network, line, delivery, user, caps, first), out);
}

const fn command(kind: MessageKind) -> &'static [u8] {
    match kind {
        MessageKind::Privmsg => b"PRIVMSG",
        MessageKind::Notice => b"NOTICE",
        MessageKind::Tagmsg => b"TAGMSG",
    }
}

/// The user that an event comes from or is about.
pub(crate) fn source(event: &Event<'_>) -> Option<UserId> {
    Some(match *event {
        Event::Message { from, .. } | Event::Wallops { from, .. } => from,
        Event::Kick { by, .. }
        | Event::Kill { by, .. }
        | Event::ChannelMode { by, .. }
        | Event::Metadata { by, .. }
        | Event::Invite { by, .. }
        | Event::Invited { by, .. }
        | Event::Redact { by, .. }
        | Event::Rename { by, .. } => by,
        Event::Join { user, .. }
        | Event::Part { user, .. }
        | Event::Quit { user, .. }
        | Event::Nick { user, .. }
        | Event::Topic { user, .. }
        | Event::UserMode { user, .. }
        | Event::Away { user }
        | Event::SetName { user }
        | Event::Host { user, .. }
        | Event::Gone { user, .. }
        | Event::Back { user, .. }
        | Event::Ranks { user, .. }
        | Event::Online { user } => user,
        Event::Offline { .. } => return None,
    })
}

/// The command and its parameters.
fn body(network: &Network, event: &Event<'_>, user: &User, caps: Caps, line: &mut Encoder<'_>) {
    let channel_name = |id| network.channel(id).map_or(&b"*"[..], |channel| &channel.name);
    let nick = |id| network.user(id).map_or(&b"*"[..], |user| &user.nick);
    match *event {
        Event::Message { kind, target, text, .. } => {
            line.command(command(kind)).param(target);
            if kind != MessageKind::Tagmsg {
                line.trailing(text);
            }
        }
        Event::Join { channel, .. } | Event::Back { channel, .. } => {
            line.command(b"JOIN").param(channel_name(channel));
            if caps.has(Caps::EXTENDED_JOIN) {
                // Until there are accounts, nobody is logged in to one.
                line.param(b"*").trailing(&user.real);
            }
        }
        Event::Part { channel, reason, .. } => {
            line.command(b"PART").param(channel_name(channel));
            if !reason.is_empty() {
                line.trailing(reason);
            }
        }
        Event::Kick { user, channel, reason, .. } => {
            line.command(b"KICK").param(channel_name(channel)).param(nick(user)).trailing(reason);
        }
        Event::Kill { user, reason, .. } => {
            line.command(b"KILL").param(nick(user)).trailing(reason);
        }
        Event::Wallops { text, .. } => {
            line.command(b"WALLOPS").trailing(text);
        }
        Event::Quit { reason, .. } => {
            line.command(b"QUIT").trailing(reason);
        }
        Event::Nick { .. } => {
            line.command(b"NICK").param(&user.nick);
        }
        Event::Topic { channel, text, .. } => {
            line.command(b"TOPIC").param(channel_name(channel)).trailing(text);
        }
        Event::ChannelMode { channel, modes, params, .. } => {
            line.command(b"MODE").param(channel_name(channel)).param(modes);
            for param in params {
                line.param(param);
            }
        }
        Event::UserMode { modes, .. } => {
            line.command(b"MODE").param(&user.nick).param(modes);
        }
        Event::Away { .. } => {
            line.command(b"AWAY");
            if let Some(away) = &user.away {
                line.trailing(away);
            }
        }
        Event::Host { .. } => {
            line.command(b"CHGHOST").param(&user.user).param(&user.host);
        }
        Event::Gone { .. } => {
            line.command(b"QUIT").trailing(b"Changing host");
        }
        Event::SetName { .. } => {
            line.command(b"SETNAME").trailing(&user.real);
        }
        Event::Metadata { of, key, value, .. } => {
            let name = network.metadata(of).map_or(&b"*"[..], |found| found.0);
            line.command(b"METADATA").param(name).param(key).param(b"*");
            if let Some(value) = value {
                line.trailing(value);
            }
        }
        Event::Redact { target, msgid, reason, .. } => {
            line.command(b"REDACT").param(target).param(msgid);
            if let Some(reason) = reason {
                line.trailing(reason);
            }
        }
        Event::Rename { channel, old, reason, .. } => {
            line.command(b"RENAME").param(old).param(channel_name(channel)).trailing(reason);
        }
        Event::Invite { user, channel, .. } | Event::Invited { user, channel, .. } => {
            line.command(b"INVITE").param(nick(user)).param(channel_name(channel));
        }
        // They come from the server.
        Event::Online { .. } | Event::Offline { .. } | Event::Ranks { .. } => {}
    }
}
