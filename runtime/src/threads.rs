//! I/O threads: a turn's work is split among them, and the turn goes on when all have done theirs.
//!
//! So sockets are read and written side by side, while the core has one thread, sees its inputs in
//! one order, and lends its outboxes to all of them: nothing is copied, counted or locked.

use std::num::NonZeroUsize;

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// Work on one part.
type Work<'a, T> = &'a (dyn Fn(&mut T) + Sync);

/// The threads that work on parts of a `T` each, one of which is always the caller's.
pub(crate) struct Threads<T>(Option<Others<T>>);

struct Others<T> {
    pool: ThreadPool,
    /// Known where the parts may change threads.
    spread: fn(&ThreadPool, &mut [T], Work<'_, T>),
}

impl<T> Threads<T> {
    /// The caller's thread alone.
    pub(crate) const fn one() -> Self {
        Self(None)
    }

    /// Works on each part: here, or with others if that is asked for.
    pub(crate) fn work(&self, parts: &mut [T], with_others: bool, work: Work<'_, T>) {
        match &self.0 {
            Some(others) if with_others => (others.spread)(&others.pool, parts, work),
            _ => parts.iter_mut().for_each(work),
        }
    }
}

impl<T: Send> Threads<T> {
    /// So many threads, the caller's included.
    ///
    /// # Errors
    /// The system has none to give.
    pub(crate) fn start(threads: NonZeroUsize) -> std::io::Result<Self> {
        if threads == NonZeroUsize::MIN {
            return Ok(Self::one());
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.get() - 1)
            .thread_name(|number| format!("io-{}", number + 1))
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self(Some(Others { pool, spread })))
    }
}

/// A part here, and each of the others on a thread of its own, or whichever is free.
fn spread<T: Send>(pool: &ThreadPool, parts: &mut [T], work: Work<'_, T>) {
    let Some((first, rest)) = parts.split_first_mut() else { return };
    pool.in_place_scope(|scope| {
        for part in rest {
            scope.spawn(move |_| work(part));
        }
        work(first);
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::{collections::BTreeSet, sync::Barrier, thread};

    use super::*;

    #[test]
    fn parts_are_worked_on_side_by_side() {
        let threads = Threads::start(NonZeroUsize::new(3).unwrap()).unwrap();
        let mut parts = [None; 3];
        // Nobody passes before all three are there.
        let together = Barrier::new(3);
        threads.work(&mut parts, true, &|part| {
            together.wait();
            *part = Some(thread::current().id());
        });
        let seen: BTreeSet<_> = parts.iter().map(|id| format!("{id:?}")).collect();
        assert_eq!(seen.len(), 3);
        assert!(parts.contains(&Some(thread::current().id())));
    }

    #[test]
    fn little_work_is_done_here() {
        let threads = Threads::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let mut parts = [None; 2];
        threads.work(&mut parts, false, &|part| *part = Some(thread::current().id()));
        assert_eq!(parts, [Some(thread::current().id()); 2]);
    }
}
