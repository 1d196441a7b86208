//! JOIN, PART, TOPIC, KICK, INVITE.

use alloc::vec::Vec;

use super::{
    super::{
        Audience, Channel, ChannelId, ChannelModes, Event, ItemKind, Member, Metadata, Network,
        Rank, Topic, UserId, text,
    },
    Turn,
};
use crate::wire::{
    Numeric,
    numeric::{
        ERR_BADCHANNELKEY, ERR_BANNEDFROMCHAN, ERR_CHANNELISFULL, ERR_CHANOPRIVSNEEDED,
        ERR_INVITEONLYCHAN, ERR_NOSUCHCHANNEL, ERR_NOSUCHNICK, ERR_NOTONCHANNEL,
        ERR_TOOMANYCHANNELS, ERR_UNAVAILRESOURCE, ERR_USERNOTINCHANNEL, ERR_USERONCHANNEL,
        RPL_AWAY, RPL_INVITING,
    },
};

impl Network {
    pub(super) fn join(
        &mut self,
        me: UserId,
        name: &[u8],
        key: Option<&[u8]>,
        turn: &mut Turn<'_>,
    ) {
        let found = self.find_channel(name);
        if let Some(channel) = found.and_then(|id| self.channel(id)) {
            if channel.member(me).is_some() {
                return;
            }
            if let Some(refusal) = self.join_refusal(me, channel, key) {
                return turn.reply(self, refusal, &[&channel.name]);
            }
        }
        if found.is_none() && self.channel_like(name).is_some() {
            return turn.reply(self, ERR_UNAVAILRESOURCE, &[name]);
        }
        if found.is_none() && self.state.channels.len() >= self.state.config.channels as usize {
            return turn.reply(self, ERR_UNAVAILRESOURCE, &[name]);
        }
        let joined = self.user(me).map_or(0, |user| user.channels.len());
        if joined >= self.state.config.channels_per_user as usize {
            return turn.reply(self, ERR_TOOMANYCHANNELS, &[name]);
        }
        let (id, rank) = match found {
            Some(id) => (id, Rank::NONE),
            None => {
                (self.create_channel(name), mutant!(FirstJoinerNoOp => Rank::NONE, else Rank::OP))
            }
        };
        if let Some(channel) = self.channel_mut(id) {
            channel.insert(Member { user: me, rank });
            channel.invited.retain(|user| *user != me);
        }
        if let Some(user) = self.user_mut(me) {
            user.channels.push(id);
        }
        turn.tell(self, Audience::Channel(id), Event::Join { user: me, channel: id });
        if let Some(real) = self.user(me).map(|user| user.real.clone()) {
            self.keep_event(id, me, ItemKind::Join, &[b"* ", &real], turn);
        }
        turn.next_event();
        if self.user(me).is_some_and(|user| user.away.is_some()) {
            let audience = Audience::Message { channel: id, least: Rank::NONE, from: me };
            turn.tell(self, audience, Event::Away { user: me });
            turn.next_event();
        }
        self.introduce_metadata(me, id, turn);
        turn.sink.joined(self, turn.origin, id);
    }

    fn create_channel(&mut self, name: &[u8]) -> ChannelId {
        let created = self.state.time;
        let id = self.state.channels.insert(Channel {
            name: text(name),
            created,
            topic: None,
            modes: ChannelModes::default(),
            members: Vec::new(),
            bans: Vec::new(),
            exceptions: Vec::new(),
            invite_exceptions: Vec::new(),
            invited: Vec::new(),
            renamed: None,
            history: None,
            metadata: Metadata::default(),
        });
        self.index_channel(id);
        id
    }

    /// Why a user can't join: an invitation opens everything.
    fn join_refusal(&self, me: UserId, channel: &Channel, key: Option<&[u8]>) -> Option<Numeric> {
        if channel.invited.contains(&me) {
            return None;
        }
        let user = self.user(me)?;
        let modes = &channel.modes;
        if self.is_banned(channel, user) && !mutant!(BanIgnored) {
            return Some(ERR_BANNEDFROMCHAN);
        }
        let invited = self.is_invited_by_list(channel, user) || mutant!(InviteOnlyIgnored);
        if modes.invite_only && !invited {
            return Some(ERR_INVITEONLYCHAN);
        }
        let opens = |wanted| key == Some(wanted) || mutant!(KeyIgnored);
        if !modes.key.as_deref().is_none_or(opens) {
            return Some(ERR_BADCHANNELKEY);
        }
        let members = channel.members.len() - mutant!(LimitOffByOne => 1, else 0);
        let full = modes.limit.is_some_and(|limit| members >= limit as usize);
        full.then_some(ERR_CHANNELISFULL)
    }

