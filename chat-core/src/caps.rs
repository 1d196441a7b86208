//! The table of IRCv3 capabilities, and sets of them.

use alloc::{format, string::String, vec::Vec};
use core::ops::{BitAnd, BitOr};

use crate::{Config, Limits};

/// A set of capabilities.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Caps(u32);

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
    pub(crate) const SETNAME: Self = Self(1 << 10);
    pub(crate) const DRAFT_NO_IMPLICIT_NAMES: Self = Self(1 << 11);
    pub(crate) const NO_IMPLICIT_NAMES: Self = Self(1 << 12);
    pub(crate) const EXTENDED_MONITOR: Self = Self(1 << 13);
    pub(crate) const CHGHOST: Self = Self(1 << 23);
    pub(crate) const PRE_AWAY: Self = Self(1 << 24);
    pub(crate) const CHATHISTORY: Self = Self(1 << 20);
    pub(crate) const EVENT_PLAYBACK: Self = Self(1 << 21);
    pub(crate) const MULTILINE: Self = Self(1 << 22);
    pub(crate) const STANDARD_REPLIES: Self = Self(1 << 14);
    pub(crate) const OPER_TAG: Self = Self(1 << 25);
    pub(crate) const EXTENDED_ISUPPORT: Self = Self(1 << 26);
    pub(crate) const METADATA: Self = Self(1 << 15);
    pub(crate) const ACCOUNT_NOTIFY: Self = Self(1 << 30);
    pub(crate) const ACCOUNT_TAG: Self = Self(1 << 31);
    pub(crate) const MESSAGE_REDACTION: Self = Self(1 << 27);
    pub(crate) const READ_MARKER: Self = Self(1 << 16);
    pub(crate) const CHANNEL_RENAME: Self = Self(1 << 17);
    pub(crate) const INVITE_NOTIFY: Self = Self(1 << 18);

    pub(crate) const fn has(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    pub(crate) const fn has_any(self, wanted: Self) -> bool {
        self.0 & wanted.0 != 0
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
    /// What it does, in one sentence, for the documentation.
    pub(crate) about: &'static str,
    /// Its value in `CAP LS 302`, if it has one.
    pub(crate) value: Option<fn(&Config) -> String>,
    /// Whether a server with this configuration offers it.
    pub(crate) offered: fn(&Config) -> bool,
}

const fn row(name: &'static [u8], bit: Caps, about: &'static str) -> Capability {
    Capability { name, bit, about, value: None, offered: |_| true }
}

/// A capability that there is only with history.
const fn of_history(name: &'static [u8], bit: Caps, about: &'static str) -> Capability {
    Capability { offered: |config| config.limits.history_lines > 0, ..row(name, bit, about) }
}

/// All that the server offers, in the order of `CAP LS`.
pub(crate) const ALL: &[Capability] = &[
    // Nobody can log in to an account yet: these change nothing until somebody can, but for what a
    // client may rely on.
    row(
        b"account-notify",
        Caps::ACCOUNT_NOTIFY,
        "Tells when somebody in a common channel logs in to an account, or out; nobody can yet.",
    ),
    row(
        b"account-tag",
        Caps::ACCOUNT_TAG,
        "Marks lines with the account of who sent them; nobody has one yet.",
    ),
    row(
        b"away-notify",
        Caps::AWAY_NOTIFY,
        "Tells when somebody in a common channel goes away or comes back.",
    ),
    row(b"batch", Caps::BATCH, "Groups lines that belong together."),
    row(b"cap-notify", Caps::CAP_NOTIFY, "Tells when capabilities come and go."),
    row(
        b"chghost",
        Caps::CHGHOST,
        "Tells when the host of somebody in a common channel changes, in place of a QUIT and JOIN.",
    ),
    row(
        b"draft/channel-rename",
        Caps::CHANNEL_RENAME,
        "Tells of a channel's new name, in place of a PART and JOIN.",
    ),
    of_history(
        b"draft/chathistory",
        Caps::CHATHISTORY,
        "Lets clients ask for what was said before, and shows them nothing of it unasked.",
    ),
    of_history(
        b"draft/event-playback",
        Caps::EVENT_PLAYBACK,
        "Adds joins, modes and other events to the history.",
    ),
    row(
        b"draft/extended-isupport",
        Caps::EXTENDED_ISUPPORT,
        "Lets ISUPPORT be used before registration, and groups its lines in a batch.",
    ),
    of_history(
        b"draft/message-redaction",
        Caps::MESSAGE_REDACTION,
        "Lets messages be taken back, and tells of those that were.",
    ),
    Capability {
        name: b"draft/metadata-2",
        bit: Caps::METADATA,
        about: "Tells of keys and values of users and channels, and of their changes.",
        value: Some(metadata_value),
        offered: |_| true,
    },
    Capability {
        value: Some(|config| {
            let Limits { multiline_bytes, multiline_lines, .. } = config.limits;
            alloc::format!("max-bytes={multiline_bytes},max-lines={multiline_lines}")
        }),
        offered: |config| config.limits.multiline_lines > 0,
        ..row(b"draft/multiline", Caps::MULTILINE, "Lets messages have several lines.")
    },
    row(b"draft/no-implicit-names", Caps::DRAFT_NO_IMPLICIT_NAMES, "As no-implicit-names."),
    row(
        b"draft/oper-tag",
        Caps::OPER_TAG,
        "Marks what operators of the server say and do with the tag draft/oper.",
    ),
    row(b"draft/pre-away", Caps::PRE_AWAY, "Lets AWAY be used before registration."),
    row(
        b"draft/read-marker",
        Caps::READ_MARKER,
        "Keeps up to when you have read a channel or a conversation.",
    ),
    row(
        b"echo-message",
        Caps::ECHO_MESSAGE,
        "Sends your own messages back to you as others see them.",
    ),
    row(b"extended-join", Caps::EXTENDED_JOIN, "Adds account and real name to JOIN."),
    row(
        b"extended-monitor",
        Caps::EXTENDED_MONITOR,
        "Tells of watched nicks what is otherwise told of those in common channels.",
    ),
    row(
        b"invite-notify",
        Caps::INVITE_NOTIFY,
        "Tells when somebody is invited to a channel that you are in.",
    ),
    row(
        b"labeled-response",
        Caps::LABELED_RESPONSE,
        "Marks the answers to a command with the label that it came with.",
    ),
    row(b"message-tags", Caps::MESSAGE_TAGS, "Lets lines carry tags, and clients send their own."),
    row(
        b"multi-prefix",
        Caps::MULTI_PREFIX,
        "Shows all prefixes of a member, not the highest alone.",
    ),
    row(b"no-implicit-names", Caps::NO_IMPLICIT_NAMES, "Leaves out the names after a JOIN."),
    row(b"server-time", Caps::SERVER_TIME, "Marks lines with the time at which they were sent."),
    row(
        b"setname",
        Caps::SETNAME,
        "Tells when somebody in a common channel changes the real name.",
    ),
    row(
        b"standard-replies",
        Caps::STANDARD_REPLIES,
        "Tells what went wrong in FAIL, WARN and NOTE.",
    ),
    row(b"userhost-in-names", Caps::USERHOST_IN_NAMES, "Shows user names and hosts in NAMES."),
];

/// Those that a server with this configuration offers.
pub(crate) fn offered(config: &Config) -> impl Iterator<Item = &'static Capability> {
    ALL.iter().filter(|capability| {
        (capability.offered)(config)
            && !config.capabilities_off.iter().any(|off| off.as_bytes() == capability.name)
    })
}

