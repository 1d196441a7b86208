//! Names compared: folding, equality, hashes, masks and validity agree, whatever the casemapping.

use std::hash::Hasher;

use arbitrary::Arbitrary;
use chat_core::wire::{CaseMapping, ChannelName, Nick, Pattern};

use crate::{MAPPINGS, case};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    mapping: u8,
    /// The most bytes of a name.
    max_len: u8,
    /// Which characters of the first name are in the other case in the second.
    flipped: u64,
    third: &'a [u8],
    first: &'a [u8],
}

/// Takes a casemapping, and names of which two differ in case alone.
pub fn run(data: &[u8]) {
    let Some(case) = case::<Case<'_>>(data) else { return };
    let mapping = MAPPINGS[usize::from(case.mapping) % MAPPINGS.len()];
    let names = [case.first, &flip(case.first, case.flipped), case.third];
    for name in names {
        one(mapping, name, case.max_len.into());
        for other in names {
            two(mapping, name, other);
        }
    }
    let ascii = [names[0], names[1]].iter().all(|name| name.is_ascii());
    assert!(!ascii || mapping.eq(names[0], names[1]), "both cases are one name");
}

/// What holds for a name by itself.
fn one(mapping: CaseMapping, name: &[u8], max_len: usize) {
    let folded = mapping.fold(name);
    let is_nick = Nick::new(name, max_len, mapping).is_some();
    let is_channel = ChannelName::new(name, max_len, mapping).is_some();
    if is_nick || is_channel || !mapping.is_unicode() {
        assert_eq!(mapping.fold(&folded), folded, "folding twice changes nothing");
        assert!(mapping.eq(name, &folded), "a name is the same as its fold");
    }
    if is_nick {
        assert!(Nick::new(&folded, max_len, mapping).is_some(), "a nick's fold is a nick");
        assert!(!is_channel, "a nick is no channel");
    }
    if is_channel {
        let channel = ChannelName::new(&folded, max_len, mapping);
        assert!(channel.is_some(), "a channel's fold is a channel");
    }
    if let Some(looks) = mapping.skeleton(name) {
        assert!(!looks.is_empty() || name.is_empty(), "every name looks like something");
    }
}

/// What holds for a pair of names.
fn two(mapping: CaseMapping, a: &[u8], b: &[u8]) {
    let same = mapping.eq(a, b);
    assert_eq!(same, mapping.fold(a) == mapping.fold(b), "equal names have one fold");
    assert_eq!(same, mapping.eq(b, a));
    assert_eq!(same, hashed(mapping, a) == hashed(mapping, b), "equal names hash alike");
    if !a.iter().any(|byte| matches!(byte, b'*' | b'?' | b'\\')) {
        assert_eq!(same, Pattern::new(a, mapping).matches(b), "a name is a mask of itself alone");
    }
}

/// All bytes that a name gives to a hasher.
fn hashed(mapping: CaseMapping, name: &[u8]) -> Vec<u8> {
    struct Bytes(Vec<u8>);

    impl Hasher for Bytes {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    let mut bytes = Bytes(Vec::new());
    mapping.hash(name, &mut bytes);
    bytes.0
}

/// The name with some of its characters in the other case; bytes that are no text stay.
fn flip(name: &[u8], flipped: u64) -> Vec<u8> {
    let Ok(text) = str::from_utf8(name) else { return name.to_vec() };
    let mut other = String::new();
    for (at, c) in text.chars().enumerate() {
        if flipped >> (at % 64) & 1 == 0 {
            other.push(c);
        } else if c.is_uppercase() {
            other.extend(c.to_lowercase());
        } else {
            other.extend(c.to_uppercase());
        }
    }
    other.into_bytes()
}
