//! Runs: one seed, one script, or many seeds on many threads.

use std::{
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use crate::{
    log::{Event, Log, What},
    memory::Memory,
    profile::{Mutant, Profile},
    script::Script,
};

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// Of all inputs and outputs: equal for equal runs.
    pub trace_hash: u64,
    /// The first property that did not hold.
    pub failure: Option<Failure>,
    /// How much happened.
    pub counters: Counters,
}

/// A property that did not hold. Displayed, it says how to see it again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Its name, as the list in the crate's documentation has it.
    pub property: &'static str,
    /// Simulated milliseconds since the start.
    pub at_ms: u64,
    /// What was seen.
    pub detail: String,
    /// The run's seed.
    pub seed: u64,
    /// The name of the profile; empty for a script that was not generated.
    pub profile: &'static str,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { property, at_ms, detail, seed, profile } = self;
        write!(f, "property `{property}` does not hold after {at_ms} ms: {detail}")?;
        if profile.is_empty() {
            return write!(f, "\nseen in a script with seed {seed}: run it again");
        }
        write!(f, "\nto see it again: parlance sim --profile {profile} --seed {seed}")
    }
}

impl std::error::Error for Failure {}

/// How much happened in a run or in many: what is 0 over many was not tested.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names say it all")]
pub struct Counters {
    pub turns: u64,
    pub outputs: u64,
    pub flushes: u64,
    pub partial_writes: u64,
    pub connections: u64,
    /// Connections that the server dropped without waiting any longer.
    pub dropped: u64,
    pub faults: u64,
    /// Messages received.
    pub received: u64,
    /// Messages whose arrival was certain, and checked.
    pub owed: u64,
    /// The most bytes that ever waited in the server. Of many runs, the most of all.
    pub most_queued: u64,
}

impl Counters {
    fn add(&mut self, other: &Self) {
        self.turns += other.turns;
        self.outputs += other.outputs;
        self.flushes += other.flushes;
        self.partial_writes += other.partial_writes;
        self.connections += other.connections;
        self.dropped += other.dropped;
        self.faults += other.faults;
        self.received += other.received;
        self.owed += other.owed;
        self.most_queued = self.most_queued.max(other.most_queued);
    }
}

/// Runs the script that a seed is.
#[must_use]
pub fn run_seed(seed: u64, profile: &Profile) -> Outcome {
    let script = Script::generate(seed, profile);
    let mut outcome = run(&script, profile.mutant, false).0;
    if let Some(failure) = &mut outcome.failure {
        failure.profile = profile.name;
    }
    outcome
}

/// Runs a script.
#[must_use]
pub fn run_script(script: &Script) -> Outcome {
    run(script, None, false).0
}

/// Runs a script and tells all that was sent and received, a line each, with the time in ms.
/// Connections go by their number: `3 < …` is what the fourth connection received.
#[must_use]
pub fn timeline(script: &Script, mutant: Option<Mutant>) -> (Outcome, String) {
    let (outcome, log) = record(script, mutant);
    (outcome, log.to_string())
}

/// Runs a script and writes down all that happens.
#[must_use]
pub fn record(script: &Script, mutant: Option<Mutant>) -> (Outcome, Log) {
    run(script, mutant, true)
}

fn run(script: &Script, mutant: Option<Mutant>, tell: bool) -> (Outcome, Log) {
    let mut memory = Memory::new(script, mutant);
    memory.crowd.log = tell.then(Log::default);
    // A panic of the core is a failure like any other; the crowd is only read afterwards.
    let result = catch_unwind(AssertUnwindSafe(|| memory.run()));
    let crowd = &mut memory.crowd;
    let broken = match result {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Some(("panic", text.unwrap_or("without a word").to_string()))
        }
    };
    let failure = broken.map(|(property, detail)| Failure {
        property,
        at_ms: crowd.now() / 1_000,
        detail,
        seed: script.seed,
        profile: "",
    });
    let mut log = crowd.log.take().unwrap_or_default();
    if let Some(Failure { property, detail, .. }) = &failure {
        let what = What::Broken { life: None, property, detail: detail.clone() };
        log.events.push(Event { at_us: crowd.now(), what });
    }
    let outcome = Outcome { trace_hash: crowd.trace.value(), failure, counters: crowd.counters };
    (outcome, log)
}

/// How far [`run_many`] is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Runs that are over.
    pub done: u64,
    /// Runs in all.
    pub total: u64,
    /// Whether the run that is just over failed.
    pub failure: Option<Failure>,
}

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs that are over.
    pub runs: u64,
    /// By seed; at most [`Summary::MOST_FAILURES`], after which no more runs are begun.
    pub failures: Vec<Failure>,
    /// Of all runs.
    pub counters: Counters,
}

impl Summary {
    /// Failures after which the rest is not worth the time.
    pub const MOST_FAILURES: usize = 100;
}

/// Runs all seeds of a range on `jobs` threads, at least one. `progress` is called on this thread,
/// once after each run.
pub fn run_many(
    seeds: Range<u64>,
    profile: &Profile,
    jobs: usize,
    mut progress: impl FnMut(Progress),
) -> Summary {
    let total = seeds.end.saturating_sub(seeds.start);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut summary = Summary::default();
    thread::scope(|scope| {
        let (tell, told) = mpsc::sync_channel(1_024);
        for _ in 0..jobs.max(1) {
            let (tell, next, stop) = (tell.clone(), &next, &stop);
            let start = seeds.start;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total || tell.send(run_seed(start + number, profile)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(tell);
        for outcome in told {
            summary.runs += 1;
            summary.counters.add(&outcome.counters);
            summary.failures.extend(outcome.failure.clone());
            if summary.failures.len() >= Summary::MOST_FAILURES {
                stop.store(true, Ordering::Relaxed);
            }
            progress(Progress { done: summary.runs, total, failure: outcome.failure });
        }
    });
    summary.failures.sort_by_key(|failure| failure.seed);
    summary
}
