//! MODE of a channel. Only changes that took effect are announced.

use alloc::vec::Vec;

use super::{
    super::{Audience, ChannelId, Event, ListEntry, ModeChange, Network, Rank, UserId, text},
    Turn,
};
use crate::wire::{
    is_key, is_mask, normalise_ban,
    numeric::{
        ERR_BANLISTFULL, ERR_CHANOPRIVSNEEDED, ERR_INVALIDKEY, ERR_INVALIDMODEPARAM,
        ERR_NOSUCHNICK, ERR_USERNOTINCHANNEL,
    },
};

/// Bytes of a ban mask.
const MASK_MAX: usize = 200;

/// A ban mask in full, or `None` if it can't be one.
fn normal_mask(mask: &[u8]) -> Option<Vec<u8>> {
    is_mask(mask, MASK_MAX).then(|| normalise_ban(mask))
}

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
        if !channel.is_op(me) {
            return turn.reply(self, ERR_CHANOPRIVSNEEDED, &[&channel.name]);
        }
        let mut done = Done::default();
        for change in changes {
            if let Some(param) = self.change_channel_mode(me, id, change, turn) {
                done.push(change, param);
            }
        }
        if !done.modes.is_empty() {
            let params: Vec<&[u8]> = done.params.iter().map(Vec::as_slice).collect();
            let event =
                Event::ChannelMode { by: me, channel: id, modes: &done.modes, params: &params };
            turn.tell(self, Audience::Channel(id), event);
        }
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
        match letter {
            b'o' | b'v' => self.change_rank(id, add, letter, param?, turn),
            b'b' => self.change_ban(me, id, add, param?, turn),
            b'k' => {
                let key = param?;
                if add && !is_key(key, 64) {
                    let name = &self.channel(id)?.name;
                    turn.reply(self, ERR_INVALIDKEY, &[name]);
                    return None;
                }
                let modes = &mut self.channel_mut(id)?.modes;
                let new = add.then(|| text(key));
                let changed = modes.key != new;
                modes.key = new;
                // The old key is not told again.
                changed.then(|| if add { key.to_vec() } else { b"*".to_vec() })
            }
            b'l' if !add => took(self.channel_mut(id)?.modes.limit.take().is_some()),
            b'l' => {
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
            _ => {
                let flag = self.channel_mut(id)?.modes.flag(letter)?;
                took(core::mem::replace(flag, add) != add)
            }
        }
    }

    fn change_rank(
        &mut self,
        id: ChannelId,
        add: bool,
        letter: u8,
        nick: &[u8],
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let Some(target) = self.find_user(nick) else {
            turn.reply(self, ERR_NOSUCHNICK, &[nick]);
            return None;
        };
        let bit = Rank::bit(letter)?;
        let Some(member) = self.channel_mut(id)?.member_mut(target) else {
            let name = &self.channel(id)?.name;
            turn.reply(self, ERR_USERNOTINCHANNEL, &[nick, name]);
            return None;
        };
        let changed = member.rank.set(bit, add);
        changed.then(|| self.user(target).map(|user| user.nick.to_vec()))?
    }

    fn change_ban(
        &mut self,
        me: UserId,
        id: ChannelId,
        add: bool,
        given: &[u8],
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let channel = self.channel(id)?;
        let Some(mask) = normal_mask(given) else {
            turn.reply(self, ERR_INVALIDMODEPARAM, &[&channel.name, b"b", given]);
            return None;
        };
        let casemapping = self.casemapping();
        let at = channel.bans.iter().position(|ban| casemapping.eq(&ban.mask, &mask));
        match (add, at) {
            (true, None) if channel.bans.len() >= self.state.config.list_entries as usize => {
                turn.reply(self, ERR_BANLISTFULL, &[&channel.name, &mask]);
                return None;
            }
            (true, None) => {
                let by = self.user(me)?.source().into_boxed_slice();
                let entry = ListEntry { mask: text(&mask), by, at: self.state.time };
                self.channel_mut(id)?.bans.push(entry);
            }
            (false, Some(at)) => {
                self.channel_mut(id)?.bans.remove(at);
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
