//! The turn's buffers: each line for many, encoded once for each combination of capabilities.

use alloc::vec::Vec;

use crate::caps::Caps;

/// Bytes of the turn's buffers from which on no more lines are carried out until a flush.
const TURN_MAX: usize = 1 << 20;
/// The same for each connection, if that is more. A turn that writes to everybody is long in any case;
/// long answers that go with it should not have to wait for the next.
const TURN_MAX_EACH: usize = 2 << 10;
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

    /// Whether it holds what is enough for so many connections.
    pub(super) const fn is_full(&self, connections: usize) -> bool {
        self.bytes >= TURN_MAX && self.bytes >= connections * TURN_MAX_EACH
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enough_for_few_is_not_for_many() {
        let mut turn = Turn::new();
        turn.write_for_one(|out| out.resize(TURN_MAX, b'x'));
        assert!(turn.is_full(100) && !turn.is_full(10_000));
        turn.write_for(Caps::ECHO_MESSAGE, |out| out.resize(10_000 * TURN_MAX_EACH, b'x'));
        assert!(turn.is_full(10_000));
    }
}
