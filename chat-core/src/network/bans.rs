//! Channel lists at work: who is banned, muted, exempt, or needs no invitation.
//!
//! A mask is `nick!user@host`, or an extended one: `m:mask` mutes only, `a:account` is for who is
//! logged in to that account. ISUPPORT's EXTBAN says so.
//!
//! Specification: <https://modern.ircdocs.horse/#ban-channel-mode>; IRCv3's `account-extban`.

use alloc::vec::Vec;

use super::{Channel, List, ListEntry, Network, User};
use crate::wire::{Pattern, is_mask, normalise_ban};

/// Bytes of a mask, its `m:` or `a:` included.
const MASK_MAX: usize = 200;

/// A mask in a list, taken apart.
#[derive(Copy, Clone)]
enum Mask<'a> {
    Plain(&'a [u8]),
    Mute(&'a [u8]),
    Account(&'a [u8]),
}

impl<'a> Mask<'a> {
    fn new(mask: &'a [u8]) -> Self {
        match mask {
            [b'm', b':', rest @ ..] => Self::Mute(rest),
            [b'a', b':', rest @ ..] => Self::Account(rest),
            _ => Self::Plain(mask),
        }
    }
}

/// A mask as it is kept, or `None` if it can't be one.
pub(super) fn normal_mask(given: &[u8]) -> Option<Vec<u8>> {
    if !is_mask(given, MASK_MAX) {
        return None;
    }
    match Mask::new(given) {
        Mask::Plain(mask) => Some(normalise_ban(mask)),
        Mask::Mute(b"") | Mask::Account(b"") => None,
        Mask::Mute(mask) => Some([b"m:", &normalise_ban(mask)[..]].concat()),
        Mask::Account(_) => Some(given.to_vec()),
    }
}

impl Network {
    /// Whether a user can't join for a ban.
    pub(super) fn is_banned(&self, channel: &Channel, user: &User) -> bool {
        self.is_listed(&channel.bans, user, false)
            && !self.is_listed(&channel.exceptions, user, false)
    }

    /// Whether a user can't speak for a ban or a mute.
    pub(super) fn is_muted(&self, channel: &Channel, user: &User) -> bool {
        self.is_listed(&channel.bans, user, true)
            && !self.is_listed(&channel.exceptions, user, true)
    }

    /// Whether a user may join without an invitation.
    pub(super) fn is_invited_by_list(&self, channel: &Channel, user: &User) -> bool {
        self.is_listed(&channel.invite_exceptions, user, false)
    }

    fn is_listed(&self, list: &[ListEntry], user: &User, muted: bool) -> bool {
        if list.is_empty() {
            return false;
        }
        let casemapping = self.casemapping();
        let sources = self.sources(user);
        let sources: Vec<_> =
            sources.iter().map(|source| casemapping.fold_beyond_ascii(source)).collect();
        let matches = |mask| {
            let pattern = Pattern::new(mask, casemapping);
            sources.iter().any(|source| pattern.matches_folded(source))
        };
        list.iter().any(|entry| match Mask::new(&entry.mask) {
            Mask::Plain(mask) => matches(mask),
            Mask::Mute(mask) => muted && matches(mask),
            Mask::Account(_) => false,
        })
    }
}

impl Channel {
    pub(crate) fn list(&self, list: List) -> &[ListEntry] {
        match list {
            List::Bans => &self.bans,
            List::Exceptions => &self.exceptions,
            List::InviteExceptions => &self.invite_exceptions,
        }
    }

    /// What all its lists take, in bytes.
    pub(super) fn list_cost(&self) -> u64 {
        let lists = [&self.bans, &self.exceptions, &self.invite_exceptions];
        lists.into_iter().flatten().map(ListEntry::cost).sum::<usize>() as u64
    }

    pub(super) fn list_mut(&mut self, list: List) -> &mut Vec<ListEntry> {
        match list {
            List::Bans => &mut self.bans,
            List::Exceptions => &mut self.exceptions,
            List::InviteExceptions => &mut self.invite_exceptions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_kept_in_full() {
        let normal = |mask: &[u8]| normal_mask(mask).unwrap_or_default();
        assert_eq!(normal(b"bob"), b"bob!*@*");
        assert_eq!(normal(b"m:bob"), b"m:bob!*@*");
        assert_eq!(normal(b"m:*@host"), b"m:*!*@host");
        assert_eq!(normal(b"a:bob"), b"a:bob");
        assert_eq!(normal_mask(b"m:"), None);
        assert_eq!(normal_mask(b"a:"), None);
        assert_eq!(normal_mask(b"a b"), None);
        assert_eq!(normal_mask(&[b'x'; MASK_MAX + 1]), None);
    }
}
