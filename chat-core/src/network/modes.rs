//! The table of channel modes, and the ranks of members.
//!
//! Specification: <https://modern.ircdocs.horse/#channel-modes>. What is not in this table is not
//! understood by MODE, and everything else (ISUPPORT, 004, HELP, the documentation) is made from it.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::ChannelModes;

/// One channel mode.
pub(crate) struct ChannelMode {
    pub(crate) letter: u8,
    pub(crate) kind: Kind,
    /// What it does, in one sentence, for the documentation.
    pub(crate) about: &'static str,
}

/// What a channel mode is, and when it takes a parameter.
#[derive(Copy, Clone)]
pub(crate) enum Kind {
    /// A list of masks: a parameter to change it, none to see it (type A).
    List(List),
    /// A member's rank: always with a nick (a prefix).
    Rank(Rank),
    /// The key: always a parameter (type B); what is given to unset it does not matter.
    Key,
    /// The limit: a parameter when set (type C).
    Limit,
    /// On or off (type D).
    Flag(fn(&mut ChannelModes) -> &mut bool),
}

impl Kind {
    /// What its parameter is; empty where there is none.
    pub(crate) const fn param(self) -> &'static str {
        match self {
            Self::List(_) => "mask",
            Self::Rank(_) => "nick",
            Self::Key => "key",
            Self::Limit => "number",
            Self::Flag(_) => "",
        }
    }
}

/// Which of a channel's lists.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum List {
    Bans,
    Exceptions,
    InviteExceptions,
}

use Kind::{Flag, Key, Limit};

const fn mode(letter: u8, kind: Kind, about: &'static str) -> ChannelMode {
    ChannelMode { letter, kind, about }
}

/// All channel modes, as ISUPPORT's PREFIX and CHANMODES have them: ranks from the highest on,
/// then types A to D.
pub(crate) const CHANNEL_MODES: &[ChannelMode] = &[
    mode(b'q', Kind::Rank(Rank::FOUNDER), "Founder (~): above everybody in the channel."),
    mode(b'a', Kind::Rank(Rank::ADMIN), "Admin (&): an operator whom operators can't remove."),
    mode(b'o', Kind::Rank(Rank::OP), "Operator (@): changes modes, removes members."),
    mode(b'h', Kind::Rank(Rank::HALFOP), "Half-operator (%): as +o, but not over ranks."),
    mode(b'v', Kind::Rank(Rank::VOICE), "Voice (+): speaks where others may not."),
    mode(b'b', Kind::List(List::Bans), "Who matches can neither join nor speak."),
    mode(b'e', Kind::List(List::Exceptions), "Who matches is exempt from bans."),
    mode(b'I', Kind::List(List::InviteExceptions), "Who matches joins without an invitation."),
    mode(b'k', Key, "A key is needed to join."),
    mode(b'l', Limit, "No more members than this."),
    mode(b'C', Flag(|modes| &mut modes.no_ctcp), "No CTCP but ACTION."),
    mode(b'i', Flag(|modes| &mut modes.invite_only), "An invitation is needed to join."),
    mode(b'm', Flag(|modes| &mut modes.moderated), "Only the voiced and above speak."),
    mode(b'n', Flag(|modes| &mut modes.no_external), "Nobody speaks from outside."),
    mode(b'p', Flag(|modes| &mut modes.private), "Private: others find it only by its name."),
    mode(b's', Flag(|modes| &mut modes.secret), "Secret: to others it does not exist."),
    mode(b't', Flag(|modes| &mut modes.topic_lock), "Only half-operators and above set the topic."),
];

impl ChannelMode {
    /// The mode of that letter.
    pub(crate) fn by_letter(letter: u8) -> Option<&'static Self> {
        CHANNEL_MODES.iter().find(|mode| mode.letter == letter)
    }

    /// The modes of one kind.
    fn letters(wanted: impl Fn(Kind) -> bool) -> String {
        let modes = CHANNEL_MODES.iter().filter(|mode| wanted(mode.kind));
        modes.map(|mode| char::from(mode.letter)).collect()
    }

    /// ISUPPORT's `CHANMODES`: the four types.
    pub(crate) fn chanmodes() -> String {
        let types = [
            Self::letters(|kind| matches!(kind, Kind::List(_))),
            Self::letters(|kind| matches!(kind, Key)),
            Self::letters(|kind| matches!(kind, Limit)),
            Self::letters(|kind| matches!(kind, Flag(_))),
        ];
        types.join(",")
    }

    /// ISUPPORT's `PREFIX`.
    pub(crate) fn prefix() -> String {
        let letters = Self::letters(|kind| matches!(kind, Kind::Rank(_)));
        alloc::format!("({letters}){}", Self::prefixes())
    }

    /// The prefixes of ranks, the highest first.
    pub(crate) fn prefixes() -> String {
        Rank::TABLE.iter().map(|row| char::from(row.prefix)).collect()
    }

    /// The letters of the lists.
    pub(crate) fn lists() -> String {
        Self::letters(|kind| matches!(kind, Kind::List(_)))
    }

    /// All letters in order, and those that take a parameter: the last two of 004.
    pub(crate) fn my_info() -> (Vec<u8>, Vec<u8>) {
        let sorted = |wanted: fn(Kind) -> bool| {
            let mut letters = Self::letters(wanted).into_bytes();
            letters.sort_unstable_by_key(|letter| (letter.to_ascii_lowercase(), *letter));
            letters
        };
        (sorted(|_| true), sorted(|kind| !matches!(kind, Flag(_))))
    }
}

