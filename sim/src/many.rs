//! Many seeds on many threads, and what came of them.

use std::{
    ops::{ControlFlow, Range},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    counters::Counters,
    layer::Layer,
    profile::Profile,
    rng::{Concern, Rng},
    run::{Failure, Outcome, run_seed},
    sometimes::Sometimes,
};

/// Which seeds are run, and how.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// What stands for the server.
    pub layer: Layer,
    /// What the runs are like.
    pub profile: &'a Profile,
    /// The seeds, taken in order.
    pub seeds: Range<u64>,
    /// Threads, at least one.
    pub jobs: usize,
    /// Percent of the seeds that are run twice; both runs must be the same.
    pub twice_percent: u32,
}

/// How far [`run_many`] is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// What came of all runs up to now, this one included.
    pub summary: &'a Summary,
    /// Runs in all.
    pub total: u64,
    /// What came of the run that is just over.
    pub outcome: &'a Outcome,
}

/// What came of many seeds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Runs that are over: these are the first seeds of the plan.
    pub runs: u64,
    /// How many of them were run twice.
    pub twice: u64,
    /// By seed; at most about [`Summary::MOST_FAILURES`], after which no more runs are begun.
    pub failures: Vec<Failure>,
    /// Of all runs.
    pub counters: Counters,
    /// Of all runs.
    pub sometimes: Sometimes,
    /// Of all runs' traces, in whatever order they ended: equal for equal plans in any process.
    pub trace_hash: u64,
}

impl Summary {
    /// Failures after which the rest is not worth the time.
    pub const MOST_FAILURES: usize = 100;

    /// What never happened although it could have on this layer: it was not tested.
    #[must_use]
    pub fn missing(&self, layer: Layer) -> Vec<&'static str> {
        self.sometimes.missing(layer)
    }

    fn take(&mut self, seed: u64, outcome: &Outcome, twice: bool) {
        self.runs += 1;
        self.twice += u64::from(twice);
        self.counters.add(&outcome.counters);
        self.sometimes.add(&outcome.sometimes);
        self.failures.extend(outcome.failure.clone());
        // Mixed with its seed, so that two runs that change places are seen; added, so that no order is.
        let mixed = Rng::new(seed ^ outcome.trace_hash.rotate_left(32), Concern::Shape).next();
        self.trace_hash = self.trace_hash.wrapping_add(mixed);
    }
}

/// Runs the seeds of a plan. `progress` is called on this thread after each run, and says whether to go
/// on: after a break, what is under way is finished, and nothing more is begun.
pub fn run_many(
    plan: &Plan<'_>,
    mut progress: impl FnMut(Progress<'_>) -> ControlFlow<()>,
) -> Summary {
    let total = plan.seeds.end.saturating_sub(plan.seeds.start);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let (tell, told) = mpsc::sync_channel(1_024);
        for _ in 0..plan.jobs.max(1) {
            let (tell, next, stop) = (tell.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total {
                        break;
                    }
                    let seed = plan.seeds.start + number;
                    let twice = is_twice(seed, plan.twice_percent);
                    let outcome = run_once_or_twice(seed, plan, twice);
                    if tell.send((seed, twice, outcome)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(tell);
        for (seed, twice, outcome) in told {
            summary.take(seed, &outcome, twice);
            let go_on = progress(Progress { summary: &summary, total, outcome: &outcome });
            if go_on.is_break() || summary.failures.len() >= Summary::MOST_FAILURES {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
    summary.failures.sort_by_key(|failure| failure.seed);
    summary
}

/// Whether a seed is one of those run twice: the same ones in every process.
fn is_twice(seed: u64, percent: u32) -> bool {
    Rng::new(seed, Concern::Host).chance(percent)
}

fn run_once_or_twice(seed: u64, plan: &Plan<'_>, twice: bool) -> Outcome {
    let mut outcome = run_seed(seed, plan.layer, plan.profile);
    if twice {
        let again = run_seed(seed, plan.layer, plan.profile);
        if again != outcome && outcome.failure.is_none() {
            outcome.failure = Some(Failure {
                property: "same",
                at_ms: 0,
                detail: format!(
                    "two runs of one seed differ: trace {:016x}, then {:016x}",
                    outcome.trace_hash, again.trace_hash
                ),
                seed,
                profile: plan.profile.name,
                layer: plan.layer,
            });
        }
    }
    outcome
}