    pub(super) fn part(&mut self, me: UserId, name: &[u8], reason: &[u8], turn: &mut Turn<'_>) {
        let Some(id) = self.joined_channel(me, name, turn) else { return };
        let told = mutant!(PartToldToLeaverAlone => Audience::User(me), else Audience::Channel(id));
        turn.tell(self, told, Event::Part { user: me, channel: id, reason });
        self.keep_event(id, me, ItemKind::Part, &[reason], turn);
        self.leave(me, id);
    }

    pub(super) fn set_topic(&mut self, me: UserId, name: &[u8], new: &[u8], turn: &mut Turn<'_>) {
        let Some(id) = self.joined_channel(me, name, turn) else { return };
        let Some(channel) = self.channel(id) else { return };
        let locked = channel.modes.topic_lock && !mutant!(TopicLockIgnored);
        if locked && !channel.rank(me).at_least(Rank::HALFOP) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let by = self.user(me).map(|user| user.source().into_boxed_slice()).unwrap_or_default();
        let at = self.state.time;
        let topic = (!new.is_empty()).then(|| Topic { text: text(new), by, at });
        if let Some(channel) = self.channel_mut(id) {
            channel.topic = topic;
        }
        turn.tell(self, Audience::Channel(id), Event::Topic { user: me, channel: id, text: new });
        self.keep_event(id, me, ItemKind::Topic, &[new], turn);
    }

    pub(super) fn kick(
        &mut self,
        me: UserId,
        name: &[u8],
        nick: &[u8],
        reason: &[u8],
        turn: &mut Turn<'_>,
    ) {
        let Some(id) = self.joined_channel(me, name, turn) else { return };
        let Some(channel) = self.channel(id) else { return };
        if !channel.rank(me).at_least(Rank::HALFOP) && !mutant!(AnybodyKicks) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let Some(target) = self.find_user(nick) else {
            return turn.reply(self, ERR_NOSUCHNICK, &[nick]);
        };
        let Some(member) = channel.member(target) else {
            return turn.reply(self, ERR_USERNOTINCHANNEL, &[nick, &channel.name]);
        };
        if !channel.rank(me).is_over(member.rank) && !mutant!(AnybodyKicks) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let event = Event::Kick { by: me, user: target, channel: id, reason };
        let told =
            mutant!(KickToldToVictimAlone => Audience::User(target), else Audience::Channel(id));
        turn.tell(self, told, event);
        if let Some(nick) = self.user(target).map(|user| user.nick.clone()) {
            self.keep_event(id, me, ItemKind::Kick, &[&nick, b" ", reason], turn);
        }
        if !mutant!(KickedStays) {
            self.leave(target, id);
        }
    }

    pub(super) fn invite(&mut self, me: UserId, nick: &[u8], name: &[u8], turn: &mut Turn<'_>) {
        let found = self.find_user(nick).and_then(|id| Some((id, self.user(id)?)));
        let Some((target, user)) = found else {
            return turn.reply(self, ERR_NOSUCHNICK, &[nick]);
        };
        let Some(id) = self.find_channel(name) else {
            return turn.reply(self, ERR_NOSUCHCHANNEL, &[name]);
        };
        let Some(channel) = self.channel(id) else { return };
        if channel.member(me).is_none() {
            return turn.reply(self, ERR_NOTONCHANNEL, &[&channel.name]);
        }
        if channel.member(target).is_some() {
            return turn.reply(self, ERR_USERONCHANNEL, &[&user.nick, &channel.name]);
        }
        if channel.modes.invite_only && !channel.rank(me).at_least(Rank::HALFOP) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        turn.reply(self, RPL_INVITING, &[&user.nick, &channel.name]);
        if let Some(away) = &user.away {
            turn.reply(self, RPL_AWAY, &[&user.nick, away]);
        }
        let most = self.state.config.invites as usize;
        // Of others it is a hint alone: they can't let in whom a ban or a key keeps out.
        let opens = channel.rank(me).at_least(Rank::HALFOP);
        if let Some(channel) = self.channel_mut(id).filter(|_| opens) {
            channel.invited.retain(|other| *other != target);
            if channel.invited.len() >= most {
                channel.invited.remove(0);
            }
            channel.invited.push(target);
        }
        turn.tell(
            self,
            Audience::User(target),
            Event::Invite { by: me, user: target, channel: id },
        );
        // Those who could have done it themselves are told.
        let Some(channel) = self.channel(id) else { return };
        let least = if channel.modes.invite_only { Rank::HALFOP } else { Rank::NONE };
        let audience = Audience::Message { channel: id, least, from: me };
        turn.tell(self, audience, Event::Invited { by: me, user: target, channel: id });
    }
}
