//! One deadline per connection, the earliest at hand.

use alloc::vec::Vec;

use crate::{Instant, arena::give_back};

const NONE: u32 = u32::MAX;

/// A binary heap of deadlines in which each connection has at most one, moved or taken out in
/// logarithmic time. Nothing in it is stale: a host is never woken for nothing.
#[derive(Default)]
pub(crate) struct Timers {
    heap: Vec<(Instant, u32)>,
    /// Where in the heap a connection is.
    places: Vec<u32>,
}

impl Timers {
    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|first| first.0)
    }

    /// The connection of the earliest deadline, if it is due; its deadline is taken out.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<usize> {
        let &(at, index) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.set(index as usize, None);
        Some(index as usize)
    }

    /// Forgets those from `index` on, who have no deadline, and the memory that they took.
    pub(crate) fn truncate(&mut self, index: usize) {
        debug_assert!(self.places.iter().skip(index).all(|place| *place == NONE));
        self.places.truncate(index);
        give_back(&mut self.places);
        give_back(&mut self.heap);
    }

    /// Sets, moves or removes a connection's deadline.
    pub(crate) fn set(&mut self, index: usize, at: Option<Instant>) {
        if self.places.len() <= index {
            self.places.resize(index + 1, NONE);
        }
        let place = self.places[index];
        match (place, at) {
            (NONE, None) => {}
            (NONE, Some(at)) => {
                self.heap.push((at, index as u32));
                self.up(self.heap.len() - 1);
            }
            (place, Some(at)) => {
                let place = place as usize;
                let old = self.heap[place].0;
                if old != at && !(old > at && mutant!(EarlierDeadlineIgnored)) {
                    self.heap[place].0 = at;
                    let place = self.up(place);
                    self.down(place);
                }
            }
            (place, None) => {
                let place = place as usize;
                self.heap.swap_remove(place);
                self.places[index] = NONE;
                if place < self.heap.len() {
                    let place = self.up(place);
                    self.down(place);
                }
            }
        }
    }

    fn up(&mut self, mut place: usize) -> usize {
        while place > 0 && self.heap[place] < self.heap[(place - 1) / 2] {
            self.heap.swap(place, (place - 1) / 2);
            self.places[self.heap[place].1 as usize] = place as u32;
            place = (place - 1) / 2;
        }
        self.places[self.heap[place].1 as usize] = place as u32;
        place
    }

    fn down(&mut self, mut place: usize) {
        loop {
            let least = [2 * place + 1, 2 * place + 2]
                .into_iter()
                .filter(|child| *child < self.heap.len())
                .min_by_key(|child| self.heap[*child]);
            match least {
                Some(child) if self.heap[child] < self.heap[place] && !mutant!(HeapNotMended) => {
                    self.heap.swap(place, child);
                    self.places[self.heap[place].1 as usize] = place as u32;
                    place = child;
                }
                _ => break,
            }
        }
        self.places[self.heap[place].1 as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain list: whatever is set, moved and removed, the earliest comes first.
        #[test]
        fn the_earliest_comes_first(steps in prop::collection::vec((0..20_usize, prop::option::of(0..50_u64)), 1..200)) {
            let mut timers = Timers::default();
            let mut model = [None; 20];
            for (index, at) in steps {
                let at = at.map(Instant::from_micros);
                timers.set(index, at);
                model[index] = at;
                prop_assert_eq!(timers.next(), model.iter().flatten().min().copied());
            }
            while let Some(index) = timers.pop_due(Instant::from_micros(100)) {
                let at = model[index].take();
                prop_assert!(at.is_some() && model.iter().flatten().all(|other| Some(*other) >= at));
            }
            prop_assert!(model.iter().all(Option::is_none));
        }
    }
}
