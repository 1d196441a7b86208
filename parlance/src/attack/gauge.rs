//! What the attacked server holds: memory and descriptors, now and at their highest.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::bench::{BenchError, process::Process};

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Held {
    /// Bytes of resident memory.
    pub(super) memory_bytes: u64,
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
            memory_bytes: process.usage().map_err(failed)?.resident_bytes,
            descriptors: process.descriptors().map_err(failed)?,
        })
    }

    /// Whether this is at most a tenth above what was held `before`.
    pub(super) fn is_back_to(self, before: Self) -> bool {
        let within = |now: u64, before: u64| now <= before + before / 10;
        within(self.memory_bytes, before.memory_bytes)
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
    over: Arc<AtomicBool>,
    thread: JoinHandle<Held>,
}

impl Watch {
    /// Begins.
    pub(super) fn start(process: Process) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut highest = Held::default();
            for look in 0_u32.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                // A process that has ended is told of by whoever asks next.
                highest.memory_bytes =
                    highest.memory_bytes.max(process.resident_about_bytes().unwrap_or(0));
                // Counting thousands takes time that the clients need.
                if look.is_multiple_of(10) {
                    let descriptors = process.descriptors().unwrap_or(0);
                    highest.descriptors = highest.descriptors.max(descriptors);
                }
                thread::sleep(LOOK_EVERY);
            }
            highest
        });
        Self { over, thread }
    }

    /// The most that was held since.
    pub(super) fn highest(self) -> Held {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_more_is_back_and_two_are_not() {
        let held = |memory_bytes, descriptors| Held { memory_bytes, descriptors };
        let before = held(1000, 100);
        assert!(held(1100, 110).is_back_to(before));
        assert!(held(10, 10).is_back_to(before), "less is as good");
        assert!(!held(1200, 100).is_back_to(before));
        assert!(!held(1000, 120).is_back_to(before));
    }
}
