//! The layers: what stands for the server in a run.

use std::{fmt, str::FromStr};

use crate::{
    log::Log,
    profile::{Mutant, Profile},
    run::{Outcome, run_in_memory, run_on_mio},
    script::Script,
    turmoil,
};

/// What stands for the server in a run. Clients, faults and judge are the same.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub enum Layer {
    /// The core alone, driven in memory.
    #[default]
    Memory,
    /// The real mio runtime on a poller and sockets that are played to it.
    Mio,
    /// The real Tokio runtime on hosts simulated by turmoil.
    Turmoil,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Mio, Self::Turmoil];

    /// Its name, as scripts and the command line have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Mio => "mio",
            Self::Turmoil => "turmoil",
        }
    }

    /// The script that a seed is on this layer.
    #[must_use]
    pub fn script(self, seed: u64, profile: &Profile) -> Script {
        match self {
            Self::Memory | Self::Mio => Script { layer: self, ..Script::generate(seed, profile) },
            Self::Turmoil => turmoil::draw(seed, profile),
        }
    }

    /// Whether a counter can move on this layer: what a runtime does within itself is not seen.
    #[must_use]
    pub fn counts(self, counter: &str) -> bool {
        match self {
            Self::Memory => true,
            Self::Mio => !matches!(counter, "outputs" | "most_queued"),
            Self::Turmoil => !matches!(
                counter,
                "outputs" | "flushes" | "partial_writes" | "dropped" | "most_queued"
            ),
        }
    }

    /// Runs a script, whatever its own layer is; `tell`: and writes down all that happens.
    #[must_use]
    pub(crate) fn run(self, script: &Script, mutant: Option<Mutant>, tell: bool) -> (Outcome, Log) {
        match self {
            Self::Memory => run_in_memory(script, mutant, tell),
            Self::Mio => run_on_mio(script, mutant, tell),
            // Its mutants are the runtime's own.
            Self::Turmoil => turmoil::run(script, tell),
        }
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
        let names = Layer::ALL.map(Layer::name).join(", ");
        write!(f, "there is no layer {:?}; there is {names}", self.0)
    }
}

impl std::error::Error for UnknownLayer {}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        let known = Self::ALL.into_iter().find(|layer| layer.name() == name);
        known.ok_or_else(|| UnknownLayer(name.to_string()))
    }
}
