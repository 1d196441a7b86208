//! A dense table whose keys are an index and a generation: found without hashing, never mistaken.

use alloc::{collections::BTreeSet, vec::Vec};
use core::marker::PhantomData;

use serde::{Deserialize, Serialize};

/// What names a place in an [`Arena`].
pub(crate) trait Key: Copy + Eq {
    fn new(index: u32, generation: u32) -> Self;
    fn index(self) -> u32;
    fn generation(self) -> u32;
}

/// Makes a key type of an index and a generation.
macro_rules! key {
    ($($(#[$doc:meta])* $visibility:vis struct $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, serde::Serialize, serde::Deserialize,
        )]
        $visibility struct $name {
            pub(crate) index: u32,
            pub(crate) generation: u32,
        }

        crate::arena::implement_key!($name);
    )*};
}

/// Makes an existing struct of `index` and `generation` a key.
macro_rules! implement_key {
    ($name:ident) => {
        impl crate::arena::Key for $name {
            fn new(index: u32, generation: u32) -> Self {
                Self { index, generation }
            }
            fn index(self) -> u32 {
                self.index
            }
            fn generation(self) -> u32 {
                self.generation
            }
        }
    };
}

pub(crate) use {implement_key, key};

implement_key!(ConnId);

use crate::ConnId;

/// Values by [`Key`]. The lowest free place is taken first, so that two arenas with the same
/// history, or one restored from a snapshot, give the same keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arena<K, T> {
    slots: Vec<Slot<T>>,
    free: BTreeSet<u32>,
    /// The generation of new places: no lower than those of places that were given up.
    fresh: u32,
    key: PhantomData<fn() -> K>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<K: Key, T> Arena<K, T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: BTreeSet::new(), fresh: 0, key: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The key that the next [`insert`](Self::insert) gives.
    pub(crate) fn next_key(&self) -> K {
        match self.free.first() {
            Some(&index) => K::new(index, self.slots[index as usize].generation),
            None => K::new(u32::try_from(self.slots.len()).unwrap_or(u32::MAX), self.fresh),
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> K {
        let key = self.next_key();
        match self.free.pop_first() {
            Some(index) => self.slots[index as usize].value = Some(value),
            None => self.slots.push(Slot { generation: self.fresh, value: Some(value) }),
        }
        key
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let slot = self.slots.get_mut(key.index() as usize)?;
        if slot.generation != key.generation() {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.insert(key.index());
        self.give_up_free_end();
        Some(value)
    }

    /// Places that have ever been taken and not given up: every index of a value is below.
    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    /// Gives up free places at the end, so that a crowd costs nothing when it has gone.
    fn give_up_free_end(&mut self) {
        while let Some(Slot { generation, value: None }) = self.slots.last() {
            self.fresh = self.fresh.max(*generation);
            self.slots.pop();
            self.free.pop_last();
        }
        give_back(&mut self.slots);
    }

    pub(crate) fn get(&self, key: K) -> Option<&T> {
        let slot = self.slots.get(key.index() as usize)?;
        if slot.generation == key.generation() { slot.value.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index() as usize)?;
        if slot.generation == key.generation() { slot.value.as_mut() } else { None }
    }

    /// All that there is, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.iter_from(0)
    }

    /// All that there is from `index` on.
    pub(crate) fn iter_from(&self, index: u32) -> impl Iterator<Item = (K, &T)> {
        // The slots come first: past the last one the index is never counted up.
        let slots = self.slots.iter().skip(index as usize).zip(index..);
        slots.filter_map(|(slot, index)| {
            Some((K::new(index, slot.generation), slot.value.as_ref()?))
        })
    }
}

/// Gives memory back if most of it is room for what has gone.
pub(crate) fn give_back<T>(values: &mut Vec<T>) {
    if values.capacity() > 4 * values.len() + ROOM {
        values.shrink_to(2 * values.len());
    }
}

/// Values whose room is never given back: a table that small costs nothing.
const ROOM: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_never_finds_the_new_tenant() {
        let mut arena: Arena<ConnId, char> = Arena::new();
        let a = arena.insert('a');
        assert_eq!(arena.remove(a), Some('a'));
        let b = arena.insert('b');
        assert_eq!(a.index(), b.index());
        assert_eq!(arena.get(a), None);
        assert_eq!(arena.remove(a), None);
        assert_eq!(arena.get(b), Some(&'b'));
    }

    #[test]
    fn what_a_crowd_took_is_given_back_and_its_keys_stay_stale() {
        let mut arena: Arena<ConnId, usize> = Arena::new();
        let keys: Vec<ConnId> = (0..10_000).map(|n| arena.insert(n)).collect();
        for key in keys.iter().skip(10) {
            arena.remove(*key);
        }
        assert_eq!((arena.len(), arena.places()), (10, 10));
        assert!(arena.slots.capacity() <= 4 * 10 + ROOM, "{}", arena.slots.capacity());
        for _ in 10..10_000 {
            arena.insert(0);
        }
        assert!(keys.iter().skip(10).all(|key| arena.get(*key).is_none()));
        assert!(keys.iter().take(10).all(|key| arena.get(*key).is_some()));
    }

    #[test]
    fn the_lowest_free_place_is_taken_first() {
        let mut arena: Arena<ConnId, u8> = Arena::new();
        let keys = [arena.insert(0), arena.insert(1), arena.insert(2)];
        arena.remove(keys[2]);
        arena.remove(keys[0]);
        assert_eq!(arena.next_key().index(), 0);
        assert_eq!(arena.insert(3).index(), 0);
        assert_eq!((arena.len(), arena.insert(4).index()), (2, 2));
    }
}
