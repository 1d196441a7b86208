//! Scripts in which nothing is left to chance, so that different hosts must write the same bytes.

use crate::{
    bounds::{Bounds, Pieces},
    layer::Layer,
    log::What,
    profile::Profile,
    run::{Failure, record},
    script::Script,
};

/// A script without faults in which the network is perfect and one thing happens at a time.
#[must_use]
pub fn lockstep_script(seed: u64) -> Script {
    // Timers must not fire at the very moment of a step: which comes first is the host's choice.
    let bounds = Bounds {
        ping_interval: 19_937,
        ping_timeout: 9_973,
        registration: 9_967,
        ..Bounds::default()
    };
    Script { pieces: Pieces::Whole, bounds, ..Script::generate(seed, &Profile::calm()) }
}

/// The bytes that each connection's client receives in such a script, in the order of connecting.
///
/// # Errors
/// A property does not hold.
pub fn lockstep(script: &Script, layer: Layer) -> Result<Vec<Vec<u8>>, Failure> {
    let (outcome, log) = record(&Script { layer, ..script.clone() }, None);
    if let Some(failure) = outcome.failure {
        return Err(failure);
    }
    let mut received: Vec<Vec<u8>> = Vec::new();
    for event in log.events {
        if let What::ReachedClient { life, bytes } = event.what {
            received.resize_with(received.len().max(life + 1), Vec::new);
            received[life].extend(bytes);
        }
    }
    Ok(received)
}
