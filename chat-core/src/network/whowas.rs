//! Who had a nick before: a ring of those who gave one up.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{ShortText, User};
use crate::UnixMillis;

/// A user at the moment of giving up a nick.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Was {
    pub(crate) nick: ShortText,
    pub(crate) user: ShortText,
    pub(crate) host: ShortText,
    pub(crate) address: ShortText,
    pub(crate) real: ShortText,
    pub(crate) at: UnixMillis,
}

/// The ring: when it is full, the oldest goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Whowas {
    /// The oldest first.
    ring: VecDeque<Was>,
    /// How many have gone: the number of the first that is still there.
    gone: u64,
}

impl Whowas {
    /// Remembers a user, as one of `most`.
    pub(super) fn push(&mut self, user: &User, at: UnixMillis, most: usize) {
        self.ring.push_back(Was {
            nick: user.nick.clone(),
            user: user.user.clone(),
            host: user.host.clone(),
            address: user.address.clone(),
            real: user.real.clone(),
            at,
        });
        while self.ring.len() > most {
            self.ring.pop_front();
            self.gone += 1;
        }
    }

    /// Those with numbers below `number`, the newest first, with their numbers. A number stays the
    /// same whoever comes and goes.
    pub(crate) fn before(&self, number: u64) -> impl Iterator<Item = (u64, &Was)> {
        let count = number.saturating_sub(self.gone).min(self.ring.len() as u64) as usize;
        let newest_first = self.ring.range(..count).rev();
        newest_first.zip(1..).map(move |(was, back)| (self.gone + count as u64 - back, was))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn the_oldest_goes_and_numbers_stay() {
        let was = |n: u8| Was {
            nick: [n][..].into(),
            user: ShortText::default(),
            host: ShortText::default(),
            address: ShortText::default(),
            real: ShortText::default(),
            at: UnixMillis(0),
        };
        let mut whowas = Whowas { ring: (1..5).map(was).collect(), gone: 1 };
        let numbers = |whowas: &Whowas, before| -> Vec<(u64, u8)> {
            whowas.before(before).map(|(number, was)| (number, was.nick[0])).collect()
        };
        assert_eq!(numbers(&whowas, u64::MAX), [(4, 4), (3, 3), (2, 2), (1, 1)]);
        assert_eq!(numbers(&whowas, 3), [(2, 2), (1, 1)]);
        whowas.ring.pop_front();
        whowas.gone = 2;
        assert_eq!(numbers(&whowas, 3), [(2, 2)]);
        assert_eq!(numbers(&whowas, 1), []);
    }
}
