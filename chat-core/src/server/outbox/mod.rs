//! What waits to be written: ranges of the turn's buffers, shared lines, and a connection's own bytes.
//!
//! A line for many is encoded once for each combination of capabilities that matters to it, into
//! that combination's buffer of the turn; a recipient's outbox holds a range of it, and a range
//! that goes on where the last one ended only moves its end. Nothing is counted, allocated or
//! copied per recipient. What a flush can't send is copied out; a connection that is blocked gets
//! shared lines instead, so that it never pins a buffer.

mod blocks;
mod queue;
mod turn;

use alloc::vec::Vec;
use core::cmp::Reverse;

use bytes::Bytes;

use self::{
    blocks::Blocks,
    queue::{Outbox, SLOT, Segment, Segments, State},
    turn::{Range, Turn},
};
use crate::{Chunk, Instant, Pause, arena::give_back, caps::Caps};

/// The outboxes of all connections, by the index of each.
pub(crate) struct Outboxes {
    boxes: Vec<Outbox>,
    turn: Turn,
    blocks: Blocks,
    /// Bytes and slots that are held beyond a turn, over all connections, shared ones once.
    held: usize,
}

/// One encoding of a line for many: where it is in the turn, and as a shared line once somebody
/// who is blocked needs that.
#[derive(Copy, Clone)]
pub(crate) struct Encoded {
    pub(crate) caps: Caps,
    range: Range,
    block: Option<u32>,
}

/// What became of a line.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Pushed {
    /// It waits; a flush is under way or not possible.
    Waits,
    /// It is the first that waits: ask for a flush.
    First,
    /// The connection takes nothing more.
    Dropped,
}

impl Outboxes {
    pub(crate) fn new() -> Self {
        Self { boxes: Vec::new(), turn: Turn::new(), blocks: Blocks::default(), held: 0 }
    }

    /// Makes the outbox at `index` empty and open.
    pub(crate) fn open(&mut self, index: usize) {
        if self.boxes.len() <= index {
            self.boxes.resize_with(index + 1, Outbox::default);
        }
        self.boxes[index] = Outbox::default();
    }

    /// Frees all that the outbox at `index` holds, for good.
    pub(crate) fn close(&mut self, index: usize) {
        self.clear(index);
        self.boxes[index] = Outbox::closed();
    }

    /// Forgets the outboxes from `index` on, all of them closed, and the memory that they took.
    pub(crate) fn truncate(&mut self, index: usize) {
        self.boxes.truncate(index);
        give_back(&mut self.boxes);
    }

    pub(crate) fn set_caps(&mut self, index: usize, caps: Caps) {
        self.boxes[index].caps = caps;
    }

    /// Of a connection that is gone, none: a user may outlive it for a moment.
    #[inline(always)]
    pub(crate) fn caps(&self, index: usize) -> Caps {
        self.boxes.get(index).map_or(Caps::NONE, |outbox| outbox.caps)
    }

    /// Unsent bytes.
    #[inline]
    pub(crate) fn len(&self, index: usize) -> usize {
        self.boxes[index].bytes as usize
    }

    /// Unsent bytes and what their slots cost.
    #[inline]
    pub(crate) fn cost(&self, index: usize) -> usize {
        self.boxes[index].cost()
    }

    /// Since when the oldest unsent byte waits.
    pub(crate) fn waiting_since(&self, index: usize) -> Option<Instant> {
        let outbox = &self.boxes[index];
        (outbox.state != State::Idle).then_some(outbox.oldest)
    }

    #[inline]
    pub(crate) fn is_blocked(&self, index: usize) -> bool {
        self.boxes[index].state == State::Blocked
    }

    /// Bytes held beyond a turn, over all connections; shared ones once.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Whether lines must wait until something was flushed.
    pub(crate) const fn turn_is_full(&self) -> bool {
        self.turn.is_full(self.boxes.len())
    }

