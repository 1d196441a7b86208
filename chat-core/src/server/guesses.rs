//! How often passwords are guessed: from one place, and for one name from anywhere.

use core::{hash::Hasher, time::Duration};

use super::{
    door::Place,
    rate::{Buckets, Rate},
};
use crate::{Instant, Limits, keyed::HashKey};

/// Those who try passwords that may be wrong. Connecting again gains nothing.
pub(crate) struct Guesses {
    key: HashKey,
    by_place: Buckets<Place>,
    by_name: Buckets<u64>,
}

/// So many places may guess for one name, each as often as a place may: one alone must not keep the
/// name's owner out.
const PLACES: u32 = 10;

impl Guesses {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let key = HashKey::derive(seed, b"guesses");
        Self { key, by_place: Buckets::new(key), by_name: Buckets::new(key) }
    }

    /// Counts a guess: for a name, or for the server's own password.
    ///
    /// # Errors
    /// How long there must be none.
    pub(crate) fn take(
        &mut self,
        place: Option<Place>,
        name: Option<&[u8]>,
        limits: &Limits,
        now: Instant,
    ) -> Result<(), Duration> {
        let (one, all) = rates(limits);
        if let Some(place) = place {
            self.by_place.take(place, one, now)?;
        }
        let Some(name) = name.map(|name| self.hash(name)) else { return Ok(()) };
        let taken = self.by_name.take(name, all, now);
        if let (Err(_), Some(place)) = (taken, place) {
            self.by_place.give_back(place, one);
        }
        taken
    }

    /// The guess was right, or nobody could tell.
    pub(crate) fn forgive(&mut self, place: Option<Place>, name: Option<&[u8]>, limits: &Limits) {
        let (one, all) = rates(limits);
        if let Some(place) = place {
            self.by_place.give_back(place, one);
        }
        if let Some(name) = name.map(|name| self.hash(name)) {
            self.by_name.give_back(name, all);
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = self.key.hasher();
        hasher.write(name);
        hasher.finish()
    }
}

/// For one place, and for all of them together.
fn rates(limits: &Limits) -> (Option<Rate>, Option<Rate>) {
    let (count, burst) = (limits.password_guesses_per_minute, limits.password_guesses_burst);
    let all = count.map(|count| count.saturating_mul(PLACES));
    (Rate::per_minute(count, burst), Rate::per_minute(all, burst.saturating_mul(PLACES)))
}
