//! Message tags, read in place from the raw section and escaped when written.
//!
//! Specification: IRCv3 `message-tags`.

use alloc::vec::Vec;
use core::fmt;

use memchr::memchr;

use super::Escaped;

/// The tag section of a line, raw, without its `@`. Empty by default.
#[derive(Copy, Clone, Default, Eq, PartialEq)]
pub struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    /// A section as it stands in a line: `a=b;+c`, values escaped. Any bytes may come; items that
    /// are no tags are skipped when read, and [`Encoder::raw_tags`](super::Encoder::raw_tags)
    /// leaves out bytes that no section can hold.
    #[must_use]
    pub const fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// The raw section, unusable items included.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether the section has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags in their order. Empty items and those without a valid key are skipped; a key
    /// given twice comes twice.
    #[must_use]
    pub const fn iter(&self) -> TagIter<'a> {
        TagIter { rest: self.0 }
    }

    /// The value of a tag; the last one, if the key is given more than once. Keys are
    /// case-sensitive.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<RawTagValue<'a>> {
        self.iter().filter(|(found, _)| *found == key).last().map(|(_, value)| value)
    }

    /// The client-only tags: those whose key begins with `+`. The key is given with it.
    pub fn client_only(&self) -> impl Iterator<Item = (&'a [u8], RawTagValue<'a>)> + use<'a> {
        self.iter().filter(|(key, _)| key.first() == Some(&b'+'))
    }
}

impl<'a> IntoIterator for Tags<'a> {
    type Item = (&'a [u8], RawTagValue<'a>);
    type IntoIter = TagIter<'a>;

    fn into_iter(self) -> TagIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tags").field(&Escaped(self.0)).finish()
    }
}

/// Iterator of [`Tags::iter`].
#[derive(Clone)]
pub struct TagIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for TagIter<'a> {
    type Item = (&'a [u8], RawTagValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (item, rest) = split_at_byte(self.rest, b';');
            self.rest = rest;
            let (key, value) = split_at_byte(item, b'=');
            if is_tag_key(key) {
                return Some((key, RawTagValue(value)));
            }
        }
        None
    }
}

impl fmt::Debug for TagIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TagIter").field(&Escaped(self.rest)).finish()
    }
}

/// A tag's value in its escaped form. A missing value and an empty one are the same.
#[derive(Copy, Clone, Default, Eq, PartialEq)]
pub struct RawTagValue<'a>(&'a [u8]);

impl<'a> RawTagValue<'a> {
    /// The escaped bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the value itself to `out`: never more bytes than the escaped form has.
    ///
    /// The result may hold any byte, CR and LF too. An unknown escape loses its backslash; a lone
    /// backslash at the end is dropped.
    pub fn unescape(&self, out: &mut Vec<u8>) {
        let mut rest = self.0;
        while let Some(backslash) = memchr(b'\\', rest) {
            out.extend_from_slice(&rest[..backslash]);
            let Some(&escape) = rest.get(backslash + 1) else {
                return;
            };
            out.push(match escape {
                b':' => b';',
                b's' => b' ',
                b'r' => b'\r',
                b'n' => b'\n',
                other => other,
            });
            rest = &rest[backslash + 2..];
        }
        out.extend_from_slice(rest);
    }
}

impl fmt::Debug for RawTagValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawTagValue").field(&Escaped(self.0)).finish()
    }
}

