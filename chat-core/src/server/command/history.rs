//! CHATHISTORY and REDACT: what was said before.
//!
//! Specification: IRCv3 `draft/chathistory`, `draft/message-redaction`.

use alloc::{boxed::Box, vec::Vec};

use super::{Caller, cut};
use crate::{
    UnixMillis,
    caps::Caps,
    network::{ChannelId, Op, Point, Query, RingId},
    server::{
        link::Step,
        query::Read,
        replay::{Replay, Targets},
    },
    server_time,
    wire::{Message, numeric::ERR_UNKNOWNCOMMAND},
};

/// Why a CHATHISTORY is refused: the code, and what is wrong, before the text.
struct Refusal<'a> {
    code: &'static [u8],
    about: Option<&'a [u8]>,
    text: &'static [u8],
}

const fn invalid(text: &'static [u8]) -> Refusal<'static> {
    Refusal { code: b"INVALID_PARAMS", about: None, text }
}

/// `CHATHISTORY LATEST|BEFORE|AFTER|AROUND target point limit`,
/// `CHATHISTORY BETWEEN target point point limit`, `CHATHISTORY TARGETS point point limit`
pub(super) fn chathistory(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.caps().has(Caps::CHATHISTORY) {
        return caller.reply(ERR_UNKNOWNCOMMAND, &[b"CHATHISTORY"]);
    }
    let name = message.params()[0].to_ascii_uppercase();
    match read(caller, &name, &message.params()[1..]) {
        Ok(step) => caller.then([Step::Read(step)]),
        Err(Refusal { code, about, text }) => {
            let name: &[u8] = if is_word(&name) { &name } else { b"*" };
            let context = [name, about.unwrap_or_default()];
            let context = if about.is_some() { &context[..] } else { &context[..1] };
            caller.fail(b"CHATHISTORY", code, context, text);
        }
    }
}

fn is_word(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && name[0] != b':'
}

/// What is to be sent for a subcommand.
fn read<'a>(caller: &Caller<'_>, name: &[u8], params: &[&'a [u8]]) -> Result<Read, Refusal<'a>> {
    let count = match name {
        b"LATEST" | b"BEFORE" | b"AFTER" | b"AROUND" | b"TARGETS" => 3,
        b"BETWEEN" => 4,
        _ => return Err(invalid(b"Unknown command")),
    };
    if params.len() < count {
        return Err(invalid(b"Insufficient parameters"));
    }
    if params.len() > count {
        return Err(invalid(b"Too many parameters"));
    }
    let limit = core::str::from_utf8(params[count - 1]).ok().and_then(|text| text.parse().ok());
    let Some(limit) = limit.filter(|limit: &usize| *limit > 0) else {
        return Err(Refusal { about: Some(params[count - 1]), ..invalid(b"Invalid limit") });
    };
    let limit = limit.min(caller.server.config.limits.history_answer);
    if name == b"TARGETS" {
        return targets(caller, time(params[0])?, time(params[1])?, limit);
    }
    let target = params[0];
    let point = |at: usize| point(caller, params[at]);
    let query = match name {
        b"LATEST" if params[1] == b"*" => Some(Query::Latest(None)),
        b"LATEST" => point(1)?.map(|point| Query::Latest(Some(point))),
        b"BEFORE" => point(1)?.map(Query::Before),
        b"AFTER" => point(1)?.map(Query::After),
        b"AROUND" => point(1)?.map(Query::Around),
        _ => point(1)?.zip(point(2)?).map(|(from, to)| Query::Between(from, to)),
    };
    let Some(Target { name, channel, ring }) = find(caller, target) else {
        return Err(Refusal {
            code: b"INVALID_TARGET",
            about: Some(target),
            text: b"Messages could not be retrieved",
        });
    };
    let events = caller.caps().has(Caps::EVENT_PLAYBACK);
    // Of what never was, nothing is before or after: the answer is empty.
    let found = ring
        .zip(query)
        .and_then(|(ring, query)| caller.network().history().select(ring, query, limit, events));
    Ok(Read::Replay(Replay::answer(name, channel, found)))
}

/// What may be read.
struct Target {
    name: Box<[u8]>,
    channel: Option<ChannelId>,
    ring: Option<RingId>,
}

/// A channel that the caller is in, or a nick. `None`: there is none, or the caller may not.
fn find(caller: &Caller<'_>, target: &[u8]) -> Option<Target> {
    let (network, me) = (caller.network(), caller.user_id()?);
    if target.first() == Some(&b'#') {
        let id = network.find_channel(target)?;
        let channel = network.channel(id)?;
        if channel.member(me).is_none() && !crate::mutant!(HistoryToAll) {
            return None;
        }
        return Some(Target {
            name: channel.name.clone(),
            channel: Some(id),
            ring: channel.history,
        });
    }
    crate::wire::Nick::new(target, 64, network.casemapping())?;
    // A nick stays as it was asked for: a client that knows it in that case finds its answer.
    let ring = network.talk(me, target).map(|talk| talk.ring);
    Some(Target { name: target.into(), channel: None, ring })
}

/// `timestamp=…` or `msgid=…`. `None`: a message that there never was.
fn point<'a>(caller: &Caller<'_>, param: &'a [u8]) -> Result<Option<Point>, Refusal<'a>> {
    if let Some(msgid) = param.strip_prefix(b"msgid=") {
        return Ok(caller.network().place_of(msgid).map(Point::Place));
    }
    if param.starts_with(b"timestamp=") {
        return Ok(Some(Point::Time(time(param)?)));
    }
    Err(Refusal { about: Some(param), ..invalid(b"Invalid message reference") })
}

fn time(param: &[u8]) -> Result<UnixMillis, Refusal<'_>> {
    let time = param.strip_prefix(b"timestamp=").and_then(server_time::parse);
    time.ok_or(Refusal { about: Some(param), ..invalid(b"Invalid timestamp") })
}

/// Channels and nicks whose latest message is between two times, counted from the first.
fn targets<'a>(
    caller: &Caller<'_>,
    from: UnixMillis,
    to: UnixMillis,
    limit: usize,
) -> Result<Read, Refusal<'a>> {
    let network = caller.network();
    let Some(me) = caller.me() else { return Err(invalid(b"You are not registered")) };
    let events = caller.caps().has(Caps::EVENT_PLAYBACK);
    let channels = me.channels.iter().filter_map(|id| network.channel(*id));
    let channels = channels.filter_map(|channel| Some((&channel.name[..], channel.history?)));
    let talks = me.talks.iter().map(|talk| (network.nick_in(talk), talk.ring));
    let latest = |(name, ring): (&[u8], RingId)| {
        let item = network.history().latest(ring, events)?;
        Some((item.place, item.time, Box::from(name)))
    };
    let mut found: Vec<_> = channels.chain(talks).filter_map(latest).collect();
    let (least, most) = (from.min(to), from.max(to));
    found.retain(|(_, time, _)| *time > least && *time < most);
    found.sort_unstable();
    let count = found.len();
    if from > to {
        found.drain(..count.saturating_sub(limit));
    } else {
        found.truncate(limit);
    }
    let list = found.into_iter().map(|(_, time, name)| (name, time)).collect();
    Ok(Read::Targets(Targets::new(list)))
}

/// `REDACT target msgid [:reason]`
pub(super) fn redact(caller: &mut Caller<'_>, message: &Message<'_>) {
    if !caller.caps().has(Caps::MESSAGE_REDACTION) {
        return caller.reply(ERR_UNKNOWNCOMMAND, &[b"REDACT"]);
    }
    let [target, msgid, ..] = *message.params() else { return };
    let reason = message.param(2).map(|text| cut(text, caller.server.config.limits.kick_len));
    caller.propose(Op::Redact { target, msgid, reason });
}
