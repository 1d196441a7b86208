//! How long to wait before the next attempt to connect.

use core::time::Duration;

/// Waits that double from 1 s to 60 s, each with a random part, so that the clients of a server
/// that restarts do not all come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    random: u64,
    failures: u32,
}

impl Backoff {
    pub(super) const fn new(seed: u64) -> Self {
        Self { random: seed, failures: 0 }
    }

    /// The connection was good: the next wait is a short one.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let longest = (FIRST_MAX_US << self.failures.min(16)).min(WAIT_MAX_US);
        self.failures = self.failures.saturating_add(1);
        let half = longest / 2;
        Duration::from_micros(half + self.random() % (half + 1))
    }

    /// `SplitMix64`.
    const fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The longest first wait, in microseconds; the shortest is half of it.
const FIRST_MAX_US: u64 = 2_000_000;

/// The longest wait of all, in microseconds.
const WAIT_MAX_US: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_again() {
        let mut backoff = Backoff::new(7);
        for longest in [2, 4, 8, 16, 32, 60, 60] {
            let wait = backoff.next().as_secs_f64();
            assert!((f64::from(longest) / 2.0..=f64::from(longest)).contains(&wait), "{wait}");
        }
        for _ in 0..1000 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_secs(2));
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(Backoff::new(1).next(), Backoff::new(2).next());
        assert_eq!(Backoff::new(1).next(), Backoff::new(1).next());
    }
}
