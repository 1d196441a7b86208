//! What the attacked server holds: memory and descriptors, now and at their highest.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::bench::{BenchError, process::Process};

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held {
    /// Bytes of resident memory.
    pub(super) resident_bytes: u64,
    /// Open descriptors.
    pub(super) descriptors: usize,
}

impl Held {
    /// What the process holds now.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn now(process: Process) -> Result<Self, BenchError> {
        let failed = |error| BenchError::Process { pid: process.pid(), error };
        Ok(Self {
            resident_bytes: process.usage().map_err(failed)?.resident_bytes,
            descriptors: process.descriptors().map_err(failed)?,
        })
    }

    /// Whether this is at most a tenth above what was held `before`.
    pub(super) fn is_back_to(self, before: Self) -> bool {
        let within = |now: u64, before: u64| now <= before + before / 10;
        within(self.resident_bytes, before.resident_bytes)
            && within(self.descriptors as u64, before.descriptors as u64)
    }

    /// Waits until the process holds no more than `before` and a tenth, `longest` at most; what it
    /// holds then.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn settled(
        process: Process,
        before: Self,
        longest: Duration,
    ) -> Result<Self, BenchError> {
        let until = Instant::now() + longest;
        loop {
            let held = Self::now(process)?;
            if held.is_back_to(before) || Instant::now() >= until {
                return Ok(held);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Looks at a process again and again, until it is asked for the highest.
#[derive(Debug)]
pub(super) struct Watch {
    process: Process,
    descriptors: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Begins.
    pub(super) fn start(process: Process) -> Self {
        let descriptors = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let (highest, ends) = (Arc::clone(&descriptors), Arc::clone(&over));
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                // Counting thousands takes time that the clients need.
                thread::sleep(LOOK_EVERY);
                highest.fetch_max(process.descriptors().unwrap_or(0), Ordering::Relaxed);
            }
        });
        Self { process, descriptors, over, thread }
    }

    /// The most that was held; of memory, since the process began.
    ///
    /// # Errors
    /// If the process has ended.
    pub(super) fn highest(self) -> Result<Held, BenchError> {
        self.over.store(true, Ordering::Relaxed);
        // The thread does nothing that panics.
        let _ = self.thread.join();
        let resident_bytes = self
            .process
            .resident_peak_bytes()
            .map_err(|error| BenchError::Process { pid: self.process.pid(), error })?;
        Ok(Held { resident_bytes, descriptors: self.descriptors.load(Ordering::Relaxed) })
    }
}

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_is_back_and_two_are_not() {
        let held = |resident_bytes, descriptors| Held { resident_bytes, descriptors };
        let before = held(1000, 100);
        assert!(held(1100, 110).is_back_to(before));
        assert!(held(10, 10).is_back_to(before), "less is as good");
        assert!(!held(1200, 100).is_back_to(before));
        assert!(!held(1000, 120).is_back_to(before));
    }
}
