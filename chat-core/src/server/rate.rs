//! How fast is too fast: buckets that fill at a steady rate, one alone or many by key.

use alloc::vec::Vec;
use core::{hash::Hash, time::Duration};

use hashbrown::HashMap;

use crate::{Instant, keyed::HashKey};

/// How much may be done at once, and how much for long.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    /// The time after which there is room for one more.
    each: Duration,
    burst: u32,
}

impl Rate {
    /// `None`: no bound.
    pub(crate) fn per_second(count: Option<u32>, burst: u32) -> Option<Self> {
        Self::over(Duration::from_secs(1), count, burst)
    }

    /// `None`: no bound.
    pub(crate) fn per_minute(count: Option<u32>, burst: u32) -> Option<Self> {
        Self::over(Duration::from_secs(60), count, burst)
    }

    fn over(time: Duration, count: Option<u32>, burst: u32) -> Option<Self> {
        // The configuration has neither at zero.
        count.map(|count| Self { each: time / count.max(1), burst: burst.max(1) })
    }
}

/// What was done of late, as the time when all of it will be forgotten.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// When there is room for one more; `None`: now.
    pub(crate) fn wait(self, rate: Rate, now: Instant) -> Option<Instant> {
        let most = rate.each * (rate.burst - 1);
        let debt = self.full_at.since(now);
        (debt > most).then(|| now.after(debt - most))
    }

    /// So much was done, whether there was room or not.
    pub(crate) fn spend(&mut self, rate: Rate, now: Instant, cost: u32) {
        self.full_at = self.full_at.max(now).after(rate.each * cost);
    }

    /// One more is done, if there is room.
    ///
    /// # Errors
    /// How long there is none.
    pub(crate) fn take(&mut self, rate: Option<Rate>, now: Instant) -> Result<(), Duration> {
        let Some(rate) = rate else { return Ok(()) };
        if let Some(at) = self.wait(rate, now) {
            return Err(at.since(now));
        }
        self.spend(rate, now, 1);
        Ok(())
    }
}

/// Buckets by key, of those alone who did something of late; at most [`Buckets::MOST`].
pub(crate) struct Buckets<K>(HashMap<K, Bucket, HashKey>);

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// Above it, those go first of whom the least is to be forgotten.
    pub(crate) const MOST: usize = 1 << 16;

    /// None yet; `key` keeps peers from choosing keys that collide.
    pub(crate) fn new(key: HashKey) -> Self {
        Self(HashMap::with_hasher(key))
    }

    /// One more is done by `key`, if there is room.
    ///
    /// # Errors
    /// How long there is none.
    pub(crate) fn take(
        &mut self,
        key: K,
        rate: Option<Rate>,
        now: Instant,
    ) -> Result<(), Duration> {
        if rate.is_none() {
            return Ok(());
        }
        if self.0.len() >= Self::MOST && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        self.0.entry(key).or_default().take(rate, now)
    }

    /// One is given back that was taken.
    pub(crate) fn give_back(&mut self, key: K, rate: Option<Rate>) {
        if let (Some(rate), Some(bucket)) = (rate, self.0.get_mut(&key)) {
            bucket.full_at = bucket.full_at.before(rate.each);
        }
    }

    /// Forgets half of all at least, so that it is seldom done.
    fn make_room(&mut self, now: Instant) {
        let mut times: Vec<Instant> = self.0.values().map(|bucket| bucket.full_at).collect();
        let half = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(half);
        let least = (*median).max(now);
        self.0.retain(|_, bucket| bucket.full_at > least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_burst_passes_and_then_as_much_as_the_rate_allows() {
        let rate = Rate::per_second(Some(2), 3).unwrap();
        let mut bucket = Bucket::default();
        let mut now = seconds(1);
        for _ in 0..3 {
            assert_eq!(bucket.wait(rate, now), None);
            bucket.spend(rate, now, 1);
        }
        for _ in 0..3 {
            let next = now.after(Duration::from_millis(500));
            assert_eq!(bucket.wait(rate, now), Some(next));
            now = next;
            assert_eq!(bucket.take(Some(rate), now), Ok(()));
        }
    }

    #[test]
    fn who_is_too_fast_is_told_how_long() {
        let rate = Rate::per_minute(Some(4), 2);
        let mut buckets = Buckets::new(HashKey(1, 2));
        let mut take = |key: u8, at| buckets.take(key, rate, seconds(at));
        assert_eq!((take(1, 10), take(1, 10)), (Ok(()), Ok(())));
        assert_eq!(take(1, 10), Err(Duration::from_secs(15)));
        assert_eq!(take(2, 10), Ok(()));
        assert_eq!(take(1, 24), Err(Duration::from_secs(1)));
        assert_eq!(take(1, 25), Ok(()));
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let rate = Rate::per_minute(Some(1), 1);
        let mut buckets = Buckets::new(HashKey(1, 2));
        assert_eq!(buckets.take(1, rate, seconds(10)), Ok(()));
        buckets.give_back(1, rate);
        assert_eq!(buckets.take(1, rate, seconds(10)), Ok(()));
        assert!(buckets.take(1, rate, seconds(10)).is_err());
    }

    #[test]
    fn who_did_most_is_remembered_among_however_many() {
        let rate = Rate::per_minute(Some(1), 2);
        let mut buckets = Buckets::new(HashKey(1, 2));
        let now = seconds(100);
        for _ in 0..2 {
            assert_eq!(buckets.take(0, rate, now), Ok(()));
        }
        for key in 1..200_000_u32 {
            let _ = buckets.take(key, rate, now.after(Duration::from_micros(key.into())));
            assert!(buckets.0.len() <= Buckets::<u32>::MOST);
        }
        assert!(buckets.take(0, rate, now).is_err());
    }
}
