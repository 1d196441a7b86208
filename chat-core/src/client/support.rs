//! What the server said of itself in `RPL_ISUPPORT` that a client must know.
//!
//! Specification: the modern IRC client protocol, "RPL_ISUPPORT Parameters".

use alloc::vec::Vec;

use super::Text;
use crate::wire::CaseMapping;

/// The server's tokens; those of the protocol's default until it says otherwise.
#[derive(Clone, Debug)]
pub(super) struct Support {
    pub(super) mapping: CaseMapping,
    pub(super) nick_len: usize,
    pub(super) network: Option<Text>,
    channel_types: Text,
    /// Letters of membership modes and their prefixes, highest first.
    prefixes: Vec<(u8, u8)>,
    /// The other channel modes: those with a parameter always, and those with one when set.
    with_param: Text,
    with_param_when_set: Text,
}

impl Default for Support {
    fn default() -> Self {
        Self {
            mapping: CaseMapping::Rfc1459,
            nick_len: NICK_LEN,
            network: None,
            channel_types: "#&".into(),
            prefixes: [(b'o', b'@'), (b'v', b'+')].into(),
            with_param: "beIk".into(),
            with_param_when_set: "l".into(),
        }
    }
}

impl Support {
    /// Takes one token, `NAME`, `NAME=value` or `-NAME`. Unknown and malformed ones are ignored.
    pub(super) fn take(&mut self, token: &[u8]) {
        let mut parts = token.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let default = Self::default();
        match name {
            b"CASEMAPPING" => {
                let is_rfc = matches!(value, b"rfc1459" | b"rfc1459-strict");
                self.mapping = if is_rfc { CaseMapping::Rfc1459 } else { CaseMapping::Ascii };
            }
            b"-CASEMAPPING" => self.mapping = default.mapping,
            b"NICKLEN" => {
                let len = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                self.nick_len = len.filter(|&len| len > 0).unwrap_or(default.nick_len);
            }
            b"-NICKLEN" => self.nick_len = default.nick_len,
            b"NETWORK" => self.network = Some(unescape(value)),
            b"CHANTYPES" => self.channel_types = value.into(),
            b"-CHANTYPES" => self.channel_types = default.channel_types,
            b"PREFIX" => self.prefixes = parse_prefixes(value),
            b"-PREFIX" => self.prefixes = default.prefixes,
            b"CHANMODES" => {
                let mut kinds = value.split(|&byte| byte == b',').map(<[u8]>::to_vec);
                let mut always = kinds.next().unwrap_or_default();
                always.extend(kinds.next().unwrap_or_default());
                self.with_param = always.into();
                self.with_param_when_set = kinds.next().unwrap_or_default().into();
            }
            _ => {}
        }
    }

    /// Whether a target is a channel.
    pub(super) fn is_channel(&self, target: &[u8]) -> bool {
        target.first().is_some_and(|first| self.channel_types.contains(first))
    }

    /// Splits an item of a list of names, `@+nick`, into prefixes and nick.
    pub(super) fn split_prefixes<'a>(&self, item: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let is_prefix = |byte: &u8| self.prefixes.iter().any(|(_, prefix)| prefix == byte);
        item.split_at(item.iter().position(|byte| !is_prefix(byte)).unwrap_or(item.len()))
    }

    /// The prefixes after one more or one less; each once, highest first.
    pub(super) fn with_prefix(&self, prefixes: &[u8], changed: u8, set: bool) -> Text {
        let kept = |&prefix: &u8| {
            if prefix == changed { set } else { prefixes.contains(&prefix) }
        };
        let ranked = self.prefixes.iter().map(|&(_, prefix)| prefix);
        ranked.filter(kept).collect::<Vec<_>>().into()
    }

    /// What the letter of a channel mode means.
    pub(super) fn mode(&self, letter: u8, set: bool) -> ModeKind {
        if let Some(&(_, prefix)) = self.prefixes.iter().find(|(mode, _)| *mode == letter) {
            return ModeKind::Member { prefix };
        }
        let has_param =
            self.with_param.contains(&letter) || set && self.with_param_when_set.contains(&letter);
        if has_param { ModeKind::WithParam } else { ModeKind::Flag }
    }
}

/// What a channel mode changes.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum ModeKind {
    /// The prefix of the member that its parameter names.
    Member { prefix: u8 },
    /// Something with a parameter.
    WithParam,
    /// Something without.
    Flag,
}

/// `(ov)@+` as pairs; at most as many as there are letters.
fn parse_prefixes(value: &[u8]) -> Vec<(u8, u8)> {
    let Some(inner) = value.strip_prefix(b"(") else { return Vec::new() };
    let mut halves = inner.splitn(2, |&byte| byte == b')');
    let letters = halves.next().unwrap_or_default();
    let prefixes = halves.next().unwrap_or_default();
    letters.iter().copied().zip(prefixes.iter().copied()).take(PREFIXES_MAX).collect()
}

/// A value with its `\x20` and other hexadecimal escapes resolved.
fn unescape(value: &[u8]) -> Text {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        let hex = rest.strip_prefix(br"\x").and_then(|hex| str::from_utf8(hex.get(..2)?).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[4..];
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    out.into()
}

/// The length of a nick that is tried where the server has not told its limit, in bytes.
const NICK_LEN: usize = 30;

/// The most kinds of members.
const PREFIXES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn support(tokens: &str) -> Support {
        let mut support = Support::default();
        tokens.split(' ').for_each(|token| support.take(token.as_bytes()));
        support
    }

    #[test]
    fn tokens_are_taken_and_taken_back() {
        let mut support = support("CASEMAPPING=ascii NICKLEN=9 CHANTYPES=! NETWORK=A\\x20B\\x2");
        assert_eq!(support.mapping, CaseMapping::Ascii);
        assert_eq!(support.nick_len, 9);
        assert_eq!(support.network, Some("A B\\x2".into()));
        assert!(support.is_channel(b"!a") && !support.is_channel(b"#a"));
        support.take(b"-CHANTYPES");
        support.take(b"NICKLEN=many");
        assert!(support.is_channel(b"#a") && !support.is_channel(b""));
        assert_eq!(support.nick_len, NICK_LEN);
    }

    #[test]
    fn prefixes_keep_the_servers_order() {
        let support = support("PREFIX=(qov)~@+");
        assert_eq!(support.split_prefixes(b"@+alice"), (&b"@+"[..], &b"alice"[..]));
        assert_eq!(support.with_prefix(b"+", b'~', true), "~+");
        assert_eq!(support.with_prefix(b"~+", b'+', false), "~");
    }

    #[test]
    fn modes_tell_whether_they_have_a_parameter() {
        let support = support("PREFIX=(o)@ CHANMODES=b,k,l,imn");
        assert_eq!(support.mode(b'o', false), ModeKind::Member { prefix: b'@' });
        assert_eq!(support.mode(b'b', true), ModeKind::WithParam);
        assert_eq!(support.mode(b'k', false), ModeKind::WithParam);
        assert_eq!(support.mode(b'l', true), ModeKind::WithParam);
        assert_eq!(support.mode(b'l', false), ModeKind::Flag);
        assert_eq!(support.mode(b'm', true), ModeKind::Flag);
    }
}