    /// Those to whom something waits to be sent, to whom most does first.
    pub(crate) fn by_cost(&self) -> Vec<usize> {
        let owes = |index: &usize| !self.boxes[*index].sealed && self.boxes[*index].bytes > 0;
        let mut all: Vec<usize> = (0..self.boxes.len()).filter(owes).collect();
        all.sort_unstable_by_key(|index| Reverse((self.cost(*index), *index)));
        all
    }

    /// Encodes a line for all whose relevant capabilities are `caps`.
    pub(crate) fn encode(&mut self, caps: Caps, write: impl FnOnce(&mut Vec<u8>)) -> Encoded {
        Encoded { caps, range: self.turn.write_for(caps, write), block: None }
    }

    /// Gives an encoded line to one who takes it, by its capabilities, if it goes on where the last
    /// one ended: as it does for nearly all while a channel is busy. Whether it does.
    #[inline(always)]
    pub(crate) fn go_on(
        &mut self,
        index: usize,
        takes: impl FnOnce(Caps) -> bool,
        line: &Encoded,
        most: usize,
    ) -> bool {
        let outbox = self.boxes.get_mut(index);
        outbox.is_some_and(|outbox| takes(outbox.caps) && outbox.go_on(line.range, most))
    }

    /// Gives an encoded line to one of its recipients.
    #[inline]
    pub(crate) fn push(&mut self, index: usize, line: &mut Encoded, now: Instant) -> Pushed {
        let Some(outbox) = self.boxes.get_mut(index).filter(|outbox| !outbox.sealed) else {
            return Pushed::Dropped;
        };
        if outbox.state == State::Blocked {
            return self.push_block(index, line);
        }
        outbox.push_range(line.range);
        if !outbox.in_turn {
            outbox.in_turn = true;
            self.turn.hold();
        }
        outbox.queue(now)
    }

    #[cold]
    fn push_block(&mut self, index: usize, line: &mut Encoded) -> Pushed {
        let block = match line.block {
            Some(_) if mutant!(SecondBlockedMisses) => return Pushed::Waits,
            Some(block) => block,
            None => {
                let copy = Bytes::copy_from_slice(self.turn.bytes(line.range));
                self.held += copy.len() + SLOT;
                *line.block.insert(self.blocks.insert(copy))
            }
        };
        self.blocks.share(block);
        self.boxes[index].push_block(block, 0, line.range.len());
        self.held += SLOT;
        Pushed::Waits
    }

    /// Must follow the last [`push`](Self::push) of a line.
    pub(crate) fn done(&mut self, lines: &[Encoded]) {
        for block in lines.iter().filter_map(|line| line.block) {
            self.release(block);
        }
        self.turn.clear_if_unheld();
    }

