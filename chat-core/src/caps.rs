//! The table of IRCv3 capabilities, and sets of them.

use core::ops::{BitAnd, BitOr};

/// A set of capabilities.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Caps(u16);

impl Caps {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const MESSAGE_TAGS: Self = Self(1);
    pub(crate) const SERVER_TIME: Self = Self(1 << 1);
    pub(crate) const ECHO_MESSAGE: Self = Self(1 << 2);
    pub(crate) const MULTI_PREFIX: Self = Self(1 << 3);
    pub(crate) const CAP_NOTIFY: Self = Self(1 << 4);
    pub(crate) const USERHOST_IN_NAMES: Self = Self(1 << 5);
    pub(crate) const AWAY_NOTIFY: Self = Self(1 << 6);
    pub(crate) const BATCH: Self = Self(1 << 7);
    pub(crate) const LABELED_RESPONSE: Self = Self(1 << 8);
    pub(crate) const EXTENDED_JOIN: Self = Self(1 << 9);

    pub(crate) const fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    pub(crate) const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    pub(crate) const fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }
}

impl BitAnd for Caps {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Caps {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

/// One capability that the server offers.
pub(crate) struct Capability {
    pub(crate) name: &'static [u8],
    pub(crate) bit: Caps,
}

/// All that the server offers, in the order of `CAP LS`.
pub(crate) const ALL: &[Capability] = &[
    Capability { name: b"away-notify", bit: Caps::AWAY_NOTIFY },
    Capability { name: b"batch", bit: Caps::BATCH },
    Capability { name: b"cap-notify", bit: Caps::CAP_NOTIFY },
    Capability { name: b"echo-message", bit: Caps::ECHO_MESSAGE },
    Capability { name: b"extended-join", bit: Caps::EXTENDED_JOIN },
    Capability { name: b"labeled-response", bit: Caps::LABELED_RESPONSE },
    Capability { name: b"message-tags", bit: Caps::MESSAGE_TAGS },
    Capability { name: b"multi-prefix", bit: Caps::MULTI_PREFIX },
    Capability { name: b"server-time", bit: Caps::SERVER_TIME },
    Capability { name: b"userhost-in-names", bit: Caps::USERHOST_IN_NAMES },
];

/// The capability of that name. Names are compared exactly.
pub(crate) fn by_name(name: &[u8]) -> Option<&'static Capability> {
    ALL.iter().find(|capability| capability.name == name)
}
