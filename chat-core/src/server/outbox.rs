//! What waits to be written: ranges of the turn's buffers, shared lines, and a connection's own bytes.
//!
//! A line for many is encoded once for each combination of capabilities that matters to it, into
//! that combination's buffer of the turn; a recipient's outbox holds a range of it, and a range
//! that goes on where the last one ended only moves its end. Nothing is counted, allocated or
//! copied per recipient. What a flush can't send is copied out; a connection that is blocked gets
//! shared lines instead, so that it never pins a buffer.

use alloc::vec::Vec;
use core::cmp::Reverse;

use bytes::Bytes;

use crate::{Chunk, Instant, Pause, arena::give_back, caps::Caps};

/// Bytes of the turn's buffers from which on no more lines are carried out until a flush.
pub(crate) const TURN_MAX: usize = 1 << 20;
/// What a turn's buffer keeps of its memory when it is emptied.
const TURN_KEEP: usize = 256 << 10;
/// What a slot costs beside its bytes, as the limits count it.
const SLOT: usize = size_of::<Segment>();

/// The outboxes of all connections, by the index of each.
pub(crate) struct Outboxes {
    boxes: Vec<Outbox>,
    turn: Turn,
    blocks: Blocks,
    /// Bytes and slots that are held beyond a turn, over all connections, shared ones once.
    held: usize,
}

/// One connection's outbox.
#[derive(Default)]
struct Outbox {
    /// The part of the connection's capabilities that decides what it is sent.
    caps: Caps,
    state: State,
    /// Nothing more is taken: the last line is in.
    sealed: bool,
    /// The host may be writing it: what is in it stays until it says how much has left.
    lent: bool,
    /// The last byte that left did not end its line.
    mid_line: bool,
    /// Whether a segment is a range of the turn's buffers.
    in_turn: bool,
    bytes: u32,
    /// Sealed while it was lent, with a last line of so many bytes: what is before it and has not
    /// left then is dropped.
    cut: u32,
    /// The last segment; those before it are in `earlier`.
    tail: Segment,
    earlier: Vec<Segment>,
    /// The bytes of the [`Segment::Own`]s, in order, from `own_start` on.
    own: Vec<u8>,
    own_start: usize,
    oldest: Instant,
}

#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
enum State {
    /// Nothing waits.
    #[default]
    Idle,
    /// A flush was asked for.
    Queued,
    /// The socket took no more.
    Blocked,
}

#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
enum Segment {
    #[default]
    Empty,
    /// Bytes of one of the turn's buffers.
    Range { buffer: u16, start: u32, end: u32 },
    /// So many of the connection's own bytes.
    Own(u32),
    /// A shared line from a byte on.
    Block { block: u32, start: u32 },
}

/// Lines of this turn: one buffer for each combination of capabilities, the first for single
/// recipients.
struct Turn {
    buffers: Vec<(Caps, Vec<u8>)>,
    bytes: usize,
    /// Outboxes with a range in it.
    holders: usize,
}

/// Shared lines, counted without atomics.
#[derive(Default)]
struct Blocks {
    slots: Vec<(Bytes, u32)>,
    free: Vec<u32>,
}

/// One encoding of a line for many: where it is in the turn, and as a shared line once somebody
/// who is blocked needs that.
#[derive(Copy, Clone)]
pub(crate) struct Encoded {
    pub(crate) caps: Caps,
    buffer: u16,
    start: u32,
    end: u32,
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
        let turn = Turn { buffers: alloc::vec![(Caps::NONE, Vec::new())], bytes: 0, holders: 0 };
        Self { boxes: Vec::new(), turn, blocks: Blocks::default(), held: 0 }
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
        self.boxes[index] = Outbox { sealed: true, ..Outbox::default() };
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
    pub(crate) fn caps(&self, index: usize) -> Caps {
        self.boxes.get(index).map_or(Caps::NONE, |outbox| outbox.caps)
    }

    /// Unsent bytes.
    pub(crate) fn len(&self, index: usize) -> usize {
        self.boxes[index].bytes as usize
    }

    /// Unsent bytes and what their slots cost.
    pub(crate) fn cost(&self, index: usize) -> usize {
        let outbox = &self.boxes[index];
        outbox.bytes as usize + outbox.earlier.len() * SLOT
    }

    /// Since when the oldest unsent byte waits.
    pub(crate) fn waiting_since(&self, index: usize) -> Option<Instant> {
        let outbox = &self.boxes[index];
        (outbox.state != State::Idle).then_some(outbox.oldest)
    }

    pub(crate) fn is_blocked(&self, index: usize) -> bool {
        self.boxes[index].state == State::Blocked
    }

