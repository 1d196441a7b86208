//! Each known bug is seen by the simulator, and MUTANTS.md says how soon and as what.

use std::{collections::BTreeMap, panic, sync::Mutex, thread};

use chat_core::mutants::{self, Place};
use sim::{Layer, Profile, run_seed};

/// Seeds that are run with each bug; one of them must see it.
const SEEDS: u64 = 500;
/// Seeds of which it is told how many see a bug.
const COUNTED: u64 = 50;

const HEAD: &str = "# What the simulator sees\n\n\
    Each of these bugs is built into the program on purpose, one at a time, and the first 500 seeds are run until \
    one of them fails; then it is counted how many of the first 50 fail, and by which properties, the most frequent \
    first. The program as it is fails none of them. Made by a test that CI runs: \
    `UPDATE=1 cargo test --release -p sim --features mutants --test mutants` writes it anew.\n\n\
    | bug | what is wrong | in | layer | profile | seen by | first seed | of 50 |\n\
    | --- | --- | --- | --- | --- | --- | --- | --- |\n";

/// A known bug.
#[derive(Copy, Clone, Debug)]
enum Bug {
    /// In the core or in an adapter.
    Program(mutants::Mutant),
    /// Between an outbox and the network.
    Host(sim::Mutant),
}

impl Bug {
    fn all() -> Vec<Self> {
        let program = mutants::Mutant::ALL.iter().copied().map(Self::Program);
        program.chain(sim::Mutant::ALL.map(Self::Host)).collect()
    }

    /// What has to run for the bug to come out.
    fn layer(self) -> Layer {
        let Self::Program(mutant) = self else { return Layer::Memory };
        match mutant.place() {
            // Seen with a host that writes several before it says what has left of each.
            Place::Core if mutant == mutants::Mutant::LentDropped => Layer::Mio,
            // On mio whoever comes may be turned away for want of descriptors.
            Place::Runtime if mutant == mutants::Mutant::SecondNewcomerLost => Layer::Turmoil,
            Place::Core => Layer::Memory,
            Place::Runtime | Place::Mio => Layer::Mio,
            Place::Tokio => Layer::Turmoil,
        }
    }

    /// What runs must be like for the bug to come out soon.
    fn profile(self) -> Profile {
        use mutants::Mutant::*;
        let Self::Program(mutant) = self else { return Profile::quick() };
        match mutant {
            LimitOffByOne | BanIgnored | KeyIgnored | InviteOnlyIgnored | ModeratedIgnored => {
                Profile::court()
            }
            ReadingNeverStopped | SendqTotalIgnored | SendqHardIgnored | OldestNeverReset
            | TornLineKept | NotResumed | SecondBlockedMisses | SecondFlushDropped => {
                Profile::flood()
            }
            // It takes many who are told in one turn.
            GapSent => Profile::wide(),
            // Nothing else may keep those who flood from going on.
            BudgetWaitForgotten => Profile::calm(),
            _ => Profile::quick(),
        }
    }

    fn try_seeds(self) -> Seen {
        let (layer, mut profile) = (self.layer(), self.profile());
        match self {
            Self::Program(mutant) => mutants::activate(Some(mutant)),
            Self::Host(mutant) => profile = profile.with(mutant),
        }
        let mut seen = Seen::default();
        for seed in 0..SEEDS {
            if let Some(failure) = run_seed(seed, layer, &profile).failure {
                seen.first.get_or_insert(seed);
                *seen.properties.entry(failure.property).or_default() += 1;
            }
            if seen.first.is_some() && seed + 1 >= COUNTED {
                break;
            }
        }
        mutants::activate(None);
        seen
    }

    /// A row of the table.
    fn row(self, seen: &Seen) -> String {
        let (name, wrong, file) = match self {
            Self::Program(mutant) => (mutant.to_string(), mutant.wrong(), mutant.file()),
            Self::Host(mutant) => (format!("{mutant:?}"), mutant.wrong(), "the simulated host"),
        };
        let (layer, profile, properties) = (self.layer(), self.profile().name, seen.properties());
        let first = seen.first.map_or("-".into(), |seed| seed.to_string());
        let count: u64 = seen.properties.values().sum();
        format!(
            "| {name} | {wrong} | {file} | {layer} | {profile} | {properties} | {first} | {count} |\n"
        )
    }
}

/// How a bug was seen.
#[derive(Default)]
struct Seen {
    first: Option<u64>,
    /// By how many seeds as what.
    properties: BTreeMap<&'static str, u64>,
}

impl Seen {
    fn properties(&self) -> String {
        let mut by_count: Vec<_> = self.properties.iter().collect();
        by_count.sort_by_key(|(name, count)| (u64::MAX - **count, **name));
        by_count.iter().map(|(name, _)| **name).collect::<Vec<_>>().join(", ")
    }
}

/// Tries all bugs on two threads.
fn try_all() -> Vec<(Bug, Seen)> {
    let left = Mutex::new(Bug::all().into_iter().enumerate().rev().collect::<Vec<_>>());
    let next = || left.lock().expect("no thread panics").pop();
    let work = || {
        let tried = std::iter::from_fn(next).map(|(at, bug)| (at, bug, bug.try_seeds()));
        tried.collect::<Vec<_>>()
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
    });
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(_, bug, seen)| (bug, seen)).collect()
}

#[test]
fn each_known_bug_is_seen() {
    // A panic is a failure like any other here, and nobody wants to read them all.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let all = try_all();
    panic::set_hook(hook);
    let rows = all.iter().map(|(bug, seen)| bug.row(seen));
    let expected: String = std::iter::once(HEAD.to_owned()).chain(rows).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/MUTANTS.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).expect("the file can be written");
    }
    let unseen: Vec<Bug> =
        all.iter().filter(|(_, seen)| seen.first.is_none()).map(|(bug, _)| *bug).collect();
    assert!(unseen.is_empty(), "not seen in {SEEDS} seeds: {unseen:?}");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == expected, "MUTANTS.md is stale: UPDATE=1 cargo test --test mutants");
}

#[test]
fn the_program_as_it_is_fails_no_seed() {
    for layer in [Layer::Memory, Layer::Mio] {
        for seed in 0..SEEDS {
            assert_eq!(run_seed(seed, layer, &Profile::quick()).failure, None);
        }
    }
}
