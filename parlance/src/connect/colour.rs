//! Colours of a terminal, if it is to have any.

use std::{env, ffi::OsStr};

/// Paints text that is fit to be shown.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) struct Colours(bool);

impl Colours {
    pub(super) const OFF: Self = Self(false);

    /// Colours, unless `NO_COLOR` is set to something or the terminal is said to be dumb.
    pub(super) fn of_environment() -> Self {
        Self::by(env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref())
    }

    fn by(no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self(!refused && term.is_some_and(|term| term != "dumb"))
    }

    pub(super) const fn are_on(self) -> bool {
        self.0
    }

    /// A nick, always in the same colour.
    pub(super) fn nick(self, nick: &str) -> String {
        let sum = nick.bytes().fold(7_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte.to_ascii_lowercase()))
        });
        self.paint(NICK_COLOURS[sum % NICK_COLOURS.len()], nick)
    }

    /// Our own nick.
    pub(super) fn own(self, nick: &str) -> String {
        self.paint("1", nick)
    }

    /// A text that names us.
    pub(super) fn mention(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// What is not said by anybody.
    pub(super) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What went wrong.
    pub(super) fn error(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Those that can be read on black and on white.
const NICK_COLOURS: &[&str] = &["31", "32", "33", "34", "35", "36", "91", "94", "95"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_is_honoured() {
        let by = |no_color: Option<&str>, term: Option<&str>| {
            Colours::by(no_color.map(OsStr::new), term.map(OsStr::new)).are_on()
        };
        assert!(by(None, Some("xterm")) && by(Some(""), Some("xterm")));
        assert!(!by(Some("1"), Some("xterm")) && !by(None, Some("dumb")) && !by(None, None));
    }

    #[test]
    fn a_nick_keeps_its_colour_in_any_case() {
        let colours = Colours(true);
        assert_eq!(colours.nick("Bob").to_lowercase(), colours.nick("bob"));
        assert_eq!(Colours::OFF.nick("bob"), "bob");
    }
}
