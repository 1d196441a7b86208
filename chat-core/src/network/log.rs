//! The order in which entries are applied.

use alloc::collections::VecDeque;

use super::op::OwnedEntry;

/// Puts entries in one order. A server applies what it gives, in that order, and nothing else.
pub(crate) trait Log {
    /// The place of an entry that may be applied at once. `None` while others wait before it.
    fn assign(&mut self) -> Option<u64>;
    /// Puts an entry at the end.
    fn append(&mut self, entry: OwnedEntry);
    /// Whether no entry waits.
    fn is_empty(&self) -> bool;
    /// Takes the next entry with its place.
    fn next(&mut self) -> Option<(u64, OwnedEntry)>;
}

/// The log of a server that is alone: a queue.
#[derive(Debug, Default)]
pub(crate) struct MemLog {
    next: u64,
    queue: VecDeque<OwnedEntry>,
}

impl MemLog {
    /// A log that goes on after the entry at this place.
    pub(crate) fn after(sequence: u64) -> Self {
        Self { next: sequence, queue: VecDeque::new() }
    }
}

impl Log for MemLog {
    fn assign(&mut self) -> Option<u64> {
        if !self.queue.is_empty() {
            return None;
        }
        self.next += 1;
        Some(self.next)
    }

    fn append(&mut self, entry: OwnedEntry) {
        self.queue.push_back(entry);
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn next(&mut self) -> Option<(u64, OwnedEntry)> {
        let entry = self.queue.pop_front()?;
        self.next += 1;
        Some((self.next, entry))
    }
}
