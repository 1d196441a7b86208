//! The mio adapter among the same faults as the core alone: many seeds hold.

use sim::{Layer, Plan, Profile, Summary, run_many, run_seed};

fn all_hold(profile: &Profile, seeds: std::ops::Range<u64>) -> Summary {
    let plan = Plan { layer: Layer::Mio, profile, seeds, jobs: 2, twice_percent: 0 };
    let summary = run_many(&plan, |_| std::ops::ControlFlow::Continue(()));
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
    all_hold(&Profile::wide(), 0..10);
}

#[test]
fn calm_runs_hold() {
    all_hold(&Profile::calm(), 0..30);
}

#[test]
fn a_seed_is_the_same_run_again() {
    for seed in 1_000..1_020 {
        let run = || run_seed(seed, Layer::Mio, &Profile::quick());
        assert_eq!(run(), run());
    }
}
