//! Sizes as people write them: `"256 KiB"`, or a number of bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// A number of bytes; never none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size(usize);

impl From<Size> for usize {
    fn from(Size(bytes): Size) -> Self {
        bytes
    }
}

/// Why a text is no size: it says what one looks like.
const EXPECTED: &str = "a size such as \"64 KiB\" (B, KiB, MiB, GiB) or a number of bytes, above 0";

const UNITS: [(&str, usize); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = UNITS
            .iter()
            .find_map(|&(name, unit)| Some((text.trim().strip_suffix(name)?, unit)))
            .unwrap_or((text, 1));
        let bytes = number.trim().parse::<usize>().ok().and_then(|n| n.checked_mul(unit));
        bytes.filter(|&n| n > 0).map(Self).ok_or(EXPECTED)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                usize::try_from(bytes)
                    .ok()
                    .filter(|&bytes| bytes > 0)
                    .map(Size)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(bytes), &self))
            }
        }

        from.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_in_bytes() {
        for (text, bytes) in [
            ("256 KiB", 256 << 10),
            ("1MiB", 1 << 20),
            ("2 GiB", 2 << 30),
            ("512 B", 512),
            ("512", 512),
        ] {
            assert_eq!(text.parse::<Size>().map(usize::from), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "KiB", "0", "0 KiB", "-1", "1.5 MiB", "1 MB", "99999999999 GiB"] {
            assert_eq!(text.parse::<Size>(), Err(EXPECTED), "{text}");
        }
    }
}
