//! PRIVMSG, NOTICE, TAGMSG.

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
    let tags = client_tags(message.tags);
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

/// The tags as they came, if any of them is for other clients.
pub(super) fn client_tags(tags: Tags<'_>) -> &[u8] {
    if tags.client_only().next().is_some() { tags.as_bytes() } else { b"" }
}
