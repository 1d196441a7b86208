//! Everything that looks random, from the seed: hashes of names, msgids.

use core::hash::{BuildHasher, Hasher};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::wire::CaseMapping;

/// A key for SipHash, made from the seed.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HashKey(pub(crate) u64, pub(crate) u64);

impl HashKey {
    /// The key for one purpose of a seed: knowing one tells nothing of another.
    pub(crate) fn derive(seed: &[u8; 32], purpose: &[u8]) -> Self {
        let half = |which: u8| {
            let word = |at: usize| {
                seed[at..at + 8].iter().fold(0, |sum, &byte| (sum << 8) | u64::from(byte))
            };
            let mut hasher = SipHasher13::new_with_keys(word(0), word(8));
            hasher.write(&seed[16..]);
            hasher.write(purpose);
            hasher.write_u8(which);
            hasher.finish()
        };
        Self(half(0), half(1))
    }

    pub(crate) fn hasher(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }

    /// The hash of a nick or channel name, the same for names that are equal under `casemap`.
    pub(crate) fn of_name(self, casemap: CaseMapping, name: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        casemap.hash(name, &mut hasher);
        hasher.finish()
    }

    /// A permutation of all 64-bit numbers (four Feistel rounds): different in, different out, and
    /// no order to see in what comes out.
    pub(crate) fn permute(self, value: u64) -> u64 {
        let (mut left, mut right) = ((value >> 32) as u32, value as u32);
        for round in 0..4_u8 {
            let mut hasher = self.hasher();
            hasher.write_u32(right);
            hasher.write_u8(round);
            (left, right) = (right, left ^ (hasher.finish() as u32));
        }
        u64::from(left) << 32 | u64::from(right)
    }

    /// The number that [`permute`](Self::permute) makes this one of.
    pub(crate) fn unpermute(self, value: u64) -> u64 {
        let (mut left, mut right) = ((value >> 32) as u32, value as u32);
        for round in (0..4_u8).rev() {
            let mut hasher = self.hasher();
            hasher.write_u32(left);
            hasher.write_u8(round);
            (left, right) = (right ^ (hasher.finish() as u32), left);
        }
        u64::from(left) << 32 | u64::from(right)
    }
}

impl BuildHasher for HashKey {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        self.hasher()
    }
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A number as 13 letters and digits that read alike in any case.
pub(crate) fn base32(mut value: u64) -> [u8; 13] {
    let mut out = [b'0'; 13];
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(value & 31) as usize];
        value >>= 5;
    }
    out
}

/// The number that [`base32`] makes this text of; `None` if it is none.
pub(crate) fn from_base32(text: &[u8]) -> Option<u64> {
    // 13 digits hold 65 bits: of the first digit, only four may be set.
    if text.len() != 13 || !DIGITS[..16].contains(&text[0]) {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        Some(sum << 5 | digit as u64)
    })
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn purposes_have_different_keys() {
        assert_ne!(HashKey::derive(&[7; 32], b"a"), HashKey::derive(&[7; 32], b"b"));
        assert_ne!(HashKey::derive(&[7; 32], b"a"), HashKey::derive(&[8; 32], b"a"));
    }

    #[test]
    fn msgids_never_repeat_and_show_no_order() {
        let key = HashKey(1, 2);
        let ids: alloc::vec::Vec<_> = (0..10_000).map(|n| base32(key.permute(n))).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let rises = ids.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((4_000..6_000).contains(&rises), "{rises}");
    }

    #[test]
    fn a_msgid_is_turned_back_into_its_number() {
        let key = HashKey(1, 2);
        for number in [0, 1, 77 << 16 | 3, u64::MAX] {
            let text = base32(key.permute(number));
            assert_eq!(from_base32(&text).map(|value| key.unpermute(value)), Some(number));
        }
        for wrong in [&b""[..], b"0000000000000u", b"000000000000u", b"g000000000000"] {
            assert_eq!(from_base32(wrong), None);
        }
    }
}