    /// Writes lines for one recipient alone.
    pub(crate) fn write(
        &mut self,
        index: usize,
        now: Instant,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Pushed {
        let Some(outbox) = self.boxes.get_mut(index).filter(|outbox| !outbox.sealed) else {
            return Pushed::Dropped;
        };
        if outbox.state == State::Blocked {
            self.held += outbox.write_own(write);
            return Pushed::Waits;
        }
        let range = self.turn.write_for_one(write);
        self.push(index, &mut Encoded { caps: Caps::NONE, range, block: None }, now)
    }

    /// The host is to write it, and says later how much has left.
    #[inline]
    pub(crate) fn lend(&mut self, index: usize) {
        self.boxes[index].lent = true;
    }

    /// Drops all that waits and puts one last line in its place. Of one that is lent it is dropped
    /// when the host has said what has left.
    pub(crate) fn seal(&mut self, index: usize, now: Instant, last: &[u8], keep: bool) -> Pushed {
        if self.boxes[index].sealed {
            return Pushed::Dropped;
        }
        if self.boxes[index].lent && !keep && !mutant!(LentDropped) {
            self.boxes[index].cut = last.len() as u32;
            return self.seal(index, now, last, true);
        }
        let mut torn = Vec::new();
        if !keep {
            // Half of a line has left: without its end, the last line would become a part of it.
            if self.boxes[index].mid_line && !mutant!(TornLineKept) {
                for chunk in self.chunks(index) {
                    let end = memchr::memchr(b'\n', &chunk).map(|at| at + 1);
                    torn.extend_from_slice(&chunk[..end.unwrap_or(chunk.len())]);
                    if end.is_some() {
                        break;
                    }
                }
            }
            // A flush that was asked for is still to come, and a full socket is still full.
            let state = self.boxes[index].state;
            self.clear(index);
            self.boxes[index].state = state;
        }
        let pushed = self.write(index, now, |out| {
            out.extend_from_slice(&torn);
            out.extend_from_slice(last);
        });
        self.boxes[index].sealed = true;
        pushed
    }

    /// What the outbox holds, in order.
    #[inline]
    pub(crate) fn chunks(&self, index: usize) -> Chunks<'_> {
        let outbox = self.boxes.get(index);
        Chunks {
            segments: outbox.map(Outbox::segments).unwrap_or_default(),
            own: outbox.map_or(&[], Outbox::own),
            outboxes: self,
        }
    }

    /// A flush is over. Whether another one is to be asked for.
    #[inline]
    pub(crate) fn sent(&mut self, index: usize, bytes: usize, pause: Pause, now: Instant) -> bool {
        let outbox = &mut self.boxes[index];
        outbox.lent = false;
        let cut = core::mem::take(&mut outbox.cut) as usize;
        let rest = (outbox.bytes as usize).saturating_sub(bytes);
        if rest == 0 {
            self.clear(index);
            self.boxes[index].mid_line = false;
            return false;
        }
        if bytes > 0 {
            self.boxes[index].mid_line = self.byte(index, bytes - 1) != Some(b'\n');
        }
        self.keep_rest(index, bytes);
        let outbox = &mut self.boxes[index];
        if bytes > 0 && !mutant!(OldestNeverReset) {
            outbox.oldest = now;
        }
        outbox.state = if pause == Pause::Full { State::Blocked } else { State::Queued };
        if cut > 0 && rest > cut {
            self.cut_to(index, cut, now);
        }
        pause == Pause::Yield && !mutant!(RestNotFlushed)
    }

    /// Seals again, with the last `last` bytes of what waits, now that the rest may be dropped.
    #[cold]
    fn cut_to(&mut self, index: usize, last: usize, now: Instant) {
        let mut line: Vec<u8> = self.chunks(index).flat_map(|chunk| chunk.to_vec()).collect();
        line.drain(..line.len().saturating_sub(last));
        self.boxes[index].sealed = false;
        self.seal(index, now, &line, false);
    }

    /// The unsent byte at this place.
    fn byte(&self, index: usize, at: usize) -> Option<u8> {
        let mut at = at;
        for chunk in self.chunks(index) {
            match chunk.get(at) {
                Some(byte) => return Some(*byte),
                None => at -= chunk.len(),
            }
        }
        None
    }

    /// Drops the first `sent` bytes and copies out of the turn's buffers what is left.
    fn keep_rest(&mut self, index: usize, sent: usize) {
        let outbox = core::mem::take(&mut self.boxes[index]);
        let mut kept = outbox.emptied();
        let mut skip = sent as u32 + mutant!(ByteLostAfterPartialWrite => 1, else 0);
        let mut own = outbox.own();
        for segment in outbox.segments() {
            let len = self.segment_len(segment);
            let drop = skip.min(len);
            skip -= drop;
            match segment {
                Segment::Empty => {}
                Segment::Range { buffer, start, end } => {
                    let bytes = self.turn.bytes(Range { buffer, start: start + drop, end });
                    kept.write_own(|own| own.extend_from_slice(bytes));
                }
                Segment::Own(_) => {
                    let (bytes, later) = own.split_at(len as usize);
                    kept.write_own(|own| own.extend_from_slice(&bytes[drop as usize..]));
                    own = later;
                }
                Segment::Block { block, .. } if drop == len => self.release(block),
                Segment::Block { block, start } => kept.push_block(block, start + drop, len - drop),
            }
        }
        self.held -= outbox.held();
        self.held += kept.held();
        if outbox.in_turn {
            self.turn.release();
        }
        self.boxes[index] = kept;
    }

