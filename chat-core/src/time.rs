//! Time as an argument: what the core is told of both clocks.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the host's monotonic clock, in microseconds since a start of the host's choice.
#[derive(
    Copy, Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct Instant(u64);

impl Instant {
    /// The start of the monotonic clock.
    pub const ZERO: Self = Self(0);

    /// The point `us` microseconds after the clock's start.
    #[must_use]
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the clock's start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This point and `by` more; the clock's end if it would pass it.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }

    /// This point less `by`; the clock's start if it would pass it.
    #[must_use]
    pub(crate) fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; nothing if it is before it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A point on the wall clock, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Copy, Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Whole seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The parts of the date in UTC: year, month, day, hour, minute, second, millisecond.
    #[must_use]
    pub const fn civil(self) -> Civil {
        let day_number = self.0 / 86_400_000;
        let in_day = self.0 % 86_400_000;
        // Days are counted from 0000-03-01, so that the leap day ends a year of 365.25 days.
        let days = day_number + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: era * 400 + year_of_era + if month <= 2 { 1 } else { 0 },
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1000 % 60,
            milli: in_day % 1000,
        }
    }

    /// The text of the `time` tag, as in `2026-01-31T23:59:59.123Z`.
    ///
    /// Four digits of the year are written: good until the year 9999.
    #[must_use]
    pub fn to_iso(self) -> [u8; 24] {
        let at = self.civil();
        let mut out = *b"0000-00-00T00:00:00.000Z";
        for (from, width, value) in [
            (0, 4, at.year),
            (5, 2, at.month),
            (8, 2, at.day),
            (11, 2, at.hour),
            (14, 2, at.minute),
            (17, 2, at.second),
            (20, 3, at.milli),
        ] {
            let mut rest = value;
            for digit in out[from..from + width].iter_mut().rev() {
                *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
                rest /= 10;
            }
        }
        out
    }
}

/// A date and time of day in UTC.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names say it all")]
pub struct Civil {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub milli: u64,
}

/// Both clocks, read once per turn of the host's loop.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Now {
    /// For deadlines and rates. The core treats a step back as no step.
    pub mono: Instant,
    /// For what users see. It may jump either way; nobody is disconnected for it.
    pub wall: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(core::str::from_utf8(&UnixMillis(ms).to_iso()), Ok(text));
        }
    }

    #[test]
    fn an_instant_never_wraps() {
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
        assert_eq!(Instant::ZERO.since(end), Duration::ZERO);
    }
}
