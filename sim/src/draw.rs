//! How a run is drawn: from its seed, or from whatever else makes choices.

use std::ops::RangeInclusive;

use crate::{
    bounds::{Bounds, Pieces},
    choices::{Choices, Chosen, Noted},
    deed::Deeds,
    fault,
    layer::Layer,
    profile::Profile,
    rng::{Concern, Rng},
    script::{Action, CHAOS_MS, Script, Step},
};

impl Script {
    /// The run that a seed is.
    #[must_use]
    pub fn generate(seed: u64, profile: &Profile) -> Self {
        let shape = Shape::of(&mut Rng::new(seed, Concern::Shape), profile);
        shape.script(seed, &mut Rng::new(seed, Concern::Steps))
    }

    /// A run that a fuzzer makes up: its bytes stand for the choices that a seed leads to otherwise,
    /// and for the seed itself. It ends with them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], profile: &Profile) -> Self {
        let mut choices = Chosen::new(bytes);
        let seed = choices.any();
        Shape::of(&mut choices, profile).script(seed, &mut choices)
    }

    /// The bytes of which [`Script::from_bytes`] makes the run that a seed is.
    #[must_use]
    pub fn bytes(seed: u64, profile: &Profile) -> Vec<u8> {
        let seeded = seed.to_le_bytes().into();
        let mut shaped = Noted::new(Rng::new(seed, Concern::Shape), seeded);
        let shape = Shape::of(&mut shaped, profile);
        let mut steps = Noted::new(Rng::new(seed, Concern::Steps), shaped.bytes);
        shape.script(seed, &mut steps);
        steps.bytes
    }
}

/// What is decided of a run before its first step.
struct Shape<'a> {
    profile: &'a Profile,
    size: Size,
    bounds: Bounds,
    pieces: Pieces,
    deeds: Deeds,
}

impl<'a> Shape<'a> {
    fn of(choices: &mut dyn Choices, profile: &'a Profile) -> Self {
        let size = Size::of(choices, profile);
        let bounds = Bounds::draw(choices);
        let pieces = if choices.below(400) == 0 { Pieces::Bytes } else { Pieces::Mixed };
        let deeds = Deeds::of(choices, size.clients, profile, &bounds);
        Self { profile, size, bounds, pieces, deeds }
    }

    fn script(self, seed: u64, choices: &mut dyn Choices) -> Script {
        let Self { profile, size, bounds, pieces, deeds } = self;
        let Size { clients, channels, faults, .. } = size;
        let steps = size.steps(choices, 2_000, CHAOS_MS, |choices| {
            let channel = choices.below(u64::from(channels)) as u32;
            if choices.chance(profile.fault_percent) {
                fault::draw(&fault::KINDS, choices, faults).unwrap_or(Action::Ping)
            } else {
                deeds.draw(choices, channel)
            }
        });
        Script { layer: Layer::Memory, seed, clients, channels, pieces, bounds, steps }
    }
}

/// How large a run is, and which faults it has.
#[derive(Copy, Clone)]
pub(crate) struct Size {
    pub(crate) clients: u32,
    pub(crate) channels: u32,
    operations: u64,
    /// A bit for each kind of fault that there may be.
    pub(crate) faults: u64,
}

impl Size {
    pub(crate) fn of(choices: &mut dyn Choices, profile: &Profile) -> Self {
        let mut pick = |range: &RangeInclusive<u64>| choices.between(*range.start(), *range.end());
        let clients = pick(&profile.clients) as u32;
        let channels = pick(&profile.channels) as u32;
        let operations = pick(&profile.operations_per_client) * u64::from(clients);
        // Half of the runs have all faults, the others some of them: what hides one bug shows another.
        let faults = if choices.chance(50) { u64::MAX } else { choices.any() };
        Self { clients, channels, operations, faults }
    }

    /// The steps of such a run: all clients come within `arrival_ms`, and then do, or are done to,
    /// what `action` draws until `chaos_ms`, as long as there are choices.
    pub(crate) fn steps(
        self,
        choices: &mut dyn Choices,
        arrival_ms: u64,
        chaos_ms: u64,
        mut action: impl FnMut(&mut dyn Choices) -> Action,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for client in 0..self.clients {
            let at_ms = choices.below(arrival_ms);
            steps.push(Step { at_ms, client, action: Action::Connect });
            let channel = choices.below(u64::from(self.channels)) as u32;
            steps.push(Step { at_ms: at_ms + 1, client, action: Action::Join(channel) });
        }
        // Steps come in crowds, so that they meet; a crowd is a few ms wide.
        let mut crowd = arrival_ms;
        let mut left = self.operations;
        while left > 0 && !choices.is_spent() {
            if choices.chance(20) {
                crowd = choices.between(arrival_ms / 2, chaos_ms - 1_000);
            }
            let at_ms = crowd + choices.below(arrival_ms / 5);
            let client = choices.below(u64::from(self.clients)) as u32;
            let action = action(choices);
            left = left.saturating_sub(action.operations());
            steps.push(Step { at_ms, client, action });
        }
        steps.sort_by_key(|step| step.at_ms);
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_bytes_as_well() {
        for seed in 0..50 {
            let profile = Profile::quick();
            let bytes = Script::bytes(seed, &profile);
            assert_eq!(Script::from_bytes(&bytes, &profile), Script::generate(seed, &profile));
        }
    }

    #[test]
    fn any_bytes_are_a_run_that_can_be_written_and_read() {
        let mut rng = Rng::new(0, Concern::Shape);
        for len in 0..200 {
            let bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
            let script = Script::from_bytes(&bytes, &Profile::quick());
            assert_eq!(script.to_string().parse(), Ok(script));
        }
    }
}
