//! MODE of a user: asking, and the syntax of changing.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    network::{ModeChange, Op, user_mode},
    wire::{
        Message,
        numeric::{ERR_NOSUCHNICK, ERR_UMODEUNKNOWNFLAG, ERR_USERSDONTMATCH, RPL_UMODEIS},
    },
};

/// `MODE nick [changes]`
pub(super) fn mode(caller: &mut Caller<'_>, message: &Message<'_>) {
    let nick = message.params()[0];
    let Some(found) = caller.network().find_user(nick) else {
        return caller.reply(ERR_NOSUCHNICK, &[nick]);
    };
    if caller.user_id() != Some(found) {
        return caller.reply(ERR_USERSDONTMATCH, &[]);
    }
    let Some(letters) = message.param(1) else {
        let modes = caller.me().map(|me| me.modes).unwrap_or_default();
        return caller.reply_text(RPL_UMODEIS, &[&modes.shown()], None);
    };
    let mut add = true;
    let mut unknown = false;
    let mut changes = Vec::new();
    for &letter in letters {
        match letter {
            b'+' | b'-' => add = letter == b'+',
            _ if user_mode(letter).is_some() => {
                let change = ModeChange { add, letter, param: None };
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
            _ => unknown = true,
        }
    }
    if !changes.is_empty() {
        caller.propose(Op::UserMode { changes });
    }
    if unknown {
        caller.reply(ERR_UMODEUNKNOWNFLAG, &[]);
    }
}
