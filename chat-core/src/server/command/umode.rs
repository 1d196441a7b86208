//! MODE of a user: asking, and the syntax of changing.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    network::{ModeChange, Op, user_mode},
    wire::{
        Message,
        numeric::{
            ERR_NOSUCHNICK, ERR_UMODEUNKNOWNFLAG, ERR_USERSDONTMATCH, RPL_UMODEIS, RPL_VISIBLEHOST,
        },
    },
};

/// What a change of host costs of the sender's rate, in lines.
const HOST_COST: u32 = 8;

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
    // A new host is told in every channel.
    if changes.iter().any(|change| change.letter == b'x') {
        caller.server.spend(caller.conn, HOST_COST);
    }
    if !changes.is_empty() {
        caller.propose(Op::UserMode { changes });
    }
    if unknown {
        caller.reply(ERR_UMODEUNKNOWNFLAG, &[]);
    }
}

impl Caller<'_> {
    /// Tells somebody who has just come and is cloaked what others see.
    pub(in crate::server) fn tell_cloak(&mut self) {
        let Some(me) = self.me().filter(|me| me.modes.cloaked) else { return };
        let (nick, user, host) = (me.nick.clone(), me.user.clone(), me.host.clone());
        self.reply(RPL_VISIBLEHOST, &[&host]);
        self.server.links.line(self.conn, |line| {
            line.source_user(&nick, &user, &host).command(b"MODE").param(&nick).param(b"+x");
        });
    }
}
