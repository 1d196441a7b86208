//! Bans from the server: KLINE, DLINE, and taking them away.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{
    super::{BanTarget, Network, ServerBan, UserId, text},
    Turn,
};
use crate::UnixMillis;

/// What became of a change of the bans.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum BanChange {
    Set,
    Lifted,
    /// There is none to lift.
    Missing,
    /// There are as many as there may be.
    Full,
}

impl Network {
    /// Sets a ban, for so many seconds or until it is lifted. A ban of the same target is replaced.
    ///
    /// Bans go by the wall clock as it was when the entry was made, whatever it said before: they
    /// outlive the server, and its clock may have been wrong for a while.
    pub(super) fn ban(
        &mut self,
        me: UserId,
        target: &BanTarget,
        seconds: Option<u64>,
        reason: &[u8],
        turn: &mut Turn<'_>,
    ) {
        if !self.may_operate(me, turn) {
            return;
        }
        let Some(by) = self.user(me).map(|user| text(&user.nick)) else { return };
        let at = turn.wall;
        let until = seconds.map(|seconds| UnixMillis(at.0.saturating_add(seconds * 1000)));
        let ban = ServerBan { target: target.clone(), by, at, until, reason: text(reason) };
        self.state.bans.retain(|other| other.target != *target);
        let most = self.state.config.server_bans as usize;
        if self.state.bans.len() >= most {
            // Those that are over make room, and not before: the clock may be set right again.
            self.state.bans.retain(|other| other.is_in_force(at));
        }
        let full = self.state.bans.len() >= most;
        if !full {
            self.state.bans.push(ban);
        }
        let change = if full { BanChange::Full } else { BanChange::Set };
        turn.sink.banned(self, turn.origin, target, change);
    }

    pub(super) fn unban(&mut self, me: UserId, target: &BanTarget, turn: &mut Turn<'_>) {
        if !self.may_operate(me, turn) {
            return;
        }
        let now = turn.wall;
        let there = |ban: &ServerBan| ban.target == *target && ban.is_in_force(now);
        let found = self.state.bans.iter().any(there);
        self.state.bans.retain(|ban| ban.target != *target);
        let change = if found { BanChange::Lifted } else { BanChange::Missing };
        turn.sink.banned(self, turn.origin, target, change);
    }

    /// Puts these bans in place of all.
    pub(super) fn set_bans(&mut self, bans: &[ServerBan]) {
        self.state.bans = bans.to_vec();
        self.state.bans.truncate(self.state.config.server_bans as usize);
    }

    /// The bans that are in force.
    pub(crate) fn bans(&self, now: UnixMillis) -> impl Iterator<Item = &ServerBan> {
        self.state.bans.iter().filter(move |ban| ban.is_in_force(now))
    }

    /// A ban that is in force of a user with one of these [names](super::super::names_of).
    pub(crate) fn ban_of_user(&self, names: &[Vec<u8>], now: UnixMillis) -> Option<&ServerBan> {
        self.bans(now).find(|ban| ban.target.is_of_user(names))
    }

    /// A ban that is in force of an address.
    pub(crate) fn ban_of_address(&self, address: IpAddr, now: UnixMillis) -> Option<&ServerBan> {
        self.bans(now).find(|ban| ban.target.is_of_address(address))
    }
}
