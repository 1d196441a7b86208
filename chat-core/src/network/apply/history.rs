//! What is kept of what happens: in a channel's ring, and for both sides of a conversation.

use super::{
    super::{
        Bounds, ChannelId, Item, ItemKind, MessageKind, Network, RingId, Talk, User, UserId, text,
    },
    Turn,
};
use crate::wire::Tags;

impl From<MessageKind> for ItemKind {
    fn from(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Privmsg => Self::Privmsg,
            MessageKind::Notice => Self::Notice,
            MessageKind::Tagmsg => Self::Tagmsg,
        }
    }
}

/// A message on its way into the history.
#[derive(Copy, Clone)]
pub(super) struct Said<'a> {
    pub(super) from: UserId,
    pub(super) kind: MessageKind,
    pub(super) tags: &'a [u8],
    pub(super) text: &'a [u8],
}

impl Said<'_> {
    /// Whether it means anything later: questions of client to client and signs of typing don't.
    fn lasts(&self) -> bool {
        const TYPING: [&[u8]; 2] = [b"+typing", b"+draft/typing"];
        match self.kind {
            MessageKind::Tagmsg => {
                Tags::new(self.tags).client_only().any(|(key, _)| !TYPING.contains(&key))
            }
            _ => self.text.first() != Some(&1) || self.text.starts_with(b"\x01ACTION"),
        }
    }
}

impl Network {
    pub(super) fn bounds(&self) -> Bounds {
        let config = &self.state.config;
        Bounds { lines: config.history_lines as usize, bytes: config.history_bytes }
    }

    /// Keeps the event at hand in a channel's ring. Its text is given in parts.
    pub(super) fn keep_event(
        &mut self,
        channel: ChannelId,
        from: UserId,
        kind: ItemKind,
        text: &[&[u8]],
        turn: &Turn<'_>,
    ) {
        let nick = self.user(from).map(|user| user.nick.clone()).unwrap_or_default();
        self.keep_event_of(channel, from, &nick, kind, text, turn);
    }

    /// As [`keep_event`](Self::keep_event), of somebody who had this nick then.
    pub(super) fn keep_event_of(
        &mut self,
        channel: ChannelId,
        from: UserId,
        nick: &[u8],
        kind: ItemKind,
        text: &[&[u8]],
        turn: &Turn<'_>,
    ) {
        let Some(user) = self.user(from).filter(|_| self.keeps_history()) else { return };
        let item = self.made(from, (user, nick), kind, b"", text, turn);
        self.keep_in(channel, item);
    }

    pub(super) fn keep_in_channel(&mut self, channel: ChannelId, said: Said<'_>, turn: &Turn<'_>) {
        if let Some(item) = self.item(said, turn) {
            self.keep_in(channel, item);
        }
    }

    /// Keeps a message to a user on both sides of the conversation.
    pub(super) fn keep_direct(&mut self, to: UserId, said: Said<'_>, turn: &Turn<'_>) {
        let Some(item) = self.item(said, turn) else { return };
        let bounds = self.bounds();
        if to != said.from
            && let Some(ring) = self.open_talk(to, said.from)
        {
            self.state.history.push(ring, item.clone(), bounds);
        }
        if let Some(ring) = self.open_talk(said.from, to) {
            self.state.history.push(ring, item, bounds);
        }
    }

    fn item(&self, said: Said<'_>, turn: &Turn<'_>) -> Option<Item> {
        let user = self.user(said.from).filter(|_| self.keeps_history() && said.lasts())?;
        let by = (user, &user.nick[..]);
        Some(self.made(said.from, by, said.kind.into(), said.tags, &[said.text], turn))
    }

    /// The item of the event at hand, by a user who had this nick; its text is given in parts.
    fn made(
        &self,
        from: UserId,
        (user, nick): (&User, &[u8]),
        kind: ItemKind,
        tags: &[u8],
        text: &[&[u8]],
        turn: &Turn<'_>,
    ) -> Item {
        let source = [nick, b"!", &user.user, b"@", &user.host];
        let place = self.place(turn.events);
        let mut item = Item::new(place, self.state.time, from, kind, &source, tags, text);
        item.bot = user.modes.bot;
        item
    }

    fn keep_in(&mut self, channel: ChannelId, item: Item) {
        let bounds = self.bounds();
        let Some(channel) = self.state.channels.get_mut(channel) else { return };
        let ring = *channel.history.get_or_insert_with(|| self.state.history.open());
        self.state.history.push(ring, item, bounds);
    }

    /// The owner's ring of what was said with somebody. If there is none, the one with somebody
    /// who had that nick and is gone goes on; else the one that was used least lately makes room.
    fn open_talk(&mut self, owner: UserId, with: UserId) -> Option<RingId> {
        let nick = text(&self.user(with)?.nick);
        let most = self.state.config.history_talks as usize;
        let found = self.talk_at(self.user(owner)?, &nick, Some(with));
        let state = &mut self.state;
        let talks = &mut state.users.get_mut(owner)?.talks;
        let ring = match found {
            Some(at) => talks.remove(at).ring,
            None => {
                while talks.len() >= most.max(1) {
                    state.history.close(talks.remove(0).ring);
                }
                state.history.open()
            }
        };
        talks.push(Talk { with, nick, ring });
        Some(ring)
    }

    /// The place among a user's conversations of the one with somebody of this nick.
    fn talk_at(&self, owner: &User, nick: &[u8], with: Option<UserId>) -> Option<usize> {
        let talks = &owner.talks;
        talks.iter().position(|talk| Some(talk.with) == with).or_else(|| {
            talks.iter().rposition(|talk| {
                self.user(talk.with).is_none() && self.casemapping().eq(&talk.nick, nick)
            })
        })
    }

    /// A user's conversation with whoever has this nick, or had it last.
    pub(crate) fn talk(&self, owner: UserId, nick: &[u8]) -> Option<&Talk> {
        let owner = self.user(owner)?;
        owner.talks.get(self.talk_at(owner, nick, self.find_user(nick))?)
    }

    /// The nick of the other side: as it is now, or as it was last.
    pub(crate) fn nick_in<'a>(&'a self, talk: &'a Talk) -> &'a [u8] {
        self.user(talk.with).map_or(&talk.nick, |user| &user.nick)
    }

    /// Before a user goes: those it talked with keep the nick; its own side is forgotten.
    pub(super) fn end_talks(&mut self, of: UserId) {
        let Some(user) = self.user_mut(of) else { return };
        let (nick, talks) = (text(&user.nick), core::mem::take(&mut user.talks));
        for talk in talks {
            self.state.history.close(talk.ring);
            let others = self.user_mut(talk.with).map(|other| &mut other.talks);
            for other in others.into_iter().flatten().filter(|other| other.with == of) {
                other.nick = nick.clone();
            }
        }
    }
}
