//! Which bytes of a name are the same letter.

use alloc::vec::Vec;
use core::hash::Hasher;

/// How names (nicks, channels) are compared: the `CASEMAPPING` token of `RPL_ISUPPORT`.
///
/// Only single bytes fold, so a fold never changes a length, and bytes past ASCII stay as they
/// are.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub enum CaseMapping {
    /// `a` to `z` are the lower case of `A` to `Z`.
    #[default]
    Ascii,
    /// As `Ascii`; also `{`, `}`, `|`, `^` are the lower case of `[`, `]`, `\`, `~`.
    Rfc1459,
}

impl CaseMapping {
    /// The token's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Rfc1459 => "rfc1459",
        }
    }

    /// The lower case of one byte.
    #[inline]
    #[must_use]
    pub const fn fold_byte(self, byte: u8) -> u8 {
        match (self, byte) {
            (Self::Rfc1459, b'[') => b'{',
            (Self::Rfc1459, b']') => b'}',
            (Self::Rfc1459, b'\\') => b'|',
            (Self::Rfc1459, b'~') => b'^',
            _ => byte.to_ascii_lowercase(),
        }
    }

    /// The lower case of a name: what a map of names is keyed by.
    #[must_use]
    pub fn fold(self, name: &[u8]) -> Vec<u8> {
        name.iter().map(|&byte| self.fold_byte(byte)).collect()
    }

    /// Whether two names are the same name.
    #[must_use]
    pub fn eq(self, a: &[u8], b: &[u8]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| self.fold_byte(a) == self.fold_byte(b))
    }

    /// Feeds the lower case of a name to a hasher, without allocating. Names that are
    /// [`eq`](Self::eq) hash alike.
    ///
    /// No end is marked: hash nothing after it, or add a separator.
    pub fn hash(self, name: &[u8], hasher: &mut impl Hasher) {
        let mut folded = [0; 64];
        for chunk in name.chunks(folded.len()) {
            let folded = &mut folded[..chunk.len()];
            for (to, &from) in folded.iter_mut().zip(chunk) {
                *to = self.fold_byte(from);
            }
            hasher.write(folded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip::SipHasher13;

    const BOTH: [CaseMapping; 2] = [CaseMapping::Ascii, CaseMapping::Rfc1459];

    fn sip(mapping: CaseMapping, name: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new();
        mapping.hash(name, &mut hasher);
        hasher.finish()
    }

    #[test]
    fn ascii_folds_the_26_letters_and_nothing_else() {
        for byte in 0..=u8::MAX {
            let expected = if byte.is_ascii_uppercase() { byte + 32 } else { byte };
            assert_eq!(CaseMapping::Ascii.fold_byte(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn rfc1459_folds_four_more() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                b'A'..=b'Z' | b'[' | b'\\' | b']' => byte + 32,
                b'~' => b'^',
                _ => byte,
            };
            assert_eq!(CaseMapping::Rfc1459.fold_byte(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for mapping in BOTH {
            for byte in 0..=u8::MAX {
                let folded = mapping.fold_byte(byte);
                assert_eq!(mapping.fold_byte(folded), folded);
            }
        }
    }

    #[test]
    fn eq_fold_and_hash_agree_on_every_pair_of_bytes() {
        for mapping in BOTH {
            for a in 0..=u8::MAX {
                for b in 0..=u8::MAX {
                    let same = mapping.fold(&[b'x', a]) == mapping.fold(&[b'X', b]);
                    assert_eq!(mapping.eq(&[b'x', a], &[b'X', b]), same);
                    assert_eq!(sip(mapping, &[b'x', a]) == sip(mapping, &[b'X', b]), same);
                }
            }
        }
    }

    #[test]
    fn long_names_hash_as_a_whole() {
        let (lower, upper) = ([b'a'; 200], [b'A'; 200]);
        assert_eq!(sip(CaseMapping::Ascii, &lower), sip(CaseMapping::Ascii, &upper));
        assert_ne!(sip(CaseMapping::Ascii, &lower), sip(CaseMapping::Ascii, &upper[1..]));
        assert!(!CaseMapping::Ascii.eq(&lower, &upper[1..]));
    }

    #[test]
    fn tokens() {
        assert_eq!(BOTH.map(CaseMapping::as_str), ["ascii", "rfc1459"]);
        assert_eq!(CaseMapping::default(), CaseMapping::Ascii);
    }
}
