//! The table of user modes, and sets of them.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The modes of one user.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserModes {
    pub(crate) invisible: bool,
    pub(crate) oper: bool,
    pub(crate) wallops: bool,
    pub(crate) bot: bool,
    pub(crate) cloaked: bool,
}

/// One user mode.
pub(crate) struct UserMode {
    pub(crate) letter: u8,
    pub(crate) set_by: SetBy,
    /// What it does, in one sentence, for the documentation.
    pub(crate) about: &'static str,
    flag: fn(&mut UserModes) -> &mut bool,
}

/// Who may set a user mode; its user may always take it off.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum SetBy {
    /// Its user.
    User,
    /// The server alone.
    Server,
}

/// All user modes, by letter.
pub(crate) const USER_MODES: &[UserMode] = &[
    UserMode {
        letter: b'B',
        set_by: SetBy::User,
        about: "Marks you as a bot.",
        flag: |modes| &mut modes.bot,
    },
    UserMode {
        letter: b'i',
        set_by: SetBy::User,
        about: "Hides you from those who share no channel with you.",
        flag: |modes| &mut modes.invisible,
    },
    UserMode {
        letter: b'o',
        set_by: SetBy::Server,
        about: "Marks you as an operator of the server; OPER sets it.",
        flag: |modes| &mut modes.oper,
    },
    UserMode {
        letter: b'w',
        set_by: SetBy::User,
        about: "Shows you what operators tell all who want to hear it.",
        flag: |modes| &mut modes.wallops,
    },
    UserMode {
        letter: b'x',
        set_by: SetBy::User,
        about: "Shows others a cloak in place of your address; it is set on arrival.",
        flag: |modes| &mut modes.cloaked,
    },
];

/// The mode of a letter.
pub(crate) fn user_mode(letter: u8) -> Option<&'static UserMode> {
    USER_MODES.iter().find(|mode| mode.letter == letter)
}

impl UserMode {
    pub(crate) fn is_set(&self, mut modes: UserModes) -> bool {
        *(self.flag)(&mut modes)
    }

    /// Sets it or takes it off; whether that changed anything.
    pub(crate) fn set(&self, modes: &mut UserModes, on: bool) -> bool {
        core::mem::replace((self.flag)(modes), on) != on
    }
}

impl UserModes {
    /// The letters of those that are set, after a `+`.
    pub(crate) fn shown(self) -> Vec<u8> {
        let set = USER_MODES.iter().filter(|mode| mode.is_set(self)).map(|mode| mode.letter);
        core::iter::once(b'+').chain(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_each_does() {
        assert!(USER_MODES.is_sorted_by_key(|mode| mode.letter));
        assert!(USER_MODES.iter().all(|mode| mode.about.ends_with('.')));
    }

    #[test]
    fn each_letter_is_a_mode_of_its_own() {
        for mode in USER_MODES {
            let mut modes = UserModes::default();
            assert!(mode.set(&mut modes, true) && !mode.set(&mut modes, true));
            assert_eq!(modes.shown(), [b'+', mode.letter]);
        }
    }
}
