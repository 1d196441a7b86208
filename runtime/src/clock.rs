//! The machine's own clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chat_core::{Now, UnixMillis, host::Clock};

/// The monotonic clock since this value was made, and the wall clock.
#[derive(Copy, Clone, Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let mono = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono: chat_core::Instant::from_micros(mono),
            wall: UnixMillis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}
