//! Which connections were woken: one list for all of them.

use std::{
    mem,
    sync::{Arc, PoisonError},
    task::{Wake, Waker},
};

#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};

#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};

/// The list of woken connections, and the waker of the future that reads it.
#[derive(Default)]
pub(crate) struct Ready(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    indices: Vec<usize>,
    driver: Option<Waker>,
}

impl Ready {
    /// A waker that puts `index` on the list.
    pub(crate) fn waker(self: &Arc<Self>, index: usize) -> Waker {
        Arc::new(One { index, ready: Arc::clone(self) }).into()
    }

    /// Exchanges the list for `into`, which is empty; from now on `driver` is woken when it grows.
    pub(crate) fn take(&self, into: &mut Vec<usize>, driver: &Waker) {
        let mut woken = self.lock();
        mem::swap(&mut woken.indices, into);
        match &mut woken.driver {
            Some(waker) => waker.clone_from(driver),
            none => *none = Some(driver.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
        // Nothing that holds the lock can leave it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct One {
    index: usize,
    ready: Arc<Ready>,
}

impl Wake for One {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let driver = {
            let mut woken = self.ready.lock();
            woken.indices.push(self.index);
            // The first wakes the future; the others find it awake.
            if woken.indices.len() == 1 { woken.driver.clone() } else { None }
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

/// In every order in which threads can meet here: `scripts/interleavings`.
#[cfg(all(test, shuttle))]
mod tests {
    use shuttle::{sync::Condvar, thread};

    use super::*;

    /// An executor with one future: it sleeps until it is woken.
    #[derive(Default)]
    struct Executor {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Executor {
        fn sleep(&self) {
            let mut woken = self.woken.lock().unwrap();
            while !mem::take(&mut *woken) {
                woken = self.changed.wait(woken).unwrap();
            }
        }
    }

    impl Wake for Executor {
        fn wake(self: Arc<Self>) {
            *self.woken.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }

    /// With a lost wake-up the executor would sleep for ever, which shuttle calls a deadlock.
    fn all_are_heard(peers: usize, wakes: usize) {
        let ready = Arc::new(Ready::default());
        let executor = Arc::new(Executor::default());
        let driver = Waker::from(Arc::clone(&executor));
        let threads: Vec<_> = (0..peers)
            .map(|index| {
                let waker = ready.waker(index);
                thread::spawn(move || (0..wakes).for_each(|_| waker.wake_by_ref()))
            })
            .collect();
        let (mut noted, mut heard) = (Vec::new(), vec![0; peers]);
        loop {
            ready.take(&mut noted, &driver);
            noted.drain(..).for_each(|index| heard[index] += 1);
            if heard.iter().all(|count| *count == wakes) {
                break;
            }
            executor.sleep();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn no_wake_up_is_lost_in_any_order() {
        shuttle::check_dfs(|| all_are_heard(1, 2), None);
    }

    #[test]
    fn no_wake_up_is_lost_among_many() {
        // All orders are too many: those that few changes of thread make, and some at random.
        shuttle::check_pct(|| all_are_heard(3, 2), 2_000, 3);
        shuttle::check_random(|| all_are_heard(4, 4), 2_000);
    }
}
