//! Lines that several outboxes share beyond a turn.

use alloc::vec::Vec;

use bytes::Bytes;

/// Shared lines, counted without atomics.
#[derive(Default)]
pub(super) struct Blocks {
    slots: Vec<(Bytes, u32)>,
    free: Vec<u32>,
}

impl Blocks {
    /// Takes a line, with one reference to it.
    pub(super) fn insert(&mut self, bytes: Bytes) -> u32 {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = (bytes, 1);
            return at;
        }
        self.slots.push((bytes, 1));
        (self.slots.len() - 1) as u32
    }

    pub(super) fn get(&self, block: u32) -> &Bytes {
        &self.slots[block as usize].0
    }

    /// Takes one reference more.
    pub(super) fn share(&mut self, block: u32) {
        self.slots[block as usize].1 += 1;
    }

    /// Gives back one reference; the length of what the last one freed.
    pub(super) fn release(&mut self, block: u32) -> Option<usize> {
        let slot = &mut self.slots[block as usize];
        slot.1 -= 1;
        if slot.1 > 0 {
            return None;
        }
        let bytes = core::mem::take(&mut slot.0);
        self.free.push(block);
        Some(bytes.len())
    }
}
