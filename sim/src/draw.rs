//! How a run is drawn from its seed.

use std::ops::RangeInclusive;

use crate::{
    bounds::{Bounds, Pieces},
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
        let mut shape = Rng::new(seed, Concern::Shape);
        let mut rng = Rng::new(seed, Concern::Steps);
        let size = Size::of(&mut shape, profile);
        let bounds = Bounds::draw(&mut shape);
        let pieces = if shape.below(400) == 0 { Pieces::Bytes } else { Pieces::Mixed };
        let Size { clients, channels, faults, .. } = size;
        let deeds = Deeds::of(&mut shape, clients, profile, &bounds);
        let steps = size.steps(&mut rng, 2_000, CHAOS_MS, |rng| {
            let channel = rng.below(u64::from(channels)) as u32;
            if rng.chance(profile.fault_percent) {
                fault::draw(&fault::KINDS, rng, faults).unwrap_or(Action::Ping)
            } else {
                deeds.draw(rng, channel)
            }
        });
        let layer = Layer::Memory;
        Self { layer, seed, clients, channels, pieces, bounds, steps }
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
    pub(crate) fn of(shape: &mut Rng, profile: &Profile) -> Self {
        let mut pick = |range: &RangeInclusive<u64>| shape.between(*range.start(), *range.end());
        let clients = pick(&profile.clients) as u32;
        let channels = pick(&profile.channels) as u32;
        let operations = pick(&profile.operations_per_client) * u64::from(clients);
        // Half of the runs have all faults, the others some of them: what hides one bug shows another.
        let faults = if shape.chance(50) { u64::MAX } else { shape.next() };
        Self { clients, channels, operations, faults }
    }

    /// The steps of such a run: all clients come within `arrival_ms`, and then do, or are done to,
    /// what `action` draws until `chaos_ms`.
    pub(crate) fn steps(
        self,
        rng: &mut Rng,
        arrival_ms: u64,
        chaos_ms: u64,
        mut action: impl FnMut(&mut Rng) -> Action,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        for client in 0..self.clients {
            let at_ms = rng.below(arrival_ms);
            steps.push(Step { at_ms, client, action: Action::Connect });
            let channel = rng.below(u64::from(self.channels)) as u32;
            steps.push(Step { at_ms: at_ms + 1, client, action: Action::Join(channel) });
        }
        // Steps come in crowds, so that they meet; a crowd is a few ms wide.
        let mut crowd = arrival_ms;
        let mut left = self.operations;
        while left > 0 {
            if rng.chance(20) {
                crowd = rng.between(arrival_ms / 2, chaos_ms - 1_000);
            }
            let at_ms = crowd + rng.below(arrival_ms / 5);
            let client = rng.below(u64::from(self.clients)) as u32;
            let action = action(rng);
            left = left.saturating_sub(action.operations());
            steps.push(Step { at_ms, client, action });
        }
        steps.sort_by_key(|step| step.at_ms);
        steps
    }
}
