//! Which bytes can be a nick, a channel's name, a user name, a host, a key, a mask.
//!
//! All lengths are in bytes. None of these checks compares names: see
//! [`CaseMapping`].

use core::fmt;

use super::{CaseMapping, Escaped};

/// A nickname that was checked.
#[derive(Copy, Clone, Eq, PartialEq)]
pub struct Nick<'a>(&'a [u8]);

impl<'a> Nick<'a> {
    /// The nick, if [`is_nick`] says so, with characters beyond ASCII where names may have them.
    #[must_use]
    pub fn new(nick: &'a [u8], max_len: usize, casemapping: CaseMapping) -> Option<Self> {
        let good = match nick.is_ascii() {
            true => is_nick(nick, max_len),
            false => {
                is_nick_beyond_ascii(nick)
                    && casemapping.admits(nick, max_len)
                    // Some characters fold to ASCII that no nick may hold.
                    && is_nick_beyond_ascii(&casemapping.fold(nick))
            }
        };
        (good && nick.len() <= max_len).then_some(Self(nick))
    }

    /// The nick as it was given, unfolded.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Nick<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nick").field(&Escaped(self.0)).finish()
    }
}

/// A channel's name that was checked.
#[derive(Copy, Clone, Eq, PartialEq)]
pub struct ChannelName<'a>(&'a [u8]);

impl<'a> ChannelName<'a> {
    /// The name, if [`is_channel`] says so; where names are text, it must be such text.
    #[must_use]
    pub fn new(name: &'a [u8], max_len: usize, casemapping: CaseMapping) -> Option<Self> {
        let admitted = !casemapping.is_unicode() || casemapping.admits(name, max_len);
        (admitted && is_channel(name, max_len)).then_some(Self(name))
    }

    /// The name as it was given, unfolded, with its `#`.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for ChannelName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChannelName").field(&Escaped(self.0)).finish()
    }
}

/// Whether it can be a nick: 1 to `max_len` ASCII letters, digits, `-` and ``[]\`_^{|}``, the first
/// neither a digit nor `-`.
///
/// RFC 2812, section 2.3.1.
#[must_use]
pub fn is_nick(bytes: &[u8], max_len: usize) -> bool {
    let starts_well = bytes.first().is_some_and(|&byte| is_letter_or_special(byte));
    let rest = |&byte: &u8| is_letter_or_special(byte) || byte.is_ascii_digit() || byte == b'-';
    starts_well && bytes.len() <= max_len && bytes.iter().all(rest)
}

/// Whether the ASCII in it may be in a nick, and it does not begin with a digit of any script.
fn is_nick_beyond_ascii(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let rest = |byte: u8| is_letter_or_special(byte) || byte.is_ascii_digit() || byte == b'-';
    let starts_well = text.chars().next().is_some_and(|first| !first.is_numeric() && first != '-');
    starts_well && bytes.iter().all(|&byte| !byte.is_ascii() || rest(byte))
}

/// Whether it can be a channel's name: `#`, then bytes other than space, comma, colon and control
/// bytes; `max_len` bytes at most, the `#` counted.
///
/// Stricter than the protocol, which rules out only BEL (and NUL, CR, LF) of the control bytes: the
/// others make two names look the same.
#[must_use]
pub fn is_channel(bytes: &[u8], max_len: usize) -> bool {
    let allowed = |&byte: &u8| !is_control(byte) && !matches!(byte, b' ' | b',' | b':');
    bytes.first() == Some(&b'#') && bytes.len() <= max_len && bytes.iter().all(allowed)
}

/// Whether it can be a user name: 1 to `max_len` bytes, none of them a space, `!`, `@` or control
/// byte, the first no colon.
#[must_use]
pub fn is_user(bytes: &[u8], max_len: usize) -> bool {
    is_middle(bytes, max_len) && !bytes.iter().any(|byte| matches!(byte, b'!' | b'@'))
}

/// Whether the byte can be part of a host: a letter, a digit, or one of `.-:/_`, so that names,
/// addresses and cloaks all pass.
#[must_use]
pub const fn is_host_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'/' | b'_')
}

/// Whether it can be a channel's key: 1 to `max_len` bytes, none of them a space, comma or control
/// byte, the first no colon. Such a key can be given in JOIN's list of keys.
#[must_use]
pub fn is_key(bytes: &[u8], max_len: usize) -> bool {
    is_middle(bytes, max_len) && !bytes.contains(&b',')
}

/// Whether it can be a mask in a channel's list: 1 to `max_len` bytes, none of them a space or
/// control byte, the first no colon. Such a mask can be sent as any parameter.
#[must_use]
pub fn is_mask(bytes: &[u8], max_len: usize) -> bool {
    is_middle(bytes, max_len)
}

/// The items of a comma-separated list; empty ones are skipped.
pub fn split_list(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|&byte| byte == b',').filter(|item| !item.is_empty())
}

