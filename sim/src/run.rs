//! One run, of a seed or of a script, and how it ended.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
};

use crate::{
    counters::Counters,
    crowd::Crowd,
    judge::Broken,
    layer::Layer,
    log::{Event, Log, What},
    memory::Memory,
    mio::{self, Stage},
    profile::{Mutant, Profile},
    script::Script,
    sometimes::Sometimes,
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
    /// What happened of what must happen sometimes.
    pub sometimes: Sometimes,
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
    /// What stood for the server.
    pub layer: Layer,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { property, at_ms, detail, seed, profile, layer } = self;
        write!(f, "property `{property}` does not hold after {at_ms} ms: {detail}")?;
        if profile.is_empty() {
            return write!(f, "\nseen in a script with seed {seed}: run it again");
        }
        write!(
            f,
            "\nto see it again: parlance sim --layer {layer} --profile {profile} --seed {seed}"
        )
    }
}

impl std::error::Error for Failure {}

/// Runs the script that a seed is on a layer.
#[must_use]
pub fn run_seed(seed: u64, layer: Layer, profile: &Profile) -> Outcome {
    let mut outcome = layer.run(&layer.script(seed, profile), profile.mutant, false).0;
    if let Some(failure) = &mut outcome.failure {
        failure.profile = profile.name;
    }
    outcome
}

/// Runs a script on its layer.
#[must_use]
pub fn run_script(script: &Script, mutant: Option<Mutant>) -> Outcome {
    script.layer.run(script, mutant, false).0
}

/// Runs a script and writes down all that happens.
#[must_use]
pub fn record(script: &Script, mutant: Option<Mutant>) -> (Outcome, Log) {
    script.layer.run(script, mutant, true)
}

/// Runs a script with the core in memory.
pub(crate) fn run_in_memory(script: &Script, mutant: Option<Mutant>, tell: bool) -> (Outcome, Log) {
    let mut memory = Memory::new(script, mutant);
    memory.crowd.log = tell.then(Log::default);
    // A panic of the core is a failure like any other; the crowd is only read afterwards.
    let result = catch_unwind(AssertUnwindSafe(|| memory.run()));
    conclude(&mut memory.crowd, script, Layer::Memory, result)
}

/// Runs a script with the mio runtime.
pub(crate) fn run_on_mio(script: &Script, mutant: Option<Mutant>, tell: bool) -> (Outcome, Log) {
    let mut crowd = Crowd::new(script, mutant);
    crowd.log = tell.then(Log::default);
    let stage = Rc::new(RefCell::new(Stage::new(crowd, script, mutant)));
    let result = catch_unwind(AssertUnwindSafe(|| mio::run(&stage, script)));
    conclude(&mut stage.borrow_mut().crowd, script, Layer::Mio, result)
}

fn conclude(
    crowd: &mut Crowd<'_>,
    script: &Script,
    layer: Layer,
    result: thread::Result<Result<(), Broken>>,
) -> (Outcome, Log) {
    let broken = match result {
        Ok(result) => result.err(),
        Err(panic) => Some(("panic", panic_text(&*panic))),
    };
    let failure = broken.map(|(property, detail)| Failure {
        property,
        at_ms: crowd.now() / 1_000,
        detail,
        seed: script.seed,
        profile: "",
        layer,
    });
    let mut log = crowd.log.take().unwrap_or_default();
    if let Some(Failure { property, detail, .. }) = &failure {
        let what = What::Broken { life: None, property, detail: detail.clone() };
        log.events.push(Event { at_us: crowd.now(), what });
    }
    let outcome = Outcome {
        trace_hash: crowd.trace.value(),
        failure,
        counters: crowd.counters,
        sometimes: crowd.sometimes,
    };
    (outcome, log)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word").to_string()
}