impl Capability {
    /// `name`, or `name=value` if it has a value and that is asked for.
    pub(crate) fn text(&self, config: &Config, with_value: bool) -> Vec<u8> {
        match self.value.filter(|_| with_value).map(|value| value(config)) {
            Some(value) if !value.is_empty() => [self.name, b"=", value.as_bytes()].concat(),
            _ => self.name.to_vec(),
        }
    }
}

fn metadata_value(config: &Config) -> String {
    let limits = &config.limits;
    let (subs, keys, len) =
        (limits.metadata_subs, limits.metadata_keys, limits.metadata_value_max());
    format!("before-connect,max-subs={subs},max-keys={keys},max-value-bytes={len}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_a_bit_of_its_own() {
        let all = ALL.iter().try_fold(Caps::NONE, |all, capability| {
            (capability.bit.0.count_ones() == 1 && !all.has(capability.bit))
                .then(|| all.with(capability.bit))
        });
        assert!(all.is_some());
    }

    #[test]
    fn no_two_share_a_bit() {
        let mut seen = Caps::NONE;
        for capability in ALL {
            assert!(seen & capability.bit == Caps::NONE, "{:?}", capability.about);
            seen = seen.with(capability.bit);
        }
    }

    #[test]
    fn the_table_is_sorted_and_says_what_each_does() {
        assert!(ALL.is_sorted_by_key(|capability| capability.name));
        assert!(ALL.iter().all(|capability| capability.about.ends_with('.')));
    }
}
