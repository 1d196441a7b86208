//! AWAY, SETNAME, OPER: what one tells of oneself.

use super::{Caller, cut};
use crate::{
    network::Op,
    server::link::Purpose,
    wire::{Message, numeric::ERR_PASSWDMISMATCH},
};

/// `AWAY [:message]`
pub(super) fn away(caller: &mut Caller<'_>, message: &Message<'_>) {
    let text = message.param(0).unwrap_or_default();
    caller.propose(Op::Away(cut(text, caller.server.config.limits.away_len)));
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

/// `OPER name password`
pub(super) fn oper(caller: &mut Caller<'_>, message: &Message<'_>) {
    let (name, password) = (message.params()[0], message.params()[1]);
    let account = caller.server.config.opers.iter().find(|oper| oper.name.as_bytes() == name);
    match account.map(|oper| oper.password.clone()) {
        Some(hash) => {
            caller.server.ask_password(caller.conn, Purpose::Oper(name.into()), hash, password);
        }
        None => {
            caller.server.report_bad_password(caller.conn, name);
            caller.reply(ERR_PASSWDMISMATCH, &[]);
        }
    }
}
