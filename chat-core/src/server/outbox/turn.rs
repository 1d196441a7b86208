//! The turn's buffers: each line for many, encoded once for each combination of capabilities.

use alloc::vec::Vec;

use crate::caps::Caps;

/// Bytes of the turn's buffers from which on no more lines are carried out until a flush.
pub(crate) const TURN_MAX: usize = 1 << 20;
/// What a turn's buffer keeps of its memory when it is emptied.
const TURN_KEEP: usize = 256 << 10;

/// Lines of this turn: one buffer for each combination of capabilities, the first for single
/// recipients.
pub(super) struct Turn {
    buffers: Vec<(Caps, Vec<u8>)>,
    bytes: usize,
    /// Outboxes with a range in it.
    holders: usize,
}

/// Bytes of one of the turn's buffers.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) struct Range {
    pub(super) buffer: u16,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Range {
    pub(super) const fn len(self) -> u32 {
        self.end - self.start
    }
}

impl Turn {
    pub(super) fn new() -> Self {
        Self { buffers: alloc::vec![(Caps::NONE, Vec::new())], bytes: 0, holders: 0 }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= TURN_MAX
    }

    /// Writes lines for all whose relevant capabilities are `caps`.
    pub(super) fn write_for(&mut self, caps: Caps, write: impl FnOnce(&mut Vec<u8>)) -> Range {
        let found = self.buffers.iter().skip(1).position(|(other, _)| *other == caps);
        let at = found.map_or(self.buffers.len(), |at| at + 1);
        if found.is_none() {
            self.buffers.push((caps, Vec::new()));
        }
        self.write(at, write)
    }

    /// Writes lines for one recipient.
    pub(super) fn write_for_one(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range {
        self.write(0, write)
    }

    fn write(&mut self, at: usize, write: impl FnOnce(&mut Vec<u8>)) -> Range {
        let bytes = &mut self.buffers[at].1;
        let start = bytes.len();
        write(bytes);
        self.bytes += bytes.len() - start;
        Range { buffer: at as u16, start: start as u32, end: bytes.len() as u32 }
    }

    pub(super) fn bytes(&self, range: Range) -> &[u8] {
        &self.buffers[range.buffer as usize].1[range.start as usize..range.end as usize]
    }

    /// One outbox more has a range in the buffers.
    pub(super) const fn hold(&mut self) {
        self.holders += 1;
    }

    /// One outbox less has; with the last one they are emptied.
    pub(super) fn release(&mut self) {
        self.holders -= 1;
        self.clear_if_unheld();
    }

    pub(super) fn clear_if_unheld(&mut self) {
        if self.holders == 0 {
            for (_, buffer) in &mut self.buffers {
                buffer.clear();
                buffer.shrink_to(TURN_KEEP);
            }
            self.bytes = 0;
        }
    }
}
