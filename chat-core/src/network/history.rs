//! What is kept of what was said and done: rings of items, from which the oldest go first.
//!
//! A ring knows neither users nor channels. Items are ordered by their place in the log, which is
//! also the order of their times, so that a place or a time is found by halving.

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::state::{Text, UserId};
use crate::{
    UnixMillis,
    arena::{Arena, key},
};

key! {
    /// A ring of items: that of a channel, or of one side of a conversation.
    pub(crate) struct RingId;
}

/// What an item beside its texts costs, for the bound on all bytes. A fixed number, so that the
/// same items are kept on every machine.
const ITEM_COST: u64 = 64;

/// A ring has room for at most so many times the items that are in it.
const SPARE: usize = 4;

/// What an item tells of.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum ItemKind {
    Privmsg,
    Notice,
    Tagmsg,
    /// Its text is the account, a space, and the real name.
    Join,
    Part,
    Quit,
    /// Its text is the nick, a space, and the reason.
    Kick,
    Nick,
    Topic,
    /// Its text is the letters and their parameters, with spaces between them.
    Mode,
}

impl ItemKind {
    /// Whether it is shown to those who have not asked for events.
    pub(crate) const fn is_message(self) -> bool {
        matches!(self, Self::Privmsg | Self::Notice)
    }
}

/// Something that was said or done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Its place in the log, from which its msgid is made.
    pub(crate) place: u64,
    pub(crate) time: UnixMillis,
    pub(crate) from: UserId,
    pub(crate) kind: ItemKind,
    /// Whether it is a bot's.
    pub(crate) bot: bool,
    source: u32,
    tags: u32,
    /// Source, tags and text, in one allocation.
    bytes: Text,
}

impl Item {
    /// An item whose source and text are given in parts. `tags` are raw, client-only tags alone.
    pub(crate) fn new(
        place: u64,
        time: UnixMillis,
        from: UserId,
        kind: ItemKind,
        source: &[&[u8]],
        tags: &[u8],
        text: &[&[u8]],
    ) -> Self {
        let len = |parts: &[&[u8]]| parts.iter().map(|part| part.len()).sum::<usize>();
        let source_len = len(source);
        let mut bytes = Vec::with_capacity(source_len + tags.len() + len(text));
        source.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes.extend_from_slice(tags);
        text.iter().for_each(|part| bytes.extend_from_slice(part));
        let (source, tags) = (source_len as u32, tags.len() as u32);
        Self { place, time, from, kind, bot: false, source, tags, bytes: bytes.into_boxed_slice() }
    }

    /// `nick!user@host`, as it was then.
    pub(crate) fn source(&self) -> &[u8] {
        self.bytes.get(..self.source as usize).unwrap_or_default()
    }

    /// The client-only tags, raw.
    pub(crate) fn tags(&self) -> &[u8] {
        let from = self.source as usize;
        self.bytes.get(from..from + self.tags as usize).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(self.source as usize + self.tags as usize..).unwrap_or_default()
    }

    fn cost(&self) -> u64 {
        ITEM_COST + self.bytes.len() as u64
    }
}

/// All rings.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct History {
    rings: Arena<RingId, Ring>,
    /// What all items cost.
    bytes: u64,
    /// Each ring that has items, by the oldest that it had when it was last looked at: the ring
    /// whose items go first is found from here. Made anew from the rings.
    #[serde(skip)]
    oldest: BTreeSet<(u64, RingId)>,
}

/// The items of a ring, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ring {
    items: VecDeque<Item>,
    /// The place that it is listed under among the oldest, not after that of its first item.
    #[serde(skip)]
    listed: Option<u64>,
}

impl Ring {
    /// Takes out the oldest item.
    fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.give_back();
        Some(item)
    }

    /// Gives back the room that it does not use any more: it is not counted.
    fn give_back(&mut self) {
        let items = &mut self.items;
        if items.is_empty() || items.capacity() > SPARE * items.len().max(SPARE) {
            items.shrink_to(2 * items.len());
        }
    }
}