    /// Bytes held beyond a turn, over all connections; shared ones once.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Whether lines must wait until something was flushed.
    pub(crate) const fn turn_is_full(&self) -> bool {
        self.turn.bytes >= TURN_MAX
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
        let found = self.turn.buffers.iter().skip(1).position(|(other, _)| *other == caps);
        let at = found.map_or(self.turn.buffers.len(), |at| at + 1);
        if found.is_none() {
            self.turn.buffers.push((caps, Vec::new()));
        }
        let bytes = &mut self.turn.buffers[at].1;
        let start = bytes.len();
        write(bytes);
        self.turn.bytes += bytes.len() - start;
        Encoded {
            caps,
            buffer: at as u16,
            start: start as u32,
            end: bytes.len() as u32,
            block: None,
        }
    }

    /// Gives an encoded line to one of its recipients.
    #[inline]
    pub(crate) fn push(&mut self, index: usize, line: &mut Encoded, now: Instant) -> Pushed {
        let Some(outbox) = self.boxes.get_mut(index).filter(|outbox| !outbox.sealed) else {
            return Pushed::Dropped;
        };
        let Encoded { buffer, start, end, .. } = *line;
        if outbox.state == State::Blocked {
            return self.push_block(index, line);
        }
        outbox.bytes += end - start;
        match &mut outbox.tail {
            Segment::Range { buffer: last, end: last_end, .. }
                if *last == buffer && (*last_end == start || mutant!(GapSent)) =>
            {
                *last_end = end;
            }
            _ => outbox.append(Segment::Range { buffer, start, end }),
        }
        if !outbox.in_turn {
            outbox.in_turn = true;
            self.turn.holders += 1;
        }
        outbox.queue(now)
    }

    fn push_block(&mut self, index: usize, line: &mut Encoded) -> Pushed {
        let block = match line.block {
            Some(_) if mutant!(SecondBlockedMisses) => return Pushed::Waits,
            Some(block) => block,
            None => {
                let bytes = &self.turn.buffers[line.buffer as usize].1;
                let copy = Bytes::copy_from_slice(&bytes[line.start as usize..line.end as usize]);
                self.held += copy.len() + SLOT;
                let block = self.blocks.insert(copy);
                line.block = Some(block);
                block
            }
        };
        self.blocks.slots[block as usize].1 += 1;
        let outbox = &mut self.boxes[index];
        outbox.bytes += line.end - line.start;
        outbox.append(Segment::Block { block, start: 0 });
        self.held += SLOT;
        Pushed::Waits
    }

