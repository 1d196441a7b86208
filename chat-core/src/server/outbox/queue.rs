//! One connection's queue of segments.

use alloc::{boxed::Box, vec::Vec};

use super::{Pushed, turn::Range};
use crate::{Instant, caps::Caps};

/// What a slot costs beside its bytes, as the limits count it.
pub(super) const SLOT: usize = size_of::<Segment>();

/// One connection's outbox: what a broadcast and a flush look at for each recipient, in less than a
/// cache line.
#[derive(Default)]
pub(super) struct Outbox {
    /// The part of the connection's capabilities that decides what it is sent.
    pub(super) caps: Caps,
    pub(super) state: State,
    /// Nothing more is taken: the last line is in.
    pub(super) sealed: bool,
    /// The host may be writing it: what is in it stays until it says how much has left.
    pub(super) lent: bool,
    /// The last byte that left did not end its line.
    pub(super) mid_line: bool,
    /// Whether a segment is a range of the turn's buffers.
    pub(super) in_turn: bool,
    pub(super) bytes: u32,
    /// Sealed while it was lent, with a last line of so many bytes: what is before it and has not
    /// left then is dropped.
    pub(super) cut: u32,
    /// The last segment.
    tail: Segment,
    pub(super) oldest: Instant,
    /// There while there is something in it.
    rest: Option<Box<Rest>>,
}

/// What few outboxes have: more than one segment, bytes of their own.
#[derive(Default)]
struct Rest {
    /// The segments before the last.
    earlier: Vec<Segment>,
    /// The bytes of the [`Segment::Own`]s, in order.
    own: Vec<u8>,
}

#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum State {
    /// Nothing waits.
    #[default]
    Idle,
    /// A flush was asked for.
    Queued,
    /// The socket took no more.
    Blocked,
}

#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Segment {
    #[default]
    Empty,
    /// Bytes of one of the turn's buffers.
    Range { buffer: u16, start: u32, end: u32 },
    /// So many of the connection's own bytes.
    Own(u32),
    /// A shared line from a byte on.
    Block { block: u32, start: u32 },
}

impl Outbox {
    pub(super) fn closed() -> Self {
        Self { sealed: true, ..Self::default() }
    }

    /// One without anything in it, as open as this one.
    pub(super) fn emptied(&self) -> Self {
        let Self { caps, sealed, mid_line, oldest, .. } = *self;
        Self { caps, sealed, mid_line, oldest, ..Self::default() }
    }

    /// Unsent bytes and what their slots cost.
    #[inline]
    pub(super) fn cost(&self) -> usize {
        let slots = self.rest.as_ref().map_or(0, |rest| rest.earlier.len());
        self.bytes as usize + slots * SLOT
    }

    #[inline]
    pub(super) fn segments(&self) -> Segments<'_> {
        let earlier = self.rest.as_ref().map_or(&[][..], |rest| &rest.earlier);
        Segments { earlier: earlier.iter(), tail: Some(self.tail) }
    }

    /// The bytes of the connection's own, of all its segments.
    #[inline]
    pub(super) fn own(&self) -> &[u8] {
        self.rest.as_ref().map_or(&[], |rest| &rest.own)
    }

    /// Adds a range of the turn's buffers that goes on where the last segment ended, if it does and
    /// no flush has to be asked for.
    #[inline(always)]
    pub(super) fn go_on(&mut self, range: Range, most: usize) -> bool {
        if let Segment::Range { buffer, end, .. } = &mut self.tail
            && *buffer == range.buffer
            && *end == range.start
            && self.state == State::Queued
            && !self.sealed
            && self.rest.is_none()
            && (self.bytes + range.len()) as usize <= most
        {
            *end = range.end;
            self.bytes += range.len();
            return true;
        }
        false
    }

    /// Adds a range of the turn's buffers.
    pub(super) fn push_range(&mut self, Range { buffer, start, end }: Range) {
        self.bytes += end - start;
        match &mut self.tail {
            Segment::Range { buffer: last, end: last_end, .. }
                if *last == buffer && (*last_end == start || mutant!(GapSent)) =>
            {
                *last_end = end;
            }
            _ => self.append(Segment::Range { buffer, start, end }),
        }
    }

    pub(super) fn push_block(&mut self, block: u32, start: u32, bytes: u32) {
        self.bytes += bytes;
        self.append(Segment::Block { block, start });
    }

    /// Writes bytes of the connection's own; what they and their slot cost.
    pub(super) fn write_own(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let own = &mut self.rest.get_or_insert_default().own;
        let before = own.len();
        write(own);
        let added = own.len() - before;
        if added == 0 {
            return 0;
        }
        self.bytes += added as u32;
        if let Segment::Own(len) = &mut self.tail {
            *len += added as u32;
            return added;
        }
        self.append(Segment::Own(added as u32));
        added + SLOT
    }

    fn append(&mut self, segment: Segment) {
        if self.tail != Segment::Empty {
            self.rest.get_or_insert_default().earlier.push(self.tail);
        }
        self.tail = segment;
    }

    /// What is held beyond a turn for this connection alone: own bytes, and slots.
    pub(super) fn held(&self) -> usize {
        let slot = |segment: Segment| match segment {
            Segment::Empty | Segment::Range { .. } => 0,
            Segment::Own(len) => len as usize + SLOT,
            Segment::Block { .. } => SLOT,
        };
        self.segments().map(slot).sum()
    }

    #[inline]
    pub(super) fn queue(&mut self, now: Instant) -> Pushed {
        if self.state == State::Queued {
            return Pushed::Waits;
        }
        self.state = State::Queued;
        self.oldest = now;
        Pushed::First
    }

    /// Forgets a lone range, all of it sent, and says whether that was all.
    #[inline]
    pub(super) fn take_lone_range(&mut self) -> bool {
        let lone =
            self.rest.is_none() && matches!(self.tail, Segment::Range { .. } | Segment::Empty);
        if lone {
            self.state = State::Idle;
            self.bytes = 0;
            self.tail = Segment::Empty;
        }
        lone
    }
}

/// The segments of an outbox, in order.
#[derive(Default)]
pub(super) struct Segments<'a> {
    earlier: core::slice::Iter<'a, Segment>,
    tail: Option<Segment>,
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self.earlier.next() {
            Some(segment) => Some(*segment),
            None => self.tail.take().filter(|tail| *tail != Segment::Empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_is_less_than_a_cache_line() {
        assert_eq!((size_of::<Outbox>(), size_of::<Segment>()), (48, 12));
    }
}