/// How much is kept.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Bounds {
    /// Items of one ring.
    pub(crate) lines: usize,
    /// What all items together may cost.
    pub(crate) bytes: u64,
}

/// A point in a ring: neither it nor what is at it is meant.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Point {
    Time(UnixMillis),
    Place(u64),
}

/// Which items of a ring are asked for.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Query {
    /// The newest after the point, if there is one.
    Latest(Option<Point>),
    Before(Point),
    After(Point),
    Around(Point),
    /// Counted from the first point, wherever the second is.
    Between(Point, Point),
}

/// A stretch of a ring, both ends in it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) ring: RingId,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Whether events are in it, not messages alone.
    pub(crate) events: bool,
}

impl History {
    pub(crate) const fn new() -> Self {
        Self { rings: Arena::new(), bytes: 0, oldest: BTreeSet::new() }
    }

    /// Makes what a snapshot does not hold.
    pub(crate) fn index(&mut self) {
        let ids: Vec<RingId> = self.rings.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.list(id));
    }

    /// Lists a ring among the oldest by what is its oldest item now. It is not listed yet.
    fn list(&mut self, id: RingId) {
        let Some(ring) = self.rings.get_mut(id) else { return };
        ring.listed = ring.items.front().map(|item| item.place);
        self.oldest.extend(ring.listed.map(|place| (place, id)));
    }

    pub(crate) fn open(&mut self) -> RingId {
        self.rings.insert(Ring::default())
    }

    /// Forgets a ring with all that is in it.
    pub(crate) fn close(&mut self, id: RingId) {
        if let Some(ring) = self.rings.remove(id) {
            self.bytes -= ring.items.iter().map(Item::cost).sum::<u64>();
            if let Some(place) = ring.listed {
                self.oldest.remove(&(place, id));
            }
        }
    }

    /// Adds the newest item; what is then too much goes.
    pub(crate) fn push(&mut self, id: RingId, item: Item, bounds: Bounds) {
        let Some(ring) = self.rings.get_mut(id) else { return };
        self.bytes += item.cost();
        ring.items.push_back(item);
        if ring.listed.is_none() {
            self.list(id);
        }
        self.hold_lines(id, bounds);
        self.hold_bytes(bounds);
    }

    /// Drops what new bounds have no room for.
    pub(crate) fn hold(&mut self, bounds: Bounds) {
        let ids: Vec<RingId> = self.rings.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.hold_lines(id, bounds));
        self.hold_bytes(bounds);
    }

    fn hold_lines(&mut self, id: RingId, bounds: Bounds) {
        let Some(ring) = self.rings.get_mut(id) else { return };
        while ring.items.len() > bounds.lines
            && let Some(item) = ring.pop()
        {
            self.bytes -= item.cost();
        }
    }

    fn hold_bytes(&mut self, bounds: Bounds) {
        while self.bytes > bounds.bytes
            && let Some((place, id)) = self.oldest.pop_first()
        {
            // What it is listed under may have gone since; then another's may be older.
            if let Some(ring) = self.rings.get_mut(id)
                && ring.items.front().is_some_and(|item| item.place == place)
                && let Some(item) = ring.pop()
            {
                self.bytes -= item.cost();
            }
            self.list(id);
        }
    }

    /// The item at a place.
    pub(crate) fn get(&self, id: RingId, place: u64) -> Option<&Item> {
        let items = &self.rings.get(id)?.items;
        let at = items.binary_search_by_key(&place, |item| item.place).ok()?;
        items.get(at)
    }

    /// Takes out the item at a place.
    pub(crate) fn remove(&mut self, id: RingId, place: u64) -> Option<Item> {
        let ring = self.rings.get_mut(id)?;
        let at = ring.items.binary_search_by_key(&place, |item| item.place).ok()?;
        let item = ring.items.remove(at)?;
        self.bytes -= item.cost();
        ring.give_back();
        Some(item)
    }

    /// The newest item, or the newest message.
    pub(crate) fn latest(&self, id: RingId, events: bool) -> Option<&Item> {
        self.rings.get(id)?.items.iter().rev().find(|item| events || item.kind.is_message())
    }

    /// The items that a query asks for, at most `limit` of them; `None`: there are none.
    pub(crate) fn select(
        &self,
        id: RingId,
        query: Query,
        limit: usize,
        events: bool,
    ) -> Option<Stretch> {
        let ring = &self.rings.get(id)?.items;
        let end = ring.len();
        // The first item that is not before a point, and the first that is after it.
        let at = |point: Point| match point {
            Point::Time(time) => ring.partition_point(|item| item.time < time),
            Point::Place(place) => ring.partition_point(|item| item.place < place),
        };
        let after = |point: Point| match point {
            Point::Time(time) => ring.partition_point(|item| item.time <= time),
            Point::Place(place) => ring.partition_point(|item| item.place <= place),
        };
        let counts = |item: &&Item| events || item.kind.is_message();
        // As many as are wanted from one end, the first and the last of them.
        let take = |from: usize, to: usize, newest: bool| {
            let range = ring.range(from..to.max(from));
            if newest {
                ends(range.rev().filter(counts).take(limit)).map(|(last, first)| (first, last))
            } else {
                ends(range.filter(counts).take(limit))
            }
        };
        let found = match query {
            Query::Latest(None) => take(0, end, true),
            Query::Latest(Some(point)) => take(after(point), end, true),
            Query::Before(point) => take(0, at(point), true),
            Query::After(point) => take(after(point), end, false),
            Query::Between(a, b) if at(a) <= at(b) => take(after(a), at(b), false),
            Query::Between(a, b) => take(after(b), at(a), true),
            Query::Around(point) => {
                let middle = at(point);
                let earlier = ring.range(..middle).rev().filter(counts).take(limit);
                let earlier: Vec<u64> = earlier.map(|item| item.place).collect();
                let later = ring.range(middle..).filter(counts).take(limit);
                let later: Vec<u64> = later.map(|item| item.place).collect();
                // Half of them from before; what one side lacks, the other may have.
                let before = earlier.len().min((limit / 2).max(limit - later.len()));
                let after = later.len().min(limit - before);
                let all = || earlier[..before].iter().rev().chain(&later[..after]).copied();
                all().next().zip(all().last())
            }
        };
        let (first, last) = found?;
        Some(Stretch { ring: id, first, last, events })
    }

    /// The first item of a stretch.
    pub(crate) fn first(&self, stretch: &Stretch) -> Option<&Item> {
        let ring = &self.rings.get(stretch.ring)?.items;
        let from = ring.partition_point(|item| item.place < stretch.first);
        ring.range(from..)
            .take_while(|item| item.place <= stretch.last)
            .find(|item| stretch.events || item.kind.is_message())
    }
}

