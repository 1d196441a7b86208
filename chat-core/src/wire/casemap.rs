//! Which names are the same name.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::hash::Hasher;

use super::unicode;

/// How names (nicks, channels) are compared: the `CASEMAPPING` token of `RPL_ISUPPORT`.
///
/// In `Ascii` and `Rfc1459` only single bytes fold, so a fold never changes a length, and bytes past
/// ASCII stay as they are. In the others names are text: what is not UTF-8 folds as `Ascii` does.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub enum CaseMapping {
    /// `a` to `z` are the lower case of `A` to `Z`.
    #[default]
    Ascii,
    /// As `Ascii`; also `{`, `}`, `|`, `^` are the lower case of `[`, `]`, `\`, `~`.
    Rfc1459,
    /// Letters and digits of any script, compared as RFC 8265 compares user names; names that look
    /// alike are not in use at once.
    Precis,
    /// As `Precis`, with nearly all characters.
    Permissive,
}

impl CaseMapping {
    /// The token's value. No token is known to clients for names beyond ASCII: they are told how
    /// ASCII is compared, which holds for it, and names come in one spelling from the server.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii | Self::Precis | Self::Permissive => "ascii",
            Self::Rfc1459 => "rfc1459",
        }
    }

    /// Whether names may be text beyond ASCII, compared as such.
    #[must_use]
    pub const fn is_unicode(self) -> bool {
        matches!(self, Self::Precis | Self::Permissive)
    }

    /// Whether a name may be used as far as its characters beyond ASCII go; what else it needs, its
    /// kind says. It must be no longer than `max_len` when folded, either.
    #[must_use]
    pub fn admits(self, name: &[u8], max_len: usize) -> bool {
        if name.is_ascii() {
            return true;
        }
        let Ok(text) = core::str::from_utf8(name) else { return false };
        let good = match self {
            Self::Ascii | Self::Rfc1459 => false,
            Self::Precis => unicode::is_identifier(text),
            Self::Permissive => unicode::is_permitted(text),
        };
        good && self.fold(name).len() <= max_len
    }

    /// What a name looks like: equal for names that may not be in use at once. `None`: any two may
    /// that are not the same name.
    #[must_use]
    pub fn skeleton(self, name: &[u8]) -> Option<String> {
        let text = self.is_unicode().then(|| core::str::from_utf8(name).ok())?;
        text.map(unicode::skeleton)
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
        self.fold_text(name)
            .unwrap_or_else(|| name.iter().map(|&byte| self.fold_byte(byte)).collect())
    }

    /// The lower case of a text that does not fold byte by byte; any other as it is.
    #[must_use]
    pub fn fold_beyond_ascii(self, text: &[u8]) -> Cow<'_, [u8]> {
        self.fold_text(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// The same for a name that does not fold byte by byte.
    fn fold_text(self, name: &[u8]) -> Option<Vec<u8>> {
        if !self.is_unicode() || name.is_ascii() {
            return None;
        }
        let text = core::str::from_utf8(name).ok()?;
        let fold =
            if self == Self::Precis { unicode::fold_precis } else { unicode::fold_permissive };
        Some(fold(text).into_bytes())
    }

    /// Whether two names are the same name.
    #[must_use]
    pub fn eq(self, a: &[u8], b: &[u8]) -> bool {
        // Most names are written as they were made.
        if a == b {
            return true;
        }
        if self.is_unicode() && !(a.is_ascii() && b.is_ascii()) {
            return self.fold(a) == self.fold(b);
        }
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| self.fold_byte(a) == self.fold_byte(b))
    }

    /// Feeds the lower case of a name to a hasher, without allocating. Names that are
    /// [`eq`](Self::eq) hash alike.
    ///
    /// No end is marked: hash nothing after it, or add a separator.
    pub fn hash(self, name: &[u8], hasher: &mut impl Hasher) {
        if let Some(folded) = self.fold_text(name) {
            return hasher.write(&folded);
        }
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
    fn eq_fold_and_hash_agree_on_every_character() {
        for mapping in [CaseMapping::Precis, CaseMapping::Permissive] {
            for c in unicode::letters() {
                let name = alloc::format!("x{c}");
                let folded = mapping.fold(name.as_bytes());
                assert_eq!(mapping.fold(&folded), folded, "{c:?}");
                for other in c.to_uppercase().chain(c.to_lowercase()) {
                    let other = alloc::format!("X{other}");
                    let same = mapping.fold(other.as_bytes()) == folded;
                    let (a, b) = (name.as_bytes(), other.as_bytes());
                    assert_eq!(mapping.eq(a, b), same, "{c:?}");
                    assert!(!same || sip(mapping, a) == sip(mapping, b), "{c:?}");
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_fold_as_ascii() {
        assert!(CaseMapping::Precis.eq(b"A\xff", b"a\xff"));
        assert!(!CaseMapping::Precis.admits(b"a\xff", 9) && CaseMapping::Precis.admits(b"a", 9));
        assert!(!CaseMapping::Ascii.admits("é".as_bytes(), 9));
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
