//! I/O threads: each takes parts of a turn's work until none is left, and then the turn goes on.
//!
//! So sockets are read and written side by side, while the core has one thread, sees its inputs in
//! one order, and lends its outboxes to all of them: nothing of theirs is copied, counted or locked.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// Work on one part.
type Work<'a, T> = &'a (dyn Fn(&mut T) + Sync);

/// The threads that work on parts of a `T` each, one of which is the caller's.
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

/// Each thread takes the next part when it is done with one: who comes late finds less to do.
fn spread<T: Send>(pool: &ThreadPool, parts: &mut [T], work: Work<'_, T>) {
    let others = pool.current_num_threads().min(parts.len().saturating_sub(1));
    let parts = Mutex::new(parts.iter_mut());
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    let take = || {
        while let Some(part) = next() {
            work(part);
        }
    };
    pool.in_place_scope(|scope| {
        for _ in 0..others {
            scope.spawn(|_| take());
        }
        take();
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

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
    fn a_thread_that_is_held_up_holds_up_one_part() {
        let threads = Threads::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let here = thread::current().id();
        let mut parts = [None; 8];
        // The other thread is at its first until all the rest is done.
        let (together, mut done_here) = (Barrier::new(2), AtomicUsize::new(0));
        threads.work(&mut parts, true, &|part| {
            *part = Some(thread::current().id());
            if thread::current().id() != here || done_here.fetch_add(1, Ordering::Relaxed) == 6 {
                together.wait();
            }
        });
        assert_eq!(*done_here.get_mut(), 7);
        assert_eq!(parts.iter().filter(|&&id| id == Some(here)).count(), 7);
    }

    #[test]
    fn little_work_is_done_here() {
        let threads = Threads::start(NonZeroUsize::new(2).unwrap()).unwrap();
        let mut parts = [None; 2];
        threads.work(&mut parts, false, &|part| *part = Some(thread::current().id()));
        assert_eq!(parts, [Some(thread::current().id()); 2]);
    }
}