    /// Must follow the last [`push`](Self::push) of a line.
    pub(crate) fn done(&mut self, lines: &[Encoded]) {
        for block in lines.iter().filter_map(|line| line.block) {
            self.release(block);
        }
        if self.turn.holders == 0 {
            self.turn.clear();
        }
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
            let start = outbox.own.len();
            write(&mut outbox.own);
            let added = outbox.own.len() - start;
            self.held += outbox.append_own(added as u32);
            return Pushed::Waits;
        }
        let bytes = &mut self.turn.buffers[0].1;
        let start = bytes.len();
        write(bytes);
        let end = bytes.len();
        self.turn.bytes += end - start;
        let caps = Caps::NONE;
        let mut line =
            Encoded { caps, buffer: 0, start: start as u32, end: end as u32, block: None };
        self.push(index, &mut line, now)
    }

    /// The host is to write it, and says later how much has left.
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
    pub(crate) fn chunks(&self, index: usize) -> impl Iterator<Item = Chunk<'_>> {
        let outbox = self.boxes.get(index);
        let segments = outbox.into_iter().flat_map(Outbox::segments);
        let mut own = outbox.map_or(0, |outbox| outbox.own_start);
        segments.map(move |segment| match segment {
            Segment::Empty => Chunk::Turn(&[]),
            Segment::Range { buffer, start, end } => {
                Chunk::Turn(&self.turn.buffers[buffer as usize].1[start as usize..end as usize])
            }
            Segment::Own(len) => {
                let start = own;
                own += len as usize;
                Chunk::Turn(outbox.map_or(&[], |outbox| &outbox.own[start..own]))
            }
            Segment::Block { block, start: 0 } => {
                Chunk::Shared(&self.blocks.slots[block as usize].0)
            }
            Segment::Block { block, start } => {
                Chunk::Turn(&self.blocks.slots[block as usize].0[start as usize..])
            }
        })
    }

    /// A flush is over. Whether another one is to be asked for.
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
        let mut outbox = core::mem::take(&mut self.boxes[index]);
        let mut skip = sent as u32 + mutant!(ByteLostAfterPartialWrite => 1, else 0);
        let mut kept = Outbox {
            caps: outbox.caps,
            sealed: outbox.sealed,
            mid_line: outbox.mid_line,
            ..Outbox::default()
        };
        kept.oldest = outbox.oldest;
        let segments: Vec<Segment> = outbox.segments().collect();
        let mut own = outbox.own_start;
        self.held -= outbox.held();
        for segment in segments {
            let len = self.segment_len(segment);
            let drop = skip.min(len);
            skip -= drop;
            let left = len - drop;
            match segment {
                Segment::Empty => {}
                Segment::Range { buffer, start, end } => {
                    let bytes = &self.turn.buffers[buffer as usize].1;
                    kept.own.extend_from_slice(&bytes[(start + drop) as usize..end as usize]);
                    kept.append_own(left);
                }
                Segment::Own(_) => {
                    let end = own + len as usize;
                    kept.own.extend_from_slice(&outbox.own[own + drop as usize..end]);
                    kept.append_own(left);
                    own = end;
                }
                Segment::Block { block, .. } if left == 0 => self.release(block),
                Segment::Block { block, start } => {
                    kept.append(Segment::Block { block, start: start + drop });
                    kept.bytes += left;
                }
            }
        }
        self.held += kept.held();
        if outbox.in_turn {
            self.turn.release();
        }
        outbox.in_turn = false;
        self.boxes[index] = kept;
    }

    fn segment_len(&self, segment: Segment) -> u32 {
        match segment {
            Segment::Empty => 0,
            Segment::Range { start, end, .. } => end - start,
            Segment::Own(len) => len,
            Segment::Block { block, start } => {
                self.blocks.slots[block as usize].0.len() as u32 - start
            }
        }
    }

    /// Empties an outbox; it stays open or sealed as it is.
    fn clear(&mut self, index: usize) {
        let outbox = &mut self.boxes[index];
        let only_turn = outbox.own.is_empty() && outbox.earlier.is_empty();
        outbox.state = State::Idle;
        outbox.bytes = 0;
        if core::mem::take(&mut outbox.in_turn) {
            self.turn.release();
            // The usual flush: one range, all sent.
            if only_turn {
                self.boxes[index].tail = Segment::Empty;
                return;
            }
        }
        let outbox = &mut self.boxes[index];
        self.held -= mutant!(HeldNeverReleased => 0, else outbox.held());
        let mut segments = core::mem::take(&mut outbox.earlier);
        segments.push(core::mem::take(&mut outbox.tail));
        outbox.own = Vec::new();
        outbox.own_start = 0;
        for segment in &segments {
            if let Segment::Block { block, .. } = segment {
                self.release(*block);
            }
        }
        // A few slots stay: the next burst needs no allocation.
        if segments.capacity() <= 8 {
            segments.clear();
            self.boxes[index].earlier = segments;
        }
    }

    fn release(&mut self, block: u32) {
        if let Some(len) = self.blocks.release(block) {
            self.held -= len + SLOT;
        }
    }
}

impl Outbox {
    fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        self.earlier.iter().copied().chain([self.tail]).filter(|segment| *segment != Segment::Empty)
    }

    fn append(&mut self, segment: Segment) {
        if self.tail != Segment::Empty {
            self.earlier.push(self.tail);
        }
        self.tail = segment;
    }

    /// Takes note of own bytes at the end; what they and their slot cost.
    fn append_own(&mut self, added: u32) -> usize {
        if added == 0 {
            return 0;
        }
        self.bytes += added;
        if let Segment::Own(len) = &mut self.tail {
            *len += added;
            return added as usize;
        }
        self.append(Segment::Own(added));
        added as usize + SLOT
    }

    /// What is held beyond a turn for this connection alone: own bytes, and slots.
    fn held(&self) -> usize {
        let slot = |segment: Segment| match segment {
            Segment::Empty | Segment::Range { .. } => 0,
            Segment::Own(len) => len as usize + SLOT,
            Segment::Block { .. } => SLOT,
        };
        self.segments().map(slot).sum()
    }

    fn queue(&mut self, now: Instant) -> Pushed {
        if self.state == State::Queued {
            return Pushed::Waits;
        }
        self.state = State::Queued;
        self.oldest = now;
        Pushed::First
    }
}

impl Turn {
    /// One outbox less has a range in the buffers; with the last one they are emptied.
    fn release(&mut self) {
        self.holders -= 1;
        if self.holders == 0 {
            self.clear();
        }
    }

    fn clear(&mut self) {
        for (_, buffer) in &mut self.buffers {
            buffer.clear();
            buffer.shrink_to(TURN_KEEP);
        }
        self.bytes = 0;
    }
}

impl Blocks {
    fn insert(&mut self, bytes: Bytes) -> u32 {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = (bytes, 1);
            return at;
        }
        self.slots.push((bytes, 1));
        (self.slots.len() - 1) as u32
    }

    /// Gives back one reference; the length of what the last one freed.
    fn release(&mut self, block: u32) -> Option<usize> {
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
