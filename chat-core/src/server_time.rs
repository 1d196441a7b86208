//! Reads the time of a `time` tag.
//!
//! Specification: IRCv3 `server-time`.

use crate::UnixMillis;

/// The point that `YYYY-MM-DDThh:mm:ss.sssZ` names, from 1970 to 9999; `None` if it names none.
/// Fractions of other lengths, and none, are taken too.
pub(crate) fn parse(text: &[u8]) -> Option<UnixMillis> {
    let text = text.strip_suffix(b"Z")?;
    let (date_and_time, fraction) = text.split_at_checked(19)?;
    let field = |from: usize, to: usize| number(&date_and_time[from..to]);
    let separators = [4, 7, 10, 13, 16].map(|at| date_and_time[at]);
    if separators != *b"--T::" {
        return None;
    }
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let in_range = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(UnixMillis(seconds * 1000 + millis(fraction)?))
}

/// Days since 1970-01-01, for a year from 1970.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years begin in March, so that the leap day ends one.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// `.123` as milliseconds; finer digits are dropped.
fn millis(fraction: &[u8]) -> Option<u64> {
    let digits = match fraction.split_first() {
        None => return Some(0),
        Some((b'.', digits)) if (1..=9).contains(&digits.len()) => digits,
        Some(_) => return None,
    };
    number(digits)?;
    let digit = |at: usize| digits.get(at).map_or(0, |digit| u64::from(digit - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

/// A number of at most nine digits.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_dates_are_read() {
        assert_eq!(parse(b"1970-01-01T00:00:00.5Z"), Some(UnixMillis(500)));
        assert_eq!(parse(b"1970-01-01T00:00:01Z"), Some(UnixMillis(1000)));
        for wrong in [
            "",
            "Z",
            "1970-01-01T00:00:00.000",
            "1970-13-01T00:00:00.000Z",
            "1970-01-01 00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:0x.000Z",
            "1970-01-01T00:00:00,000Z",
            "１９70-01-01T00:00:00.000Z",
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(millis in 0..253_402_300_800_000_u64) {
            prop_assert_eq!(parse(&UnixMillis(millis).to_iso()), Some(UnixMillis(millis)));
        }

        #[test]
        fn nothing_panics(text: Vec<u8>) {
            let _ = parse(&text);
        }
    }

    use alloc::vec::Vec;
}
