//! LIST: channels, all of them or those that meet conditions.
//!
//! Specification: modern, "LIST message" and ISUPPORT's ELIST.

use alloc::vec::Vec;

use super::{LOOK_AT_MOST, Look, decimal};
use crate::{
    UnixMillis,
    network::Channel,
    wire::{
        CaseMapping, Pattern,
        numeric::{RPL_LIST, RPL_LISTEND, RPL_LISTSTART},
        split_list,
    },
};

/// A LIST on its way.
pub(crate) struct List {
    filter: Filter,
    /// The index of the next channel.
    from: u32,
    started: bool,
}

/// What a channel must be to be listed.
#[derive(Default)]
struct Filter {
    /// One of them must match, if there are any.
    masks: Vec<Pattern<'static>>,
    /// None of them may.
    not: Vec<Pattern<'static>>,
    members: Between,
    /// Minutes since it was made.
    age: Between,
    /// Minutes since its topic was set.
    topic_age: Between,
}

/// Bounds, both exclusive.
#[derive(Default)]
struct Between {
    above: Option<u64>,
    below: Option<u64>,
}

impl Between {
    /// Takes `>n` or `<n`; several are all to hold. Whether it is one.
    fn take(&mut self, condition: &[u8]) -> bool {
        let Some((sign, number)) = condition.split_first() else { return false };
        let number = core::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
        match (sign, number) {
            (b'>', Some(number)) => self.above = self.above.max(Some(number)),
            (b'<', Some(number)) => {
                self.below = Some(self.below.map_or(number, |below: u64| below.min(number)));
            }
            _ => return false,
        }
        true
    }

    const fn is_asked(&self) -> bool {
        self.above.is_some() || self.below.is_some()
    }

    fn holds(&self, number: u64) -> bool {
        self.above.is_none_or(|above| number > above)
            && self.below.is_none_or(|below| number < below)
    }

    /// Whether so many minutes lie between `at` and now.
    fn holds_since(&self, at: UnixMillis, now: UnixMillis) -> bool {
        let passed = now.0.saturating_sub(at.0);
        let millis = |minutes: u64| minutes.saturating_mul(60_000);
        self.above.is_none_or(|above| passed > millis(above))
            && self.below.is_none_or(|below| passed < millis(below))
    }
}

impl Filter {
    /// Conditions as they are given: masks, `!` masks, `>n`, `<n`, `C>n`, `T<n`; of masks, as many
    /// as `most`.
    fn parse<'a>(
        lists: impl Iterator<Item = &'a [u8]>,
        most: usize,
        casemapping: CaseMapping,
    ) -> Self {
        let pattern = |mask: &[u8]| Pattern::new(mask, casemapping).into_owned();
        let mut filter = Self::default();
        for condition in lists.flat_map(split_list) {
            let took = match condition.split_first() {
                Some((b'C' | b'c', rest)) => filter.age.take(rest),
                Some((b'T' | b't', rest)) => filter.topic_age.take(rest),
                _ => filter.members.take(condition),
            };
            if took || filter.masks.len() + filter.not.len() >= most {
                continue;
            }
            match condition.strip_prefix(b"!") {
                Some(mask) => filter.not.push(pattern(mask)),
                None => filter.masks.push(pattern(condition)),
            }
        }
        filter
    }

    fn wants(&self, channel: &Channel, now: UnixMillis) -> bool {
        let fits = |mask: &Pattern<'_>| mask.matches(&channel.name);
        let topic = || match &channel.topic {
            Some(topic) => self.topic_age.holds_since(topic.at, now),
            // Without a topic there is no time to compare.
            None => !self.topic_age.is_asked(),
        };
        self.members.holds(channel.members.len() as u64)
            && self.age.holds_since(channel.created, now)
            && topic()
            && (self.masks.is_empty() || self.masks.iter().any(fits))
            && !self.not.iter().any(fits)
    }
}

impl List {
    pub(crate) fn new<'a>(
        lists: impl Iterator<Item = &'a [u8]>,
        most: usize,
        casemapping: CaseMapping,
    ) -> Self {
        Self { filter: Filter::parse(lists, most, casemapping), from: 0, started: false }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        if !core::mem::replace(&mut self.started, true) {
            look.send(RPL_LISTSTART, &[b"Channel"], Some(RPL_LISTSTART.text().as_bytes()));
            return false;
        }
        let (network, now) = (look.network, look.links.now.wall);
        for (id, channel) in network.channels_from(self.from).take(LOOK_AT_MOST) {
            self.from = id.index + 1;
            let seen = crate::mutant!(SecretListed) || channel.is_listed_for(look.viewer);
            if seen && self.filter.wants(channel, now) {
                let count = decimal(channel.members.len() as u64);
                let topic = channel.topic.as_ref().map_or(&b""[..], |topic| &topic.text);
                look.send(RPL_LIST, &[&channel.name, &count], Some(topic));
                return false;
            }
        }
        if network.channels_from(self.from).next().is_some() {
            return false;
        }
        look.send_text(RPL_LISTEND, &[]);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        Filter::parse(core::iter::once(text.as_bytes()), 9, CaseMapping::Ascii)
    }

    #[test]
    fn numbers_are_bounds_and_all_must_hold() {
        let filter = filter(">3,<10,>5,<20");
        assert_eq!((filter.members.above, filter.members.below), (Some(5), Some(10)));
        assert!(filter.members.holds(6) && !filter.members.holds(5) && !filter.members.holds(10));
    }

    #[test]
    fn times_are_minutes_ago() {
        let age = filter("C<2,C>1").age;
        let minutes = |n: u64| UnixMillis(n * 60_000);
        assert!(age.holds_since(UnixMillis(30_000), minutes(2)));
        assert!(!age.holds_since(minutes(0), minutes(2)));
        assert!(!age.holds_since(minutes(1), minutes(2)));
        // A clock that was set back has passed no time.
        assert!(!age.holds_since(minutes(9), minutes(2)));
    }

    #[test]
    fn what_is_no_condition_is_a_mask() {
        let filter = filter("Cats,T>x,!#b*,>");
        let texts = |masks: &[Pattern<'_>]| -> Vec<Vec<u8>> {
            masks.iter().map(|mask| mask.as_bytes().to_vec()).collect()
        };
        assert_eq!(texts(&filter.masks), [&b"Cats"[..], b"T>x", b">"]);
        assert_eq!(texts(&filter.not), [b"#b*"]);
    }
}
