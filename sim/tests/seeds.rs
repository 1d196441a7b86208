//! Many seeds hold, each is the same when run again, and the oracle sees known bugs.

use sim::{Mutant, Profile, run_many, run_seed};

fn all_hold(profile: &Profile, seeds: std::ops::Range<u64>) -> sim::Summary {
    let summary = run_many(seeds, profile, 2, |_| {});
    let failures: Vec<String> = summary.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    summary
}

#[test]
fn small_runs_hold() {
    let counters = all_hold(&Profile::quick(), 0..300).counters;
    // What never happens is not tested.
    assert!(counters.partial_writes > 0 && counters.dropped > 0, "{counters:?}");
    assert!(counters.owed > 1_000, "{counters:?}");
}

#[test]
fn wide_runs_hold() {
    all_hold(&Profile::wide(), 0..20);
}

#[test]
fn calm_runs_hold() {
    all_hold(&Profile::calm(), 0..50);
}

#[test]
fn a_seed_is_the_same_run_again() {
    for seed in 1_000..1_030 {
        assert_eq!(run_seed(seed, &Profile::quick()), run_seed(seed, &Profile::quick()));
    }
}

/// Each bug is seen within so many seeds, and as what it is.
#[test]
fn the_oracle_sees_known_bugs() {
    for (mutant, seeds, properties) in [
        (Mutant::LoseByteOnPartialWrite, 50, &["form", "created", "order", "settled"][..]),
        (Mutant::DuplicateLine, 50, &["order"]),
        (Mutant::LoseLine, 50, &["loss"]),
        (Mutant::SwapLines, 50, &["order"]),
        (Mutant::DeliverToNonMember, 50, &["membership"]),
        (Mutant::DeafToTime, 50, &["ghosts", "settled"]),
    ] {
        let profile = Profile::quick().with(mutant);
        let seen = (0..seeds).find_map(|seed| run_seed(seed, &profile).failure);
        let seen = seen.unwrap_or_else(|| panic!("{mutant:?} was not seen in {seeds} seeds"));
        assert!(properties.contains(&seen.property), "{mutant:?} was seen as {seen}");
    }
}
