//! The kinds of faults, and how often each is drawn.

use crate::{rng::Rng, script::Action};

/// One kind of fault.
pub(crate) struct Kind {
    /// How often it is drawn, beside the others.
    weight: u64,
    draw: fn(&mut Rng) -> Action,
}

pub(crate) const fn kind(weight: u64, draw: fn(&mut Rng) -> Action) -> Kind {
    Kind { weight, draw }
}

/// All that there are in memory.
pub(crate) const KINDS: [Kind; 16] = [
    kind(8, |_| Action::Reset),
    kind(8, |_| Action::Vanish),
    kind(6, |_| Action::HalfClose),
    kind(5, |_| Action::HalfLine),
    kind(6, |_| Action::Replace),
    kind(8, |rng| Action::StallUp(ms(rng))),
    kind(10, |rng| Action::StallDown(ms(rng))),
    kind(8, |rng| Action::ReadSlowly(ms(rng))),
    kind(4, |rng| Action::WallJump(rng.between(0, 200_000) as i32 - 100_000)),
    kind(5, |rng| Action::LateTimers(rng.between(1, 3_000) as u32)),
    kind(3, |rng| Action::AddressFlood(rng.between(2, 12) as u32)),
    kind(6, |rng| Action::Hostile(rng.between(1, 12) as u32)),
    kind(3, |rng| Action::LateAnswers(ms(rng))),
    kind(2, |rng| Action::LostAnswers(ms(rng))),
    kind(2, |rng| Action::RefusedAnswers(ms(rng))),
    kind(2, |rng| Action::NoDescriptors(ms(rng))),
];

/// A fault of the kinds that a run has: those whose bit is set. `None`: it would have been another.
pub(crate) fn draw(kinds: &[Kind], rng: &mut Rng, enabled: u64) -> Option<Action> {
    let mut at = rng.below(kinds.iter().map(|kind| kind.weight).sum());
    let number = kinds.iter().position(|kind| match at.checked_sub(kind.weight) {
        Some(rest) => {
            at = rest;
            false
        }
        None => true,
    })?;
    // Drawn all the same, so that what a run leaves out moves nothing else.
    let action = (kinds[number].draw)(rng);
    (enabled >> number & 1 == 1).then_some(action)
}

/// How long it lasts: a moment, or long enough to be noticed.
fn ms(rng: &mut Rng) -> u32 {
    let (short, long) = (rng.between(1, 300), rng.between(1_000, 50_000));
    if rng.chance(50) { short as u32 } else { long as u32 }
}
