//! The server's own time: the host's clock, less the time in which the host stood still.
//!
//! A host may be stopped for minutes: by a signal, a debugger, a machine with no memory left. What its
//! peers sent meanwhile waits in its sockets. When it goes on, all deadlines seem to have passed, and
//! nobody has done anything wrong: so this time does not count.

use core::time::Duration;

use crate::Instant;

/// How the host's clock and the server's own differ.
#[derive(Default)]
pub(super) struct OwnTime {
    /// How far the host's is ahead.
    skipped: Duration,
    /// What it last was.
    host: Instant,
}

impl OwnTime {
    /// Whether it is still the same time: most calls of a turn have it from the first.
    pub(super) fn is_still(&self, host: Instant) -> bool {
        self.host == host
    }

    /// The server's time when the host's is `host`, and how long the host stood still at least, if it
    /// did. `last` is the server's time at the last call, and `due` when it had to be called again.
    pub(super) fn at(
        &mut self,
        host: Instant,
        last: Instant,
        due: Option<Instant>,
    ) -> (Instant, Option<Duration>) {
        self.host = host;
        let own = host.before(self.skipped).max(last);
        let Some(due) = due.filter(|due| own.since(*due) >= TOO_LATE) else { return (own, None) };
        let again = due.before(GRACE).max(last);
        self.skipped = self.skipped.saturating_add(own.since(again)).saturating_add(GRACE);
        (again, Some(own.since(due)))
    }

    /// What the host's clock says at this time of the server's.
    pub(super) fn on_host(&self, own: Instant) -> Instant {
        own.after(self.skipped)
    }
}

/// A host that comes this late to what is due has stood still: one that is merely busy does not.
const TOO_LATE: Duration = Duration::from_secs(5);

/// How long the host has to read what came meanwhile before time passes again.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn a_host_in_time_has_the_same_time() {
        let mut time = OwnTime::default();
        assert_eq!(time.at(ms(70_000), ms(60_000), None), (ms(70_000), None));
        assert_eq!(time.at(ms(74_999), ms(70_000), Some(ms(70_000))), (ms(74_999), None));
        assert_eq!(time.on_host(ms(1)), ms(1));
    }

    #[test]
    fn time_in_which_the_host_stood_still_does_not_count() {
        let mut time = OwnTime::default();
        let still = Some(Duration::from_secs(600));
        // A second for what is due, after a second to read what came.
        assert_eq!(time.at(ms(620_000), ms(10_000), Some(ms(20_000))), (ms(19_000), still));
        assert_eq!(time.on_host(ms(20_000)), ms(622_000));
        let due = Some(ms(20_000));
        for (host, own) in [(620_500, 19_000), (621_000, 19_000), (622_000, 20_000)] {
            assert_eq!(time.at(ms(host), ms(19_000), due), (ms(own), None));
        }
    }

    #[test]
    fn the_end_of_the_clock_is_no_end_of_the_server() {
        let mut time = OwnTime::default();
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(time.at(end, ms(1), Some(ms(1))).0, ms(1));
        assert_eq!(time.at(end, ms(1), Some(ms(1))).0, ms(1));
        assert_eq!(time.on_host(ms(2)), end);
    }
}
