//! Values of the configuration that are more than TOML's own: counts, seconds, "none".

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de};

/// A whole number above 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count(u64);

impl Count {
    fn new(n: i64) -> Option<Self> {
        u64::try_from(n).ok().filter(|&n| n > 0).map(Self)
    }
}

impl From<Count> for usize {
    fn from(Count(n): Count) -> Self {
        Self::try_from(n).unwrap_or(Self::MAX)
    }
}

impl From<Count> for u32 {
    fn from(Count(n): Count) -> Self {
        Self::try_from(n).unwrap_or(Self::MAX)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number above 0")
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Count, E> {
                Count::new(n).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(n), &self))
            }
        }

        from.deserialize_any(Visitor)
    }
}

/// Seconds above 0, with a fraction or without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(Duration);

impl From<Seconds> for Duration {
    fn from(Seconds(duration): Seconds) -> Self {
        duration
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds above 0")
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Seconds, E> {
                u64::try_from(seconds)
                    .ok()
                    .filter(|&seconds| seconds > 0)
                    .map(|seconds| Seconds(Duration::from_secs(seconds)))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(seconds), &self))
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Seconds, E> {
                Duration::try_from_secs_f64(seconds)
                    .ok()
                    .filter(|duration| !duration.is_zero())
                    .map(Seconds)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Float(seconds), &self))
            }
        }

        from.deserialize_any(Visitor)
    }
}

/// A count that the word "none" switches off.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountOrNone(Option<Count>);

impl From<CountOrNone> for Option<usize> {
    fn from(CountOrNone(count): CountOrNone) -> Self {
        count.map(Into::into)
    }
}

/// Of what is counted, "none" is 0.
impl From<CountOrNone> for usize {
    fn from(CountOrNone(count): CountOrNone) -> Self {
        count.map_or(0, Into::into)
    }
}

impl From<CountOrNone> for Option<u32> {
    fn from(CountOrNone(count): CountOrNone) -> Self {
        count.map(Into::into)
    }
}

impl<'de> Deserialize<'de> for CountOrNone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = CountOrNone;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number above 0, or \"none\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CountOrNone, E> {
                if text == "none" {
                    Ok(CountOrNone(None))
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<CountOrNone, E> {
                Count::new(n)
                    .map(|count| CountOrNone(Some(count)))
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(n), &self))
            }
        }

        from.deserialize_any(Visitor)
    }
}
