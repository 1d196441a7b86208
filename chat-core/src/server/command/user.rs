//! AWAY, SETNAME: what one tells of oneself.

use super::{Caller, cut};
use crate::{
    caps::Caps,
    network::Op,
    wire::{
        Message,
        numeric::{ERR_NOTREGISTERED, RPL_NOWAWAY, RPL_UNAWAY},
    },
};

/// `AWAY [:message]`, before registration too with draft/pre-away.
///
/// Specification: modern, "AWAY message"; IRCv3 pre-away, where `*` as the message says that there
/// is none to tell. It is shown as it is.
pub(super) fn away(caller: &mut Caller<'_>, message: &Message<'_>) {
    let text = message.param(0).unwrap_or_default();
    let text = cut(text, caller.server.config.limits.away_len);
    if caller.user_id().is_some() {
        return caller.propose(Op::Away(text));
    }
    if !caller.caps().has(Caps::PRE_AWAY) {
        return caller.reply(ERR_NOTREGISTERED, &[]);
    }
    let away = (!text.is_empty()).then(|| text.into());
    let numeric = if away.is_some() { RPL_NOWAWAY } else { RPL_UNAWAY };
    if let Some(form) = caller.form() {
        form.away = away;
    }
    caller.reply(numeric, &[]);
}

/// `SETNAME :realname`
///
/// Specification: IRCv3 setname.
pub(super) fn setname(caller: &mut Caller<'_>, message: &Message<'_>) {
    let real = message.params()[0];
    if real.is_empty() || real.len() > caller.server.config.limits.real_len {
        return caller.fail(b"SETNAME", b"INVALID_REALNAME", &[], b"Realname is not valid");
    }
    caller.propose(Op::SetName(real));
}