/// Appends the escaped form of `value` to `out`: at most twice its length.
///
/// NUL has no escaped form and is left out.
pub fn escape_into(value: &[u8], out: &mut Vec<u8>) {
    // Most values need no escape: look at all bytes without a branch for each, then copy.
    if !value.iter().fold(false, |found, &byte| found | needs_escape(byte)) {
        out.extend_from_slice(value);
        return;
    }
    for &byte in value {
        match byte {
            b';' => out.extend_from_slice(br"\:"),
            b' ' => out.extend_from_slice(br"\s"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\\' => out.extend_from_slice(br"\\"),
            0 => {}
            _ => out.push(byte),
        }
    }
}

/// Whether a byte cannot stand in a value as it is.
const fn needs_escape(byte: u8) -> bool {
    (byte == b';')
        | (byte == b' ')
        | (byte == b'\r')
        | (byte == b'\n')
        | (byte == b'\\')
        | (byte == 0)
}

/// Whether `key` can name a tag: `[+][vendor/]name`, of letters, digits, `-` and `.`.
///
/// The dot in a name goes past the grammar, for versioned drafts such as `draft/foo-0.2`.
#[must_use]
pub fn is_tag_key(key: &[u8]) -> bool {
    let key = key.strip_prefix(b"+").unwrap_or(key);
    let mut slashes = 0;
    let valid = key.iter().all(|&byte| {
        slashes += usize::from(byte == b'/');
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/')
    });
    valid && slashes <= 1 && !matches!(key.first(), None | Some(b'/')) && key.last() != Some(&b'/')
}

/// What is before the first `byte` and what is after it; nothing after, if it is not there.
fn split_at_byte(bytes: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match memchr(byte, bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::{format, vec};

    fn unescaped(raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        RawTagValue(raw).unescape(&mut out);
        out
    }

    fn listed(raw: &str) -> Vec<String> {
        let show = |(key, value): (&[u8], RawTagValue<'_>)| {
            format!("{}={}", Escaped(key), Escaped(value.as_bytes()))
        };
        Tags::new(raw.as_bytes()).iter().map(show).collect()
    }

    #[test]
    fn items_are_split_at_semicolons_and_the_first_equals_sign() {
        assert_eq!(
            listed("aaa=bbb;ccc;example.com/ddd=e=e"),
            ["aaa=bbb", "ccc=", "example.com/ddd=e=e"]
        );
    }

    #[test]
    fn empty_items_and_invalid_keys_are_skipped() {
        assert_eq!(
            listed(";;a=1;;=x;b_c=2;+=3;/d=4;e/=5;f/g/h=6;\u{e9}=7;++i=8;j;"),
            ["a=1", "j="]
        );
        assert_eq!(listed(""), Vec::<String>::new());
    }

    #[test]
    fn the_last_value_of_a_key_counts_and_case_matters() {
        let tags = Tags::new(b"a=1;A=2;a=3");
        assert_eq!(tags.get(b"a").map(|value| value.as_bytes()), Some(&b"3"[..]));
        assert_eq!(tags.get(b"A").map(|value| value.as_bytes()), Some(&b"2"[..]));
        assert_eq!(tags.get(b"b"), None);
    }

    #[test]
    fn a_missing_value_is_an_empty_value() {
        let tags = Tags::new(b"a;b=");
        assert_eq!(tags.get(b"a"), tags.get(b"b"));
        assert!(tags.get(b"a").is_some_and(|value| value.is_empty()));
    }

    #[test]
    fn client_only_tags_begin_with_a_plus() {
        let tags = Tags::new(b"a=1;+b=2;+example.com/c;d");
        let keys: Vec<_> = tags.client_only().map(|(key, _)| key).collect();
        assert_eq!(keys, [&b"+b"[..], b"+example.com/c"]);
    }

    #[test]
    fn escapes_follow_the_table() {
        assert_eq!(unescaped(br"raw+:=,escaped\:\s\\"), br"raw+:=,escaped; \");
        assert_eq!(unescaped(br"\r\n"), b"\r\n");
        assert_eq!(unescaped(br"test\"), b"test");
        assert_eq!(unescaped(br"\b"), b"b");
        assert_eq!(unescaped(br"\\s\\\s"), br"\s\ ");
        assert_eq!(unescaped(b""), b"");

        let mut out = vec![b'='];
        escape_into(b"raw+:=,escaped; \\\r\n\0", &mut out);
        assert_eq!(out, br"=raw+:=,escaped\:\s\\\r\n");
    }

    #[test]
    fn every_byte_but_nul_survives_escaping() {
        let all: Vec<u8> = (1..=u8::MAX).collect();
        let mut escaped = Vec::new();
        escape_into(&all, &mut escaped);
        assert!(!escaped.iter().any(|byte| b"; \r\n\0".contains(byte)));
        assert_eq!(unescaped(&escaped), all);

        for byte in all {
            let mut escaped = Vec::new();
            escape_into(&[byte], &mut escaped);
            assert!(!escaped.iter().any(|byte| b"; \r\n\0".contains(byte)));
            assert_eq!(unescaped(&escaped), [byte]);
        }
    }

    #[test]
    fn keys() {
        for key in ["a", "+a", "time", "draft/reply", "+draft/foo-0.2", "znc.in/x", "A-1"] {
            assert!(is_tag_key(key.as_bytes()), "{key}");
        }
        for key in ["", "+", "/", "a/", "/a", "+/a", "a/b/c", "a b", "a=b", "a;b", "a_b", "a+b"] {
            assert!(!is_tag_key(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn debug_output_is_escaped() {
        assert_eq!(format!("{:?}", Tags::new(b"a=\x1b")), r#"Tags("a=\x1b")"#);
        assert_eq!(format!("{:?}", RawTagValue(b"\n")), r#"RawTagValue("\n")"#);
    }
}
