//! MODE of a channel. Only changes that took effect are announced.

use alloc::vec::Vec;

use super::{
    super::{
        Audience, Channel, ChannelId, ChannelMode, Event, ItemKind, Kind, List, ListEntry,
        ModeChange, Network, Rank, UserId, bans::normal_mask, text,
    },
    Turn,
};
use crate::wire::{
    BODY_MAX, is_key,
    numeric::{
        ERR_BANLISTFULL, ERR_CHANOPRIVSNEEDED, ERR_INVALIDMODEPARAM, ERR_NOSUCHNICK,
        ERR_USERNOTINCHANNEL,
    },
};

impl Network {
    pub(super) fn channel_mode(
        &mut self,
        me: UserId,
        name: &[u8],
        changes: &[ModeChange<'_>],
        turn: &mut Turn<'_>,
    ) {
        let Some(id) = self.joined_channel(me, name, turn) else { return };
        let Some(channel) = self.channel(id) else { return };
        let may = self.authority(me, channel).at_least(Rank::HALFOP);
        if !may && !mutant!(AnybodyChangesModes) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let head = self.user(me).map_or(0, |user| user.source().len()) + channel.name.len();
        let mut done = Done::default();
        for change in changes {
            if let Some(param) = self.change_channel_mode(me, id, change, turn) {
                // `:source MODE #channel` and the changes share a line.
                if head + b": MODE  ".len() + done.len() + param.len() + 3 > BODY_MAX {
                    self.announce(me, id, &core::mem::take(&mut done), turn);
                }
                done.push(change, param);
            }
        }
        self.announce(me, id, &done, turn);
    }

    fn announce(&mut self, me: UserId, id: ChannelId, done: &Done, turn: &mut Turn<'_>) {
        if done.modes.is_empty() {
            return;
        }
        let params: Vec<&[u8]> = done.params.iter().map(Vec::as_slice).collect();
        let event = Event::ChannelMode { by: me, channel: id, modes: &done.modes, params: &params };
        let others = Audience::Message { channel: id, least: Rank::NONE, from: me };
        turn.tell(self, mutant!(ModeNotToldToSetter => others, else Audience::Channel(id)), event);
        let mut words: Vec<&[u8]> = Vec::from([&done.modes[..]]);
        words.extend(params.iter().flat_map(|param| [b" ", *param]));
        self.keep_event(id, me, ItemKind::Mode, &words, turn);
        turn.next_event();
    }

    /// The rank by which a member changes modes: operators of the server have the highest.
    fn authority(&self, me: UserId, channel: &Channel) -> Rank {
        let oper = self.user(me).is_some_and(|user| user.modes.oper);
        if oper { Rank::FOUNDER } else { channel.rank(me) }
    }

    /// Makes one change; the parameter to announce (maybe empty) if it took effect.
    fn change_channel_mode(
        &mut self,
        me: UserId,
        id: ChannelId,
        change: &ModeChange<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let ModeChange { add, letter, param } = *change;
        let took = |effect: bool| effect.then(Vec::new);
        match ChannelMode::by_letter(letter)?.kind {
            Kind::Rank(rank) => self.change_rank(me, id, add, rank, param?, turn),
            Kind::List(list) => self.change_list(me, id, add, (letter, list), param?, turn),
            Kind::Key => {
                let key = param?;
                if add && !is_key(key, self.state.config.key_len as usize) {
                    let name = &self.channel(id)?.name;
                    turn.reply(self, ERR_INVALIDMODEPARAM, &[name, b"k", b"*"]);
                    return None;
                }
                let modes = &mut self.channel_mut(id)?.modes;
                let new = add.then(|| text(key));
                let changed = modes.key != new;
                modes.key = new;
                // The old key is not told again.
                changed.then(|| if add { key.to_vec() } else { b"*".to_vec() })
            }
            Kind::Limit if !add => took(self.channel_mut(id)?.modes.limit.take().is_some()),
            Kind::Limit => {
                let given = param?;
                let limit = core::str::from_utf8(given).ok().and_then(|text| text.parse().ok());
                let Some(limit) = limit.filter(|limit| *limit > 0) else {
                    let name = &self.channel(id)?.name;
                    turn.reply(self, ERR_INVALIDMODEPARAM, &[name, b"l", given]);
                    return None;
                };
                let modes = &mut self.channel_mut(id)?.modes;
                let changed = modes.limit.replace(limit) != Some(limit);
                changed.then(|| alloc::format!("{limit}").into_bytes())
            }
            Kind::Flag(flag) => {
                let modes = &mut self.channel_mut(id)?.modes;
                took(core::mem::replace(flag(modes), add) != add)
            }
        }
    }

    fn change_rank(
        &mut self,
        me: UserId,
        id: ChannelId,
        add: bool,
        rank: Rank,
        nick: &[u8],
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let Some(target) = self.find_user(nick) else {
            turn.reply(self, ERR_NOSUCHNICK, &[nick]);
            return None;
        };
        let channel = self.channel(id)?;
        let Some(member) = channel.member(target) else {
            turn.reply(self, ERR_USERNOTINCHANNEL, &[nick, &channel.name]);
            return None;
        };
        // Everybody may give up what they have; nobody else's is taken by who is not over it.
        let mine = self.authority(me, channel);
        let gives_up = me == target && !add;
        if !gives_up && !(mine.is_over(rank) && (add || mine.is_over(member.rank))) {
            turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
            return None;
        }
        let changed = self.channel_mut(id)?.member_mut(target)?.rank.set(rank, add);
        changed.then(|| self.user(target).map(|user| user.nick.to_vec()))?
    }

    fn change_list(
        &mut self,
        me: UserId,
        id: ChannelId,
        add: bool,
        (letter, list): (u8, List),
        given: &[u8],
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let channel = self.channel(id)?;
        let Some(mask) = normal_mask(given) else {
            turn.reply(self, ERR_INVALIDMODEPARAM, &[&channel.name, &[letter], given]);
            return None;
        };
        let casemapping = self.casemapping();
        let entries = channel.list(list);
        let at = entries.iter().position(|entry| casemapping.eq(&entry.mask, &mask));
        match (add, at) {
            (true, None) if entries.len() >= self.state.config.list_entries as usize => {
                turn.reply(self, ERR_BANLISTFULL, &[&channel.name, &mask]);
                return None;
            }
            (true, None) => {
                let by = self.user(me)?.source().into_boxed_slice();
                let entry = ListEntry { mask: text(&mask), by, at: self.state.time };
                let bytes = self.state.list_bytes + entry.cost() as u64;
                if bytes > self.state.config.list_total {
                    turn.reply(self, ERR_BANLISTFULL, &[&self.channel(id)?.name, &mask]);
                    return None;
                }
                self.state.list_bytes = bytes;
                self.channel_mut(id)?.list_mut(list).push(entry);
            }
            (false, Some(at)) => {
                let removed = self.channel_mut(id)?.list_mut(list).remove(at);
                self.state.list_bytes -= removed.cost() as u64;
                // As it was set, whatever the case in which it was taken away.
                return Some(removed.mask.into_vec());
            }
            _ => return None,
        }
        Some(mask)
    }
}

/// The changes that took effect, as they are announced.
#[derive(Default)]
struct Done {
    sign: Option<bool>,
    modes: Vec<u8>,
    params: Vec<Vec<u8>>,
}

impl Done {
    /// Bytes of the changes as they are written.
    fn len(&self) -> usize {
        self.modes.len() + self.params.iter().map(|param| param.len() + 1).sum::<usize>()
    }

    fn push(&mut self, change: &ModeChange<'_>, param: Vec<u8>) {
        if self.sign.replace(change.add) != Some(change.add) {
            self.modes.push(if change.add { b'+' } else { b'-' });
        }
        self.modes.push(change.letter);
        if !param.is_empty() {
            self.params.push(param);
        }
    }
}