/// What a member may do: a set of prefixes, compared by the highest.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rank(u8);

/// One prefix.
pub(crate) struct Prefix {
    rank: Rank,
    prefix: u8,
    /// The rank that is needed to give it, to take it, and to kick who has it as the highest.
    needs: Rank,
}

impl Rank {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const VOICE: Self = Self(1);
    pub(crate) const HALFOP: Self = Self(1 << 1);
    pub(crate) const OP: Self = Self(1 << 2);
    pub(crate) const ADMIN: Self = Self(1 << 3);
    pub(crate) const FOUNDER: Self = Self(1 << 4);

    /// The prefixes, the highest first.
    pub(crate) const TABLE: [Prefix; 5] = [
        Prefix { rank: Self::FOUNDER, prefix: b'~', needs: Self::FOUNDER },
        Prefix { rank: Self::ADMIN, prefix: b'&', needs: Self::FOUNDER },
        Prefix { rank: Self::OP, prefix: b'@', needs: Self::OP },
        Prefix { rank: Self::HALFOP, prefix: b'%', needs: Self::OP },
        Prefix { rank: Self::VOICE, prefix: b'+', needs: Self::HALFOP },
    ];

    /// The rank of a prefix.
    pub(crate) fn of_prefix(prefix: u8) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.prefix == prefix).map(|row| row.rank)
    }

    /// The lowest of these prefixes, and its rank.
    pub(crate) fn lowest_of(prefixes: &[u8]) -> Option<(u8, Self)> {
        let row = Self::TABLE.iter().rev().find(|row| prefixes.contains(&row.prefix))?;
        Some((row.prefix, row.rank))
    }

    /// Whether the highest of these is `least` or higher.
    #[inline]
    pub(crate) const fn at_least(self, least: Self) -> bool {
        self.0 >= least.0
    }

    /// Whether somebody of this rank may give and take `rank`, or kick who has it as the highest.
    pub(crate) fn is_over(self, rank: Self) -> bool {
        let highest = Self::TABLE.iter().find(|row| rank.0 & row.rank.0 != 0);
        self.at_least(Self::HALFOP) && highest.is_none_or(|row| self.at_least(row.needs))
    }

    /// Sets or clears a prefix; whether that changed anything.
    pub(crate) fn set(&mut self, rank: Self, on: bool) -> bool {
        let before = self.0;
        self.0 = if on { before | rank.0 } else { before & !rank.0 };
        self.0 != before
    }

    /// The mode letters, the highest first.
    pub(crate) fn letters(self) -> impl Iterator<Item = u8> {
        CHANNEL_MODES.iter().filter_map(move |mode| match mode.kind {
            Kind::Rank(rank) if self.0 & rank.0 != 0 => Some(mode.letter),
            _ => None,
        })
    }

    /// The prefixes, all of them or the highest alone.
    pub(crate) fn prefixes(self, all: bool) -> impl Iterator<Item = u8> {
        Self::TABLE
            .into_iter()
            .filter(move |row| self.0 & row.rank.0 != 0)
            .map(|row| row.prefix)
            .take(if all { usize::MAX } else { 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn letters_are_unique_and_each_mode_says_what_it_does() {
        let letters: BTreeSet<_> = CHANNEL_MODES.iter().map(|mode| mode.letter).collect();
        assert_eq!(letters.len(), CHANNEL_MODES.len());
        assert!(CHANNEL_MODES.iter().all(|mode| mode.about.ends_with('.')));
    }

    #[test]
    fn ranks_are_in_the_order_of_their_prefixes() {
        assert_eq!(ChannelMode::prefix(), "(qaohv)~&@%+");
        assert!(Rank::TABLE.windows(2).all(|pair| pair[0].rank.0 > pair[1].rank.0));
        let ranks = CHANNEL_MODES.iter().filter_map(|mode| match mode.kind {
            Kind::Rank(rank) => Some(rank),
            _ => None,
        });
        assert!(ranks.eq(Rank::TABLE.iter().map(|row| row.rank)));
    }

    #[test]
    fn nobody_is_over_a_rank_above_and_operators_are_over_operators() {
        for (rank, over) in [
            (Rank::NONE, &[][..]),
            (Rank::VOICE, &[]),
            (Rank::HALFOP, &[Rank::NONE, Rank::VOICE]),
            (Rank::OP, &[Rank::NONE, Rank::VOICE, Rank::HALFOP, Rank::OP]),
            (Rank::ADMIN, &[Rank::NONE, Rank::VOICE, Rank::HALFOP, Rank::OP]),
            (
                Rank::FOUNDER,
                &[Rank::NONE, Rank::VOICE, Rank::HALFOP, Rank::OP, Rank::ADMIN, Rank::FOUNDER],
            ),
        ] {
            let all = core::iter::once(Rank::NONE).chain(Rank::TABLE.iter().map(|row| row.rank));
            for other in all {
                assert_eq!(rank.is_over(other), over.contains(&other), "{rank:?} {other:?}");
            }
        }
    }
}
