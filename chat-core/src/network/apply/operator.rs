//! What operators of the server do: KILL, WALLOPS.

use super::{
    super::{Audience, Event, Network, UserId},
    Turn,
};
use crate::wire::numeric::{ERR_NOPRIVILEGES, ERR_NOSUCHNICK};

impl Network {
    pub(super) fn kill(&mut self, me: UserId, nick: &[u8], reason: &[u8], turn: &mut Turn<'_>) {
        if !self.may_operate(me, turn) {
            return;
        }
        let Some(id) = self.find_user(nick) else {
            return turn.reply(self, ERR_NOSUCHNICK, &[nick]);
        };
        let Some(by) = self.user(me).map(|user| user.nick.clone()) else { return };
        turn.tell(self, Audience::User(id), Event::Kill { by: me, user: id, reason });
        turn.next_event();
        let why = [b"Killed (", &by[..], b" (", reason, b"))"].concat();
        turn.sink.expelled(self, id, &why);
        self.quit(id, &why, true, turn);
    }

    pub(super) fn wallops(&mut self, me: UserId, text: &[u8], turn: &mut Turn<'_>) {
        if self.may_operate(me, turn) {
            turn.tell(self, Audience::Wallops, Event::Wallops { from: me, text });
            turn.next_event();
        }
    }

    /// Whether a user is an operator; if not, that is told.
    pub(super) fn may_operate(&self, me: UserId, turn: &mut Turn<'_>) -> bool {
        let may = self.user(me).is_some_and(|user| user.modes.oper);
        if !may {
            turn.reply(self, ERR_NOPRIVILEGES, &[]);
        }
        may
    }
}
