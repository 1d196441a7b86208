//! Metadata: what a user or channel tells of itself, by key.
//!
//! Specification: IRCv3 `metadata`, "Keys and Values".

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{ChannelId, UserId, state::Text, text};

/// Bytes of a key: a key and its value share a line with names.
pub(crate) const METADATA_KEY_LEN: usize = 50;

/// What an entry costs beside its key and value, about.
const ENTRY_COST: usize = 32;

/// Whose metadata it is.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum MetadataOf {
    User(UserId),
    Channel(ChannelId),
}

/// A key and its value, as they were sent.
pub(crate) type KeyValue<'a> = (&'a [u8], &'a [u8]);

/// Keys and their values, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metadata(Vec<(Text, Text)>);

impl Metadata {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.find(key).ok().map(|at| &self.0[at].1[..])
    }

    /// Keys and values, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// The `at`th key and value.
    pub(crate) fn at(&self, at: usize) -> Option<(&[u8], &[u8])> {
        self.0.get(at).map(|(key, value)| (&key[..], &value[..]))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What it costs in memory, in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.0.iter().map(|(key, value)| entry_cost(key, value)).sum()
    }

    /// What it would cost more with this value, or less (negative).
    pub(crate) fn growth(&self, key: &[u8], value: &[u8]) -> isize {
        let before = self.get(key).map_or(0, |old| entry_cost(key, old));
        entry_cost(key, value) as isize - before as isize
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8]) {
        match self.find(key) {
            Ok(at) => self.0[at].1 = text(value),
            Err(at) => self.0.insert(at, (text(key), text(value))),
        }
    }

    /// Whether the key was set.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        self.find(key).map(|at| self.0.remove(at)).is_ok()
    }

    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(key))
    }
}

fn entry_cost(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + ENTRY_COST
}

/// Whether it can be a key: lower case letters, digits, `_`, `.`, `/`, `-`.
pub(crate) fn is_metadata_key(key: &[u8]) -> bool {
    let allowed =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_./-".contains(byte);
    (1..=METADATA_KEY_LEN).contains(&key.len()) && key.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn keys_are_lower_case_letters_digits_and_four_marks() {
        for byte in 0..=u8::MAX {
            let allowed = b"abcdefghijklmnopqrstuvwxyz0123456789_./-".contains(&byte);
            assert_eq!(is_metadata_key(&[b'a', byte]), allowed, "{byte:#04x}");
        }
        assert!(!is_metadata_key(b""));
        assert!(is_metadata_key(&[b'a'; METADATA_KEY_LEN]));
        assert!(!is_metadata_key(&[b'a'; METADATA_KEY_LEN + 1]));
    }

    #[test]
    fn entries_are_sorted_and_what_they_cost_is_known() {
        let mut metadata = Metadata::default();
        for (key, value) in [(&b"url"[..], &b"x"[..]), (b"avatar", b"y"), (b"url", b"longer")] {
            let expected = metadata.cost() as isize + metadata.growth(key, value);
            metadata.set(key, value);
            assert_eq!(metadata.cost() as isize, expected);
        }
        let all: Vec<_> = metadata.iter().collect();
        assert_eq!(all, vec![(&b"avatar"[..], &b"y"[..]), (b"url", b"longer")]);
        assert!(metadata.remove(b"url") && !metadata.remove(b"url"));
        assert_eq!((metadata.len(), metadata.get(b"avatar")), (1, Some(&b"y"[..])));
    }
}
