//! MODE of a user, and what follows from modes. Only changes that took effect are announced.

use alloc::vec::Vec;

use super::{
    super::{Audience, Event, ModeChange, Network, Rank, SetBy, User, UserId, user_mode},
    Turn,
};
use crate::wire::numeric::RPL_VISIBLEHOST;

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
            if !self.change_user_mode(me, change, turn) {
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
    fn change_user_mode(
        &mut self,
        me: UserId,
        change: &ModeChange<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Some(mode) = user_mode(change.letter) else { return false };
        if change.add && mode.set_by == SetBy::Server {
            return false;
        }
        let Some(user) = self.user(me) else { return false };
        // The host to show in place of the address. Without one there is nothing to set.
        let hides = change.add && change.letter == b'x';
        let cloak = if hides { self.cloak_of(&user.address) } else { None };
        if hides && cloak.is_none() {
            return false;
        }
        let Some(user) = self.user_mut(me) else { return false };
        if !mode.set(&mut user.modes, change.add) {
            return false;
        }
        let count = match change.letter {
            b'i' => Some(&mut self.state.invisible),
            b'o' => Some(&mut self.state.opers),
            b'x' => {
                self.change_host(me, cloak, turn);
                None
            }
            _ => None,
        };
        if let Some(count) = count {
            *count = if change.add { *count + 1 } else { *count - 1 };
        }
        true
    }

    /// Gives a user the host that others see: this one, or the address.
    fn change_host(&mut self, me: UserId, host: Option<Vec<u8>>, turn: &mut Turn<'_>) {
        let Some(user) = self.user_mut(me) else { return };
        let new = host.map_or_else(|| user.address.clone(), Into::into);
        let old = core::mem::replace(&mut user.host, new);
        let Some(User { host, channels, .. }) = self.user(me) else { return };
        if *old == **host {
            return;
        }
        turn.tell(
            self,
            Audience::Peers { of: me, with_self: true },
            Event::Host { user: me, old: &old },
        );
        turn.next_event();
        turn.tell(
            self,
            Audience::Peers { of: me, with_self: false },
            Event::Gone { user: me, old: &old },
        );
        turn.next_event();
        for &channel in channels {
            let others = Audience::Message { channel, least: Rank::NONE, from: me };
            turn.tell(self, others, Event::Back { user: me, channel });
            turn.next_event();
            let rank = self.channel(channel).and_then(|channel| channel.member(me)).map(|m| m.rank);
            let letters: Vec<u8> = rank.map_or_else(Vec::new, |rank| rank.letters().collect());
            if !letters.is_empty() {
                turn.tell(self, others, Event::Ranks { user: me, channel, letters: &letters });
                turn.next_event();
            }
        }
        turn.reply(self, RPL_VISIBLEHOST, &[host]);
    }
}
