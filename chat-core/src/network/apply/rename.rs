//! RENAME: a channel with another name, and all else as it was.

use super::{
    super::{Audience, Event, Network, Rank, UserId, text},
    Turn,
};
use crate::wire::numeric::ERR_CHANOPRIVSNEEDED;

/// Milliseconds between two names of a channel: those who don't know RENAME are sent all its names
/// each time.
const PAUSE: u64 = 60_000;

impl Network {
    pub(super) fn rename(
        &mut self,
        me: UserId,
        name: &[u8],
        to: &[u8],
        reason: &[u8],
        turn: &mut Turn<'_>,
    ) {
        let Some(id) = self.joined_channel(me, name, turn) else { return };
        let Some(channel) = self.channel(id) else { return };
        if !channel.rank(me).at_least(Rank::OP) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let context = [&channel.name[..], to];
        let taken = [self.find_channel(to), self.channel_like(to)].into_iter().flatten();
        if *channel.name == *to || taken.into_iter().any(|other| other != id) {
            let text = b"The channel name is already taken";
            return turn.fail(b"RENAME", b"CHANNEL_NAME_IN_USE", &context, text);
        }
        let now = self.state.time;
        if channel.renamed.is_some_and(|at| now.0.saturating_sub(at.0) < PAUSE) {
            let text = b"This channel has been renamed recently";
            return turn.fail(b"RENAME", b"CANNOT_RENAME", &context, text);
        }
        self.forget_channel(id);
        let Some(channel) = self.channel_mut(id) else { return };
        channel.renamed = Some(now);
        let old = core::mem::replace(&mut channel.name, text(to));
        self.index_channel(id);
        let event = Event::Rename { by: me, channel: id, old: &old, reason };
        turn.tell(self, Audience::Channel(id), event);
    }
}
