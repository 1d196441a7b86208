//! MODE of a user. Only changes that took effect are announced.

use alloc::vec::Vec;

use super::{
    super::{Audience, Event, ModeChange, Network, SetBy, UserId, user_mode},
    Turn,
};

impl Network {
    pub(super) fn user_mode(
        &mut self,
        me: UserId,
        changes: &[ModeChange<'_>],
        turn: &mut Turn<'_>,
    ) {
        let mut sign = None;
        let mut done = Vec::new();
        for change in changes {
            if !self.change_user_mode(me, change) {
                continue;
            }
            if sign.replace(change.add) != Some(change.add) {
                done.push(if change.add { b'+' } else { b'-' });
            }
            done.push(change.letter);
        }
        if !done.is_empty() {
            let event = Event::UserMode { user: me, modes: &done };
            turn.tell(self, Audience::User(me), event);
        }
    }

    /// Makes one change; whether it took effect.
    fn change_user_mode(&mut self, me: UserId, change: &ModeChange<'_>) -> bool {
        let Some(mode) = user_mode(change.letter) else { return false };
        if change.add && mode.set_by == SetBy::Server {
            return false;
        }
        let Some(user) = self.user_mut(me) else { return false };
        if !mode.set(&mut user.modes, change.add) {
            return false;
        }
        let count = match change.letter {
            b'i' => Some(&mut self.state.invisible),
            b'o' => Some(&mut self.state.opers),
            _ => None,
        };
        if let Some(count) = count {
            *count = if change.add { *count + 1 } else { *count - 1 };
        }
        true
    }
}
