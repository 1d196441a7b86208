//! The layers: what stands for the server in a run.

use std::{fmt, str::FromStr};

#[cfg(feature = "turmoil")]
use crate::turmoil;
use crate::{
    log::Log,
    profile::{Mutant, Profile},
    run::{Outcome, run_in_memory, run_on_mio},
    script::Script,
};

/// What stands for the server in a run. Clients, faults and judge are the same.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub enum Layer {
    /// The core alone, driven in memory.
    #[default]
    Memory,
    /// The real mio runtime on a poller and sockets that are played to it.
    Mio,
    /// The real Tokio runtime on hosts simulated by turmoil: with the feature of that name.
    #[cfg(feature = "turmoil")]
    Turmoil,
}

/// What a layer is made of.
struct Parts {
    layer: Layer,
    name: &'static str,
    /// The script that a seed is.
    script: fn(u64, &Profile) -> Script,
    /// Counters that never move: what a runtime does within itself is not seen.
    unseen: &'static [&'static str],
    /// Runs a script, whatever its own layer is.
    run: fn(&Script, Option<Mutant>, bool) -> (Outcome, Log),
}

const LAYERS: &[Parts] = &[
    Parts {
        layer: Layer::Memory,
        name: "memory",
        script: Script::generate,
        unseen: &[],
        run: run_in_memory,
    },
    Parts {
        layer: Layer::Mio,
        name: "mio",
        script: |seed, profile| Script { layer: Layer::Mio, ..Script::generate(seed, profile) },
        unseen: &["outputs", "most_queued"],
        run: run_on_mio,
    },
    #[cfg(feature = "turmoil")]
    Parts {
        layer: Layer::Turmoil,
        name: "turmoil",
        script: turmoil::draw,
        unseen: &["outputs", "flushes", "partial_writes", "dropped", "most_queued"],
        // Its mutants are the runtime's own.
        run: |script, _, tell| turmoil::run(script, tell),
    },
];

impl Layer {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        LAYERS.iter().map(|parts| parts.layer)
    }

    /// All their names, for people.
    pub(crate) fn names() -> String {
        let names: Vec<&str> = LAYERS.iter().map(|parts| parts.name).collect();
        names.join(", ")
    }

    fn parts(self) -> &'static Parts {
        let parts = LAYERS.iter().find(|parts| parts.layer == self);
        parts.expect("each layer is in the table")
    }

    /// Its name, as scripts and the command line have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.parts().name
    }

    /// The script that a seed is on this layer.
    #[must_use]
    pub fn script(self, seed: u64, profile: &Profile) -> Script {
        (self.parts().script)(seed, profile)
    }

    /// Whether a counter can move on this layer.
    #[must_use]
    pub fn counts(self, counter: &str) -> bool {
        !self.parts().unseen.contains(&counter)
    }

    /// Runs a script, whatever its own layer is; `tell`: and writes down all that happens.
    #[must_use]
    pub(crate) fn run(self, script: &Script, mutant: Option<Mutant>, tell: bool) -> (Outcome, Log) {
        (self.parts().run)(script, mutant, tell)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no layer has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownLayer(String);

impl fmt::Display for UnknownLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no layer {:?}; there is {}", self.0, Layer::names())
    }
}

impl std::error::Error for UnknownLayer {}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        let known = Self::all().find(|layer| layer.name() == name);
        known.ok_or_else(|| UnknownLayer(name.to_string()))
    }
}
