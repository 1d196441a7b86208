//! Where the choices come from that make up a script: a seed, or the bytes of a fuzzer.

use crate::rng::Rng;

/// A source of choices. Which choice is asked for next may depend on those before.
pub(crate) trait Choices {
    /// A number below `bound`; 0 for a bound of 0.
    fn below(&mut self, bound: u64) -> u64;

    /// Any number.
    fn any(&mut self) -> u64;

    /// Whether all that comes is 0.
    fn is_spent(&self) -> bool;

    /// A number from `least` to `most`, both included.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True in `percent` of 100 choices.
    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }
}

impl Choices for Rng {
    fn below(&mut self, bound: u64) -> u64 {
        Self::below(self, bound)
    }

    fn any(&mut self) -> u64 {
        self.next()
    }

    fn is_spent(&self) -> bool {
        false
    }
}

/// Choices that somebody else has made: each is as many bytes as its bound takes, the lowest first.
pub(crate) struct Chosen<'a> {
    rest: &'a [u8],
}

impl<'a> Chosen<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, len: usize) -> u64 {
        let (bytes, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl Choices for Chosen<'_> {
    fn below(&mut self, bound: u64) -> u64 {
        self.take(len(bound)).checked_rem(bound).unwrap_or(0)
    }

    fn any(&mut self) -> u64 {
        self.take(size_of::<u64>())
    }

    fn is_spent(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Writes choices down as they are made, so that [`Chosen`] makes them again.
pub(crate) struct Noted<C> {
    choices: C,
    pub(crate) bytes: Vec<u8>,
}

impl<C> Noted<C> {
    /// Choices to come, written behind those that were made before.
    pub(crate) fn new(choices: C, bytes: Vec<u8>) -> Self {
        Self { choices, bytes }
    }

    fn note(&mut self, choice: u64, len: usize) -> u64 {
        self.bytes.extend(&choice.to_le_bytes()[..len]);
        choice
    }
}

impl<C: Choices> Choices for Noted<C> {
    fn below(&mut self, bound: u64) -> u64 {
        let choice = self.choices.below(bound);
        self.note(choice, len(bound))
    }

    fn any(&mut self) -> u64 {
        let choice = self.choices.any();
        self.note(choice, size_of::<u64>())
    }

    fn is_spent(&self) -> bool {
        self.choices.is_spent()
    }
}

/// How many bytes a number below a bound takes.
const fn len(bound: u64) -> usize {
    let bits = u64::BITS - bound.saturating_sub(1).leading_zeros();
    bits.div_ceil(8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Concern;

    #[test]
    fn what_is_written_down_is_chosen_again() {
        const BOUNDS: [u64; 8] = [0, 1, 2, 256, 257, 65_536, 65_537, u64::MAX];
        let mut noted = Noted::new(Rng::new(1, Concern::Shape), Vec::new());
        let first: Vec<u64> = BOUNDS.iter().map(|bound| noted.below(*bound)).collect();
        let any = noted.any();
        let mut again = Chosen::new(&noted.bytes);
        assert_eq!(BOUNDS.map(|bound| again.below(bound)), *first);
        assert_eq!((again.any(), again.is_spent()), (any, true));
    }

    #[test]
    fn any_bytes_are_choices_and_then_comes_nothing() {
        let mut chosen = Chosen::new(&[255, 1, 2]);
        assert_eq!((chosen.below(100), chosen.below(1_000)), (55, 513));
        assert!(chosen.is_spent());
        assert_eq!((chosen.below(100), chosen.any()), (0, 0));
    }
}