/// Whether it can be sent as any parameter and shows on one line.
fn is_middle(bytes: &[u8], max_len: usize) -> bool {
    bytes.first().is_some_and(|&byte| byte != b':')
        && bytes.len() <= max_len
        && !bytes.iter().any(|&byte| byte == b' ' || is_control(byte))
}

const fn is_letter_or_special(byte: u8) -> bool {
    // `[\]^_` and the backtick lie between the cases, `{|}` after them.
    matches!(byte, b'A'..=b'}')
}

const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::unicode::letters;
    use alloc::{format, vec::Vec};

    #[test]
    fn nicks_are_those_of_rfc_2812() {
        let first = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz[]\\`_^{|}";
        let later = b"0123456789-";
        for byte in 0..=u8::MAX {
            assert_eq!(is_nick(&[byte], 9), first.contains(&byte), "{byte:#04x}");
            let allowed = first.contains(&byte) || later.contains(&byte);
            assert_eq!(is_nick(&[b'a', byte], 9), allowed, "{byte:#04x}");
        }
    }

    #[test]
    fn lengths_are_limited_in_bytes() {
        assert!(is_nick(b"abc", 3) && !is_nick(b"abcd", 3) && !is_nick(b"", 3));
        assert!(is_channel(b"#bc", 3) && !is_channel(b"#bcd", 3) && !is_channel(b"", 3));
        assert!(is_user(b"abc", 3) && !is_user(b"abcd", 3) && !is_user(b"", 3));
        assert!(is_key(b"abc", 3) && !is_key(b"abcd", 3) && !is_key(b"", 3));
        assert!(is_mask(b"abc", 3) && !is_mask(b"abcd", 3) && !is_mask(b"", 3));
        assert!(!is_nick(b"a", 0));
    }

    #[test]
    fn each_kind_of_name_refuses_its_own_bytes() {
        let control = |byte: u8| byte < 0x20 || byte == 0x7f;
        for byte in 0..=u8::MAX {
            let inside = [b'#', byte];
            let refused = |extra: &[u8]| control(byte) || byte == b' ' || extra.contains(&byte);
            assert_eq!(is_channel(&inside, 9), !refused(b",:"), "{byte:#04x}");
            assert_eq!(is_user(&inside, 9), !refused(b"!@"), "{byte:#04x}");
            assert_eq!(is_key(&inside, 9), !refused(b","), "{byte:#04x}");
            assert_eq!(is_mask(&inside, 9), !refused(b""), "{byte:#04x}");
        }
    }

    #[test]
    fn only_a_channel_starts_with_a_hash_and_nothing_with_a_colon() {
        assert!(is_channel(b"#", 9) && is_channel("#caf\u{e9}".as_bytes(), 9));
        assert!(!is_channel(b"rust", 9) && !is_channel(b"&rust", 9));
        assert!(!is_user(b":a", 9) && !is_key(b":a", 9) && !is_mask(b":a", 9));
        assert!(is_user(b"a:", 9) && is_key(b"a:", 9) && is_mask(b"a:", 9));
    }

    #[test]
    fn host_bytes() {
        assert!(b"irc.example-1.com/cloak_x::1".iter().all(|&byte| is_host_char(byte)));
        assert!(!b"! @*?,\0\r\n\xe9~".iter().any(|&byte| is_host_char(byte)));
    }

    #[test]
    fn lists_skip_empty_items() {
        let items: Vec<_> = split_list(b",#a,,#b c,").collect();
        assert_eq!(items, [&b"#a"[..], b"#b c"]);
        assert_eq!(split_list(b"").count(), 0);
    }

    #[test]
    fn the_fold_of_a_name_is_a_name_of_its_kind() {
        for mapping in [CaseMapping::Precis, CaseMapping::Permissive] {
            for c in letters() {
                let (nick, channel) = (format!("a{c}"), format!("#{c}"));
                let is_nick = |nick: &[u8]| Nick::new(nick, 64, mapping).is_some();
                let is_channel = |name: &[u8]| ChannelName::new(name, 64, mapping).is_some();
                let folded = |name: &str| mapping.fold(name.as_bytes());
                assert!(!is_nick(nick.as_bytes()) || is_nick(&folded(&nick)), "{nick:?}");
                assert!(!is_channel(channel.as_bytes()) || is_channel(&folded(&channel)), "{c:?}");
            }
        }
        // The Greek question mark folds to a semicolon.
        assert_eq!(Nick::new("a\u{37e}".as_bytes(), 9, CaseMapping::Permissive), None);
    }

    #[test]
    fn checked_names_are_made_by_checking_only() {
        assert_eq!(
            Nick::new(b"dan", 9, CaseMapping::Ascii).map(|nick| nick.as_bytes()),
            Some(&b"dan"[..])
        );
        assert_eq!(Nick::new(b"1dan", 9, CaseMapping::Ascii), None);
        assert_eq!(ChannelName::new(b"#a,b", 9, CaseMapping::Ascii), None);
        let channel = ChannelName::new(b"#a\xff", 9, CaseMapping::Ascii);
        assert_eq!(format!("{channel:?}"), r##"Some(ChannelName("#a\xff"))"##);
    }
}
