//! The kinds of faults, and how often each is drawn.

use crate::{choices::Choices, script::Action};

/// One kind of fault.
pub(crate) struct Kind {
    /// How often it is drawn, beside the others.
    weight: u64,
    draw: fn(&mut dyn Choices) -> Action,
}

pub(crate) const fn kind(weight: u64, draw: fn(&mut dyn Choices) -> Action) -> Kind {
    Kind { weight, draw }
}

/// All that there are in memory.
pub(crate) const KINDS: [Kind; 16] = [
    kind(8, |_| Action::Reset),
    kind(8, |_| Action::Vanish),
    kind(6, |_| Action::HalfClose),
    kind(5, |_| Action::HalfLine),
    kind(6, |_| Action::Replace),
    kind(8, |choices| Action::StallUp(ms(choices))),
    kind(10, |choices| Action::StallDown(ms(choices))),
    kind(8, |choices| Action::ReadSlowly(ms(choices))),
    kind(4, |choices| Action::WallJump(choices.between(0, 200_000) as i32 - 100_000)),
    kind(5, |choices| Action::LateTimers(choices.between(1, 3_000) as u32)),
    kind(3, |choices| Action::AddressFlood(choices.between(2, 12) as u32)),
    kind(6, |choices| Action::Hostile(choices.between(1, 12) as u32)),
    kind(3, |choices| Action::LateAnswers(ms(choices))),
    kind(2, |choices| Action::LostAnswers(ms(choices))),
    kind(2, |choices| Action::RefusedAnswers(ms(choices))),
    kind(2, |choices| Action::NoDescriptors(ms(choices))),
];

/// A fault of the kinds that a run has: those whose bit is set. `None`: it would have been another.
pub(crate) fn draw(kinds: &[Kind], choices: &mut dyn Choices, enabled: u64) -> Option<Action> {
    let mut at = choices.below(kinds.iter().map(|kind| kind.weight).sum());
    let number = kinds.iter().position(|kind| match at.checked_sub(kind.weight) {
        Some(rest) => {
            at = rest;
            false
        }
        None => true,
    })?;
    // Drawn all the same, so that what a run leaves out moves nothing else.
    let action = (kinds[number].draw)(choices);
    (enabled >> number & 1 == 1).then_some(action)
}

/// How long it lasts: a moment, or long enough to be noticed.
fn ms(choices: &mut dyn Choices) -> u32 {
    let (short, long) = (choices.between(1, 300), choices.between(1_000, 50_000));
    if choices.chance(50) { short as u32 } else { long as u32 }
}
