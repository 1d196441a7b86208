//! What kind of runs a seed may become.

use std::ops::RangeInclusive;

/// The bounds within which a seed chooses a run.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name, as [`Profile::by_name`] knows it.
    pub name: &'static str,
    /// How many clients there are.
    pub clients: RangeInclusive<u64>,
    /// How many channels they use.
    pub channels: RangeInclusive<u64>,
    /// Operations for each client: each step of the script is one, each line of a flood too.
    pub operations_per_client: RangeInclusive<u64>,
    /// Percent of steps that are faults.
    pub fault_percent: u32,
    /// Percent of the other steps that are many lines at once.
    pub flood_percent: u32,
    /// Percent of runs in which clients kick, invite and change modes.
    pub politics_percent: u32,
    /// A bug put between the core and its clients. `None`: the core as it is.
    pub mutant: Option<Mutant>,
}

/// A known bug, built into the simulator's host rather than the core: the judge must see it.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Mutant {
    /// A partial write loses the byte after it.
    LoseByteOnPartialWrite,
    /// A message is written twice to one recipient.
    DuplicateLine,
    /// A message of a channel is lost on its way to one recipient.
    LoseLine,
    /// Two messages next to each other change places.
    SwapLines,
    /// A message of a channel goes to somebody who is not in it.
    DeliverToNonMember,
    /// The core is never told that time has passed.
    DeafToTime,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LoseByteOnPartialWrite,
        Self::DuplicateLine,
        Self::LoseLine,
        Self::SwapLines,
        Self::DeliverToNonMember,
        Self::DeafToTime,
    ];

    /// Its name, as the command line has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoseByteOnPartialWrite => "lose-byte-on-partial-write",
            Self::DuplicateLine => "duplicate-line",
            Self::LoseLine => "lose-line",
            Self::SwapLines => "swap-lines",
            Self::DeliverToNonMember => "deliver-to-non-member",
            Self::DeafToTime => "deaf-to-time",
        }
    }

    /// What is wrong.
    #[must_use]
    pub const fn wrong(self) -> &'static str {
        match self {
            Self::LoseByteOnPartialWrite => "A partial write loses the byte after it.",
            Self::DuplicateLine => "A message is written twice to one recipient.",
            Self::LoseLine => "A message of a channel is lost on its way to one recipient.",
            Self::SwapLines => "Two messages next to each other change places.",
            Self::DeliverToNonMember => "A message of a channel goes to somebody outside.",
            Self::DeafToTime => "The core is never told that time has passed.",
        }
    }
}

impl Profile {
    /// Small runs with all kinds of faults: many seeds a second.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            name: "quick",
            clients: 2..=5,
            channels: 1..=3,
            operations_per_client: 5..=30,
            fault_percent: 25,
            flood_percent: 4,
            politics_percent: 60,
            mutant: None,
        }
    }

    /// More clients, longer runs.
    #[must_use]
    pub fn wide() -> Self {
        Self {
            name: "wide",
            clients: 6..=16,
            channels: 2..=5,
            operations_per_client: 20..=80,
            fault_percent: 20,
            flood_percent: 4,
            politics_percent: 60,
            mutant: None,
        }
    }

    /// The size by which speed is told: 8 clients with 60 operations each.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            name: "standard",
            clients: 8..=8,
            channels: 3..=3,
            operations_per_client: 60..=60,
            ..Self::quick()
        }
    }

    /// One channel that all want to rule.
    #[must_use]
    pub fn court() -> Self {
        Self {
            name: "court",
            clients: 3..=5,
            channels: 1..=1,
            operations_per_client: 30..=60,
            fault_percent: 5,
            politics_percent: 100,
            ..Self::quick()
        }
    }

    /// Far more is said than some read: queues are full.
    #[must_use]
    pub fn flood() -> Self {
        Self {
            name: "flood",
            clients: 3..=4,
            operations_per_client: 100..=200,
            fault_percent: 35,
            flood_percent: 20,
            ..Self::quick()
        }
    }

    /// No faults: bytes are still split, merged and delayed.
    #[must_use]
    pub fn calm() -> Self {
        Self { name: "calm", fault_percent: 0, ..Self::quick() }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> [Self; 6] {
        [Self::quick(), Self::standard(), Self::wide(), Self::court(), Self::flood(), Self::calm()]
    }

    /// The profile of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|known| known.name == name)
    }

    /// The same with a bug built in.
    #[must_use]
    pub fn with(self, mutant: Mutant) -> Self {
        Self { mutant: Some(mutant), ..self }
    }
}
