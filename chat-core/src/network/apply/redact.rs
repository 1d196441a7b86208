//! REDACT: a message is taken back.

use super::{
    super::{Audience, Event, ItemKind, Network, Rank, RingId, UserId, text},
    Turn,
};

const REDACT: &[u8] = b"REDACT";

/// Where a message is, of which somebody wants to be rid.
struct Found {
    ring: RingId,
    /// The other side's copy, in a conversation.
    other: Option<(UserId, Option<RingId>)>,
    audience: Audience<'static>,
    /// Whether others' messages may be taken back too.
    moderates: bool,
}

impl Network {
    pub(super) fn redact(
        &mut self,
        me: UserId,
        target: &[u8],
        msgid: &[u8],
        reason: Option<&[u8]>,
        turn: &mut Turn<'_>,
    ) {
        let Some((target, found)) = self.place_to_redact(me, target) else {
            let text = b"You cannot delete messages from there";
            return turn.fail(REDACT, b"INVALID_TARGET", &[target], text);
        };
        let context = [&*target, msgid];
        let item = found.as_ref().and_then(|found| {
            let place = self.place_of(msgid)?;
            Some((found, self.state.history.get(found.ring, place)?))
        });
        let Some((found, item)) = item else {
            let text = b"This message does not exist or is too old";
            return turn.fail(REDACT, b"UNKNOWN_MSGID", &context, text);
        };
        let is_message = item.kind.is_message() || item.kind == ItemKind::Tagmsg;
        if !is_message || item.from != me && !found.moderates {
            let text = b"You are not authorised to delete this message";
            return turn.fail(REDACT, b"REDACT_FORBIDDEN", &context, text);
        }
        let window = self.state.config.redact;
        if self.state.time.0.saturating_sub(item.time.0) > window {
            let window = alloc::format!("{}", window / 1000);
            let context = [context[0], context[1], window.as_bytes()];
            let text = b"You can no longer delete this message";
            return turn.fail(REDACT, b"REDACT_WINDOW_EXPIRED", &context, text);
        }
        let place = item.place;
        let rings = [Some(found.ring), found.other.and_then(|(_, ring)| ring)];
        let (audience, other) = (found.audience, found.other);
        for ring in rings.into_iter().flatten() {
            self.state.history.remove(ring, place);
        }
        let event = Event::Redact { by: me, target: &target, msgid, reason };
        turn.tell(self, audience, event);
        if let Some((other, _)) = other.filter(|(other, _)| *other != me) {
            turn.tell(self, Audience::User(other), event);
        }
    }

    /// What a target is called, and where its messages are, if there are any. `None`: it is nothing
    /// that the user may take messages from.
    fn place_to_redact(
        &self,
        me: UserId,
        target: &[u8],
    ) -> Option<(alloc::boxed::Box<[u8]>, Option<Found>)> {
        if target.first() == Some(&b'#') {
            let id = self.find_channel(target)?;
            let channel = self.channel(id)?;
            let rank = channel.member(me)?.rank;
            let found = channel.history.map(|ring| Found {
                ring,
                other: None,
                audience: Audience::Channel(id),
                moderates: rank.at_least(Rank::HALFOP),
            });
            return Some((channel.name.clone(), found));
        }
        let Some(talk) = self.talk(me, target) else {
            return self.user(self.find_user(target)?).map(|user| (text(&user.nick), None));
        };
        // Who is gone is told nothing: the place may be another's by now.
        let other = self.user(talk.with).map(|user| {
            let copy = user.talks.iter().find(|other| other.with == me);
            (talk.with, copy.map(|copy| copy.ring))
        });
        let found =
            Found { ring: talk.ring, other, audience: Audience::User(me), moderates: false };
        Some((self.nick_in(talk).into(), Some(found)))
    }
}