    fn segment_len(&self, segment: Segment) -> u32 {
        match segment {
            Segment::Empty => 0,
            Segment::Range { start, end, .. } => end - start,
            Segment::Own(len) => len,
            Segment::Block { block, start } => self.blocks.get(block).len() as u32 - start,
        }
    }

    /// Empties an outbox; it stays open or sealed as it is.
    #[inline]
    fn clear(&mut self, index: usize) {
        let outbox = &mut self.boxes[index];
        if core::mem::take(&mut outbox.in_turn) {
            self.turn.release();
        }
        // The usual flush: one range, all sent.
        if !outbox.take_lone_range() {
            self.clear_all(index);
        }
    }

    fn clear_all(&mut self, index: usize) {
        let emptied = self.boxes[index].emptied();
        let outbox = core::mem::replace(&mut self.boxes[index], emptied);
        self.held -= mutant!(HeldNeverReleased => 0, else outbox.held());
        for segment in outbox.segments() {
            if let Segment::Block { block, .. } = segment {
                self.release(block);
            }
        }
    }

    fn release(&mut self, block: u32) {
        if let Some(len) = self.blocks.release(block) {
            self.held -= len + SLOT;
        }
    }
}

/// What an outbox holds, in order.
pub(crate) struct Chunks<'a> {
    segments: Segments<'a>,
    /// Own bytes of the segments that are still to come.
    own: &'a [u8],
    outboxes: &'a Outboxes,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    #[inline]
    fn next(&mut self) -> Option<Chunk<'a>> {
        let blocks = &self.outboxes.blocks;
        Some(match self.segments.next()? {
            Segment::Empty => Chunk::Turn(&[]),
            Segment::Range { buffer, start, end } => {
                Chunk::Turn(self.outboxes.turn.bytes(Range { buffer, start, end }))
            }
            Segment::Own(len) => {
                let (bytes, later) = self.own.split_at(len as usize);
                self.own = later;
                Chunk::Turn(bytes)
            }
            Segment::Block { block, start: 0 } => Chunk::Shared(blocks.get(block)),
            Segment::Block { block, start } => Chunk::Turn(&blocks.get(block)[start as usize..]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    fn unsent(outboxes: &Outboxes, index: usize) -> Vec<u8> {
        outboxes.chunks(index).flat_map(|chunk| chunk.to_vec()).collect()
    }

    fn broadcast(outboxes: &mut Outboxes, to: &[usize], text: &[u8]) {
        let mut line = outboxes.encode(Caps::NONE, |out| out.extend_from_slice(text));
        for index in to {
            outboxes.push(*index, &mut line, NOW);
        }
        outboxes.done(&[line]);
    }

    fn three() -> Outboxes {
        let mut outboxes = Outboxes::new();
        (0..3).for_each(|index| outboxes.open(index));
        outboxes
    }

    #[test]
    fn what_is_lent_stays_until_it_is_known_what_has_left() {
        let last = b"ERROR\r\n";
        for (left, pause, waits) in [
            // All was written before the end came.
            (14, Pause::Yield, &b"ERROR\r\n"[..]),
            // Half a line has left: its end must follow.
            (3, Pause::Full, b"\r\nERROR\r\n"),
            (0, Pause::Full, b"ERROR\r\n"),
            // Half of the last line itself has.
            (17, Pause::Full, b"OR\r\n"),
        ] {
            let mut outboxes = three();
            broadcast(&mut outboxes, &[0], b"one\r\n");
            broadcast(&mut outboxes, &[0], b"two two\r\n");
            outboxes.lend(0);
            let _ = outboxes.seal(0, NOW, last, false);
            assert_eq!(unsent(&outboxes, 0), b"one\r\ntwo two\r\nERROR\r\n");
            outboxes.sent(0, left, pause, NOW);
            assert_eq!(unsent(&outboxes, 0), waits, "{left} bytes have left");
        }
    }

    #[test]
    fn neighbouring_lines_of_a_turn_are_one_slice() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0, 1], b"one ");
        broadcast(&mut outboxes, &[0, 1], b"two");
        assert_eq!(outboxes.chunks(0).count(), 1);
        assert_eq!(unsent(&outboxes, 1), b"one two");
        assert_eq!(outboxes.held(), 0);
    }

    #[test]
    fn what_a_flush_could_not_send_outlives_the_turn() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0, 1], b"first");
        assert!(!outboxes.sent(0, 2, Pause::Full, NOW));
        assert!(!outboxes.sent(1, 5, Pause::Full, NOW));
        broadcast(&mut outboxes, &[0, 1], b"second");
        outboxes.write(0, NOW, |out| out.extend_from_slice(b"!"));
        assert_eq!(unsent(&outboxes, 0), b"rstsecond!");
        assert_eq!(unsent(&outboxes, 1), b"second");
        outboxes.sent(0, 10, Pause::Full, NOW);
        assert_eq!(outboxes.held(), 0);
    }

    #[test]
    fn those_who_are_blocked_share_one_block() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0, 1], b"x");
        outboxes.sent(0, 0, Pause::Full, NOW);
        outboxes.sent(1, 0, Pause::Full, NOW);
        let before = outboxes.held();
        broadcast(&mut outboxes, &[0, 1, 2], &[b'y'; 1000]);
        assert_eq!(outboxes.held() - before, 1000 + 3 * SLOT);
        outboxes.sent(0, 500, Pause::Full, NOW);
        assert_eq!(unsent(&outboxes, 0).len(), 501);
        outboxes.close(0);
        outboxes.close(1);
        assert_eq!(outboxes.held(), 0);
    }

    #[test]
    fn a_sealed_outbox_holds_its_last_line_alone() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0], b"lost");
        assert_eq!(outboxes.seal(0, NOW, b"ERROR", false), Pushed::Waits);
        broadcast(&mut outboxes, &[0], b"late");
        assert_eq!(unsent(&outboxes, 0), b"ERROR");
    }

    #[test]
    fn a_line_that_has_half_left_is_ended_before_the_last_one() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0], b"first\nsecond\n");
        outboxes.sent(0, 2, Pause::Full, NOW);
        outboxes.seal(0, NOW, b"ERROR", false);
        assert_eq!(unsent(&outboxes, 0), b"rst\nERROR");
    }

    #[test]
    fn a_line_for_a_connection_that_was_forgotten_is_dropped() {
        let mut outboxes = three();
        outboxes.close(2);
        outboxes.truncate(2);
        broadcast(&mut outboxes, &[0, 1, 2], b"late");
        assert_eq!(outboxes.write(2, NOW, |out| out.push(b'!')), Pushed::Dropped);
        assert_eq!((unsent(&outboxes, 1), unsent(&outboxes, 2)), (b"late".to_vec(), Vec::new()));
    }

    #[test]
    fn yield_asks_for_another_flush_and_keeps_order() {
        let mut outboxes = three();
        broadcast(&mut outboxes, &[0], b"abc");
        assert!(outboxes.sent(0, 1, Pause::Yield, NOW));
        broadcast(&mut outboxes, &[0], b"def");
        assert_eq!(unsent(&outboxes, 0), b"bcdef");
    }
}
