//! PRIVMSG, NOTICE, TAGMSG.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use core::time::Duration;

use super::{Caller, seconds};
use crate::{
    network::{MessageKind, Op, UserId},
    wire::{
        Message, Tags,
        numeric::{ERR_NORECIPIENT, ERR_NOTEXTTOSEND, ERR_TARGETTOOFAST},
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
        return caller.message(kind, targets, text, tags);
    }
    let most = caller.server.config.limits.targets;
    let list = if silent {
        crate::wire::split_list(targets).take(most).collect()
    } else {
        caller.targets(targets)
    };
    for target in list {
        caller.message(kind, target, text, tags);
    }
}

impl Caller<'_> {
    /// Sends a message, unless it begins one conversation too many.
    pub(super) fn message(&mut self, kind: MessageKind, target: &[u8], text: &[u8], tags: &[u8]) {
        let named =
            if target.first() == Some(&b'#') { None } else { self.network().find_user(target) };
        if let Some(other) = named.filter(|other| Some(*other) != self.user_id())
            && let Err(wait) = self.talk(other)
        {
            if kind != MessageKind::Notice {
                let text = format!("You write to too many: wait {}", seconds(wait));
                self.reply_text(ERR_TARGETTOOFAST, &[target], Some(text.as_bytes()));
            }
            return;
        }
        self.propose(Op::Message { kind, target, text, tags });
    }

    /// Talks to another user, who may answer.
    ///
    /// # Errors
    /// How long the caller is to wait with a new conversation.
    fn talk(&mut self, other: UserId) -> Result<(), Duration> {
        let Some(me) = self.user_id() else { return Ok(()) };
        let (limits, now) = (&self.server.config.limits, self.server.links.now.mono);
        let theirs = self.server.links.route(other);
        if limits.conversations_per_minute.is_none() || self.is_operator() {
            return Ok(());
        }
        if let Some(link) = self.server.links.get_mut(self.conn) {
            link.pace.get_or_insert_default().talk(other, limits, now)?;
        }
        if let Some(link) = theirs.and_then(|conn| self.server.links.get_mut(conn)) {
            link.pace.get_or_insert_default().talks_to(me);
        }
        Ok(())
    }
}

/// The tags that are for other clients: of those with one key the last, and none that is denied.
pub(super) fn client_tags(tags: Tags<'_>, denied: &[String]) -> Vec<u8> {
    if tags.is_empty() {
        return Vec::new();
    }
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
