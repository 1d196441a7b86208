//! PRIVMSG, NOTICE, TAGMSG.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::Caller;
use crate::{
    network::{MessageKind, Op},
    wire::{
        Message, Tags,
        numeric::{ERR_NORECIPIENT, ERR_NOTEXTTOSEND},
    },
};

/// `PRIVMSG targets :text`
pub(super) fn privmsg(caller: &mut Caller<'_>, message: &Message<'_>) {
    send(caller, message, MessageKind::Privmsg);
}

/// `NOTICE targets :text`, which is never answered.
pub(super) fn notice(caller: &mut Caller<'_>, message: &Message<'_>) {
    send(caller, message, MessageKind::Notice);
}

/// `TAGMSG targets`
pub(super) fn tagmsg(caller: &mut Caller<'_>, message: &Message<'_>) {
    send(caller, message, MessageKind::Tagmsg);
}

fn send(caller: &mut Caller<'_>, message: &Message<'_>, kind: MessageKind) {
    let silent = kind == MessageKind::Notice;
    let targets = message.param(0).unwrap_or_default();
    let text = message.param(1).unwrap_or_default();
    if targets.is_empty() {
        if !silent {
            let command = message.command.to_ascii_uppercase();
            caller.reply_text(
                ERR_NORECIPIENT,
                &[],
                Some(&[b"No recipient given (", &command[..], b")"].concat()),
            );
        }
        return;
    }
    if text.is_empty() && kind != MessageKind::Tagmsg {
        if !silent {
            caller.reply(ERR_NOTEXTTOSEND, &[]);
        }
        return;
    }
    let tags = &client_tags(message.tags, &caller.server.config.client_tags_denied);
    if !targets.contains(&b',') {
        return caller.propose(Op::Message { kind, target: targets, text, tags });
    }
    let most = caller.server.config.limits.targets;
    let list = if silent {
        crate::wire::split_list(targets).take(most).collect()
    } else {
        caller.targets(targets)
    };
    for target in list {
        caller.propose(Op::Message { kind, target, text, tags });
    }
}

/// The tags that are for other clients: of those with one key the last, and none that is denied.
pub(super) fn client_tags(tags: Tags<'_>, denied: &[String]) -> Vec<u8> {
    let all: Vec<_> = tags.client_only().collect();
    let mut seen = BTreeSet::new();
    let mut kept: Vec<_> = all
        .into_iter()
        .rev()
        .filter(|(key, _)| seen.insert(*key) && !is_denied(&key[1..], denied))
        .collect();
    kept.reverse();
    let mut out = Vec::new();
    for (key, value) in kept {
        if !out.is_empty() {
            out.push(b';');
        }
        out.extend_from_slice(key);
        if !value.is_empty() {
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
        }
    }
    out
}

/// Whether a client-only tag, without its `+`, is taken off: what names it counts more than `*`.
fn is_denied(key: &[u8], denied: &[String]) -> bool {
    let named = denied.iter().rev().find_map(|item| match item.strip_prefix('-') {
        Some(allowed) if allowed.as_bytes() == key => Some(false),
        None if item.as_bytes() == key => Some(true),
        _ => None,
    });
    named.unwrap_or_else(|| denied.first().is_some_and(|first| first == "*"))
}
