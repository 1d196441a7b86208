//! PRIVMSG, NOTICE and TAGMSG: the path that must be fast.

use super::{
    super::{Audience, Channel, Event, MessageKind, Network, Rank, UserId, is_multiline, lines},
    Turn,
    history::Said,
};
use crate::wire::numeric::{ERR_CANNOTSENDTOCHAN, ERR_NOSUCHCHANNEL, ERR_NOSUCHNICK, RPL_AWAY};

impl Network {
    pub(super) fn message(
        &mut self,
        me: UserId,
        kind: MessageKind,
        target: &[u8],
        text: &[u8],
        tags: &[u8],
        turn: &mut Turn<'_>,
    ) {
        let time = self.state.time;
        if let Some(user) = self.user_mut(me) {
            user.last_active = time;
        }
        let (silent, multiline) = (kind == MessageKind::Notice, is_multiline(text));
        // STATUSMSG: `@#channel` goes to operators and above, `+#channel` to the voiced and above. Of
        // several prefixes the lowest counts.
        let name_at = target.iter().position(|byte| Rank::of_prefix(*byte).is_none());
        let (prefixes, name) = target.split_at(name_at.unwrap_or(target.len()));
        let lowest = Rank::lowest_of(prefixes);
        let least = lowest.map_or(Rank::NONE, |(_, rank)| rank);
        if name.first() == Some(&b'#') {
            let found = self.find_channel(name).and_then(|id| Some((id, self.channel(id)?)));
            let Some((id, channel)) = found else {
                if !silent {
                    turn.reply(self, ERR_NOSUCHCHANNEL, &[name]);
                }
                return;
            };
            if !self.may_speak(me, channel, text) {
                if !silent {
                    turn.reply(self, ERR_CANNOTSENDTOCHAN, &[&channel.name]);
                }
                return;
            }
            // The channel's name as it was made, whatever the sender's case.
            let with_prefix;
            let target = match lowest {
                None => &channel.name[..],
                Some((prefix, _)) => {
                    with_prefix = [&[prefix], &channel.name[..]].concat();
                    &with_prefix
                }
            };
            let event = Event::Message { from: me, kind, target, text, multiline, tags };
            turn.tell(self, Audience::Message { channel: id, least, from: me }, event);
            // What is for some alone must not be read by others later.
            if least == Rank::NONE {
                self.keep_in_channel(id, Said { from: me, kind, tags, text }, turn);
            }
            turn.next_event();
            return;
        }
        let found = self.find_user(target).and_then(|id| Some((id, self.user(id)?)));
        let Some((id, user)) = found else {
            if !silent {
                turn.reply(self, ERR_NOSUCHNICK, &[target]);
            }
            return;
        };
        let event = Event::Message { from: me, kind, target: &user.nick, text, multiline, tags };
        turn.tell(self, Audience::Echo(me), event);
        turn.tell(self, Audience::User(id), event);
        if mutant!(DeliveredAndRefused) {
            turn.reply(self, ERR_NOSUCHNICK, &[target]);
        }
        if let (Some(away), MessageKind::Privmsg) = (&user.away, kind) {
            turn.reply(self, RPL_AWAY, &[&user.nick, away]);
        }
        self.keep_direct(id, Said { from: me, kind, tags, text }, turn);
        turn.next_event();
    }

    fn may_speak(&self, me: UserId, channel: &Channel, text: &[u8]) -> bool {
        if channel.modes.no_ctcp && is_ctcp(text) {
            return false;
        }
        match channel.member(me) {
            Some(member) if member.rank.at_least(Rank::VOICE) => true,
            None if channel.modes.no_external && !mutant!(NoExternalIgnored) => false,
            _ if channel.modes.moderated && !mutant!(ModeratedIgnored) => false,
            _ => !self.user(me).is_some_and(|user| self.is_muted(channel, user)),
        }
    }
}

/// Whether any line of a text is a CTCP message; ACTION counts as a text.
fn is_ctcp(text: &[u8]) -> bool {
    lines(text).any(|(_, line)| {
        line.strip_prefix(b"\x01").is_some_and(|rest| !rest.starts_with(b"ACTION"))
    })
}
