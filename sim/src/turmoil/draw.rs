//! The script that a seed is on this layer: shorter than in memory, with faults of links and hosts.

use crate::{
    bounds::{Bounds, Pieces},
    choices::Choices,
    deed::Deeds,
    draw::Size,
    fault::{self, Kind, kind},
    layer::Layer,
    profile::Profile,
    rng::{Concern, Rng},
    script::{Action, Script},
};

use super::CHAOS_MS;

/// All kinds of faults that there are here.
const KINDS: [Kind; 16] = [
    kind(8, |_| Action::Reset),
    kind(6, |_| Action::Vanish),
    kind(5, |_| Action::HalfClose),
    kind(4, |_| Action::HalfLine),
    kind(5, |_| Action::Replace),
    kind(7, |choices| Action::StallUp(ms(choices))),
    kind(8, |choices| Action::StallDown(ms(choices))),
    kind(8, |choices| Action::ReadSlowly(ms(choices))),
    kind(4, |choices| Action::WallJump(choices.between(0, 200_000) as i32 - 100_000)),
    kind(10, |choices| Action::Hold(ms(choices))),
    kind(4, |choices| Action::Cut(ms(choices))),
    kind(3, |choices| Action::CutUp(ms(choices))),
    kind(3, |choices| Action::CutDown(ms(choices))),
    kind(6, |choices| Action::Delay(ms(choices))),
    kind(4, |choices| Action::Restart(choices.between(1, 1_500) as u32)),
    kind(3, |choices| Action::PowerLoss(choices.between(1, 1_500) as u32)),
];

/// A moment, or long enough for deadlines to pass.
fn ms(choices: &mut dyn Choices) -> u32 {
    let (short, long) = (choices.between(1, 300), choices.between(1_000, 6_000));
    if choices.chance(50) { short as u32 } else { long as u32 }
}

/// The run that a seed is on this layer.
pub(crate) fn draw(seed: u64, profile: &Profile) -> Script {
    let mut shape = Rng::new(seed, Concern::Shape);
    let mut steps = Rng::new(seed, Concern::Steps);
    let size = Size::of(&mut shape, profile);
    let Size { clients, channels, faults, .. } = size;
    let bounds = bounds(&mut shape);
    let deeds = Deeds::of(&mut shape, clients, profile, &bounds);
    let steps = size.steps(&mut steps, 1_000, CHAOS_MS, |choices| {
        if choices.chance(profile.fault_percent) {
            fault::draw(&KINDS, choices, faults).unwrap_or(Action::Ping)
        } else {
            let channel = choices.below(u64::from(channels)) as u32;
            deeds.draw(choices, channel)
        }
    });
    let (layer, pieces) = (Layer::Turmoil, Pieces::Mixed);
    Script { layer, seed, clients, channels, pieces, bounds, steps }
}

/// Bounds that faults reach within seconds. Several clients share a host, and so an address, of which
/// there is no limit.
fn bounds(choices: &mut dyn Choices) -> Bounds {
    let mut pick = |among: &[u32]| among[choices.below(among.len() as u64) as usize];
    Bounds {
        lines_per_second: pick(&[0, 50]),
        sendq_age: pick(&[1_500, 4_000]),
        registration: 5_000,
        ping_interval: pick(&[3_000, 4_000]),
        ping_timeout: pick(&[3_000, 4_000]),
        ask: 2_000,
        drain: pick(&[300, 1_000]),
        password: pick(&[0, 0, 0, 1]),
        window: pick(&[4_096, 16_384, 65_536]),
        ..Bounds::default()
    }
}
