//! Log lines that peers can cause as often as they like: so many a second of each kind, the rest counted.

use std::time::{Duration, Instant};

/// Lines of one kind.
#[derive(Debug)]
pub(crate) struct Repeats {
    most: u32,
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

impl Repeats {
    /// At most `most` lines in any second that begins with one.
    pub(crate) const fn new(most: u32) -> Self {
        Self { most, since: None, told: 0, left_out: 0 }
    }

    /// One more at `now`: `None` if it is only counted, or else how many were since the last line.
    pub(crate) fn tell(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= SECOND) {
            self.since = Some(now);
            self.told = 0;
        }
        if self.told == self.most {
            self.left_out += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_for_a_second_is_counted_in_the_next() {
        let mut repeats = Repeats::new(2);
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        assert_eq!([repeats.tell(at(0)), repeats.tell(at(1))], [Some(0), Some(0)]);
        assert_eq!([repeats.tell(at(2)), repeats.tell(at(999))], [None, None]);
        assert_eq!([repeats.tell(at(1000)), repeats.tell(at(1001))], [Some(2), Some(0)]);
        assert_eq!(repeats.tell(at(5000)), Some(0), "nothing was left out");
    }
}