#[cfg(test)]
impl History {
    /// What must hold at any time: these rings and no others, all within their bounds.
    pub(super) fn check(&self, rings: &BTreeSet<RingId>, bounds: Bounds) {
        assert!(self.rings.iter().map(|(id, _)| id).eq(rings.iter().copied()));
        let all = || self.rings.iter().map(|(_, ring)| &ring.items);
        assert!(all().all(|ring| ring.len() <= bounds.lines));
        assert!(all().all(|ring| ring.iter().is_sorted_by_key(|item| (item.time, item.place))));
        assert_eq!(self.bytes, all().flatten().map(Item::cost).sum::<u64>());
        assert!(self.bytes <= bounds.bytes);
        let listed = |(id, ring): (RingId, &Ring)| Some((ring.listed?, id));
        assert_eq!(self.oldest, self.rings.iter().filter_map(listed).collect());
        for (_, ring) in self.rings.iter() {
            let front = ring.items.front().map(|item| item.place);
            assert!(front.is_none_or(|place| ring.listed.is_some_and(|listed| listed <= place)));
        }
    }
}

/// The places of the first and the last of some items.
fn ends<'a>(mut items: impl Iterator<Item = &'a Item>) -> Option<(u64, u64)> {
    let first = items.next()?.place;
    Some((first, items.last().map_or(first, |item| item.place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { lines: 10, bytes: 100_000 };

    fn item(place: u64, kind: ItemKind) -> Item {
        let from = UserId { index: 0, generation: 0 };
        Item::new(place, UnixMillis(place / 2), from, kind, &[b"n!u@h"], b"+a", &[b"te", b"xt"])
    }

    /// A ring of messages at these places, every fifth of them an event.
    fn ring(places: impl IntoIterator<Item = u64>) -> (History, RingId) {
        let mut history = History::new();
        let id = history.open();
        for place in places {
            let kind = if place % 5 == 0 { ItemKind::Join } else { ItemKind::Privmsg };
            history.push(id, item(place, kind), BOUNDS);
        }
        (history, id)
    }

    fn places(history: &History, stretch: Option<Stretch>) -> Vec<u64> {
        let mut found = Vec::new();
        let mut rest = stretch;
        while let Some(item) = rest.as_ref().and_then(|stretch| history.first(stretch)) {
            found.push(item.place);
            rest = rest.map(|rest| Stretch { first: item.place + 1, ..rest });
        }
        found
    }

    #[test]
    fn an_item_is_one_allocation_with_three_parts() {
        let item = item(1, ItemKind::Privmsg);
        assert_eq!(
            (item.source(), item.tags(), item.text()),
            (&b"n!u@h"[..], &b"+a"[..], &b"text"[..])
        );
    }

    #[test]
    fn a_ring_keeps_the_newest() {
        let (history, id) = ring(1..=14);
        let all = history.select(id, Query::Latest(None), 99, true);
        assert_eq!(places(&history, all), (5..=14).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_of_all_rings_go_when_there_are_too_many_bytes() {
        let (mut history, one) = ring([1, 3, 7]);
        let other = history.open();
        let cost = item(1, ItemKind::Privmsg).cost();
        let bounds = Bounds { bytes: 3 * cost, ..BOUNDS };
        history.push(other, item(8, ItemKind::Privmsg), bounds);
        history.push(other, item(9, ItemKind::Privmsg), bounds);
        let left = |id| places(&history, history.select(id, Query::Latest(None), 9, true));
        assert_eq!((left(one), left(other)), (alloc::vec![7], alloc::vec![8, 9]));
        history.close(one);
        history.close(other);
        assert_eq!((history.bytes, history.oldest.len()), (0, 0));
    }

    #[test]
    fn which_is_the_oldest_of_all_does_not_depend_on_what_its_ring_has_lost() {
        let (mut history, one) = ring([1]);
        let other = history.open();
        history.push(other, item(2, ItemKind::Privmsg), BOUNDS);
        // The first ring loses what was the oldest of all, and then has younger items than the other.
        let two = Bounds { lines: 2, ..BOUNDS };
        for place in [3, 4] {
            history.push(one, item(place, ItemKind::Privmsg), two);
        }
        let bounds = Bounds { bytes: 3 * item(1, ItemKind::Privmsg).cost(), ..two };
        history.push(other, item(6, ItemKind::Privmsg), bounds);
        let left = |id| places(&history, history.select(id, Query::Latest(None), 9, true));
        assert_eq!((left(one), left(other)), (alloc::vec![3, 4], alloc::vec![6]));
    }

    #[test]
    fn a_ring_that_has_lost_its_items_takes_no_room() {
        let (mut history, one) = ring([1]);
        let other = history.open();
        let bounds = Bounds { lines: 1_000, bytes: 50 * item(1, ItemKind::Privmsg).cost() };
        for place in 2..40 {
            history.push(one, item(place, ItemKind::Privmsg), bounds);
        }
        let room = |history: &History| history.rings.get(one).map(|ring| ring.items.capacity());
        assert!(room(&history) >= Some(39));
        for place in 40..80 {
            history.push(other, item(place, ItemKind::Privmsg), bounds);
            let left = history.rings.get(one).map_or(0, |ring| ring.items.len());
            assert!(room(&history) <= Some(SPARE * left.max(SPARE)));
        }
        for place in 80..90 {
            history.push(other, item(place, ItemKind::Privmsg), bounds);
        }
        assert_eq!(room(&history), Some(0));
    }

    #[test]
    fn each_query_has_its_end_to_count_from() {
        let (history, id) = ring(1..=9);
        let get = |query, limit| places(&history, history.select(id, query, limit, true));
        let place = Point::Place;
        assert_eq!(get(Query::Latest(None), 3), [7, 8, 9]);
        assert_eq!(get(Query::Latest(Some(place(7))), 5), [8, 9]);
        assert_eq!(get(Query::Latest(Some(place(2))), 2), [8, 9]);
        assert_eq!(get(Query::Before(place(4)), 2), [2, 3]);
        assert_eq!(get(Query::After(place(4)), 2), [5, 6]);
        assert_eq!(get(Query::Between(place(2), place(7)), 3), [3, 4, 5]);
        assert_eq!(get(Query::Between(place(7), place(2)), 3), [4, 5, 6]);
        assert_eq!(get(Query::Between(place(4), place(5)), 3), []);
        assert_eq!(get(Query::Between(place(4), place(4)), 3), []);
    }

    #[test]
    fn around_has_as_many_on_either_side_as_there_are() {
        let (history, id) = ring(1..=9);
        let get = |at, limit| {
            places(&history, history.select(id, Query::Around(Point::Place(at)), limit, true))
        };
        assert_eq!(get(7, 1), [7]);
        assert_eq!(get(7, 3), [6, 7, 8]);
        assert_eq!(get(1, 3), [1, 2, 3]);
        assert_eq!(get(9, 4), [6, 7, 8, 9]);
        assert_eq!(get(99, 2), [8, 9]);
        assert_eq!(get(5, 99), (1..=9).collect::<Vec<_>>());
    }

    #[test]
    fn a_time_leaves_out_all_that_was_at_it() {
        // Two places share each time.
        let (history, id) = ring(1..=9);
        let get = |query| places(&history, history.select(id, query, 99, true));
        let time = |time| Point::Time(UnixMillis(time));
        assert_eq!(get(Query::Before(time(2))), [1, 2, 3]);
        assert_eq!(get(Query::After(time(2))), [6, 7, 8, 9]);
        assert_eq!(get(Query::Between(time(1), time(4))), [4, 5, 6, 7]);
        assert_eq!(get(Query::Between(time(4), Point::Place(2))), [3, 4, 5, 6, 7]);
    }

    #[test]
    fn events_neither_count_nor_show_unless_they_are_asked_for() {
        let (history, id) = ring(1..=9);
        let latest = history.select(id, Query::Latest(None), 5, false);
        assert_eq!(places(&history, latest), [4, 6, 7, 8, 9]);
        assert_eq!(history.latest(id, false).map(|item| item.place), Some(9));
    }

    #[test]
    fn what_is_removed_leaves_no_hole() {
        let (mut history, id) = ring(1..=4);
        for place in [1, 3] {
            assert_eq!(history.remove(id, place).map(|item| item.place), Some(place));
            assert!(history.get(id, place).is_none());
        }
        let all = history.select(id, Query::Latest(None), 9, true);
        assert_eq!(places(&history, all), [2, 4]);
        history.close(id);
        assert_eq!((history.bytes, history.oldest.len()), (0, 0));
    }
}
