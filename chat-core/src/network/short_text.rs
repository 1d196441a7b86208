//! Text that is usually short, without memory of its own then: what each user has five of.

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that rarely change, up to 22 of them in place.
#[derive(Clone)]
pub(crate) enum ShortText {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// As many as fit beside the length where a box would be.
const SHORT: usize = 22;

impl Default for ShortText {
    fn default() -> Self {
        Self::Short { len: 0, bytes: [0; SHORT] }
    }
}

impl From<&[u8]> for ShortText {
    fn from(text: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(start) => {
                start.copy_from_slice(text);
                Self::Short { len: text.len() as u8, bytes }
            }
            None => Self::Long(text.into()),
        }
    }
}

impl From<Vec<u8>> for ShortText {
    fn from(text: Vec<u8>) -> Self {
        text[..].into()
    }
}

impl Deref for ShortText {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(text) => text,
        }
    }
}

impl PartialEq for ShortText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for ShortText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_kept_and_encoded_as_any_bytes() {
        assert_eq!(size_of::<ShortText>(), 24);
        for len in [0, 1, 22, 23, 200] {
            let bytes = alloc::vec![b'x'; len];
            let text = ShortText::from(&bytes[..]);
            assert_eq!((&*text, matches!(text, ShortText::Long(_))), (&bytes[..], len > 22));
            let encoded = postcard::to_allocvec(&text).unwrap();
            assert_eq!(encoded, postcard::to_allocvec(&bytes).unwrap());
            assert_eq!(postcard::from_bytes(&encoded), Ok(text));
        }
    }
}
