//! Which connections were woken: one list for all of them.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Wake, Waker},
};

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
