//! A seed that fails: made small, written to a file, and how to see it again.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use sim::{Failure as Broken, Layer, Script, Shrunk, Summary, run_script, shrink};

use super::{ManyArgs, build, meter::Meter, write, written};
use crate::Failure;

/// Makes the first failure of each property small, and says how to see it again.
pub(super) fn examine(
    args: &ManyArgs,
    layer: Layer,
    summary: &Summary,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for failure in &summary.failures {
        if seen.insert(failure.property) && !stop.load(Ordering::Relaxed) {
            examine_one(args, layer, failure, seen.len(), stop)?;
        }
    }
    Ok(())
}

fn examine_one(
    args: &ManyArgs,
    layer: Layer,
    failure: &Broken,
    number: usize,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let Broken { seed, property, .. } = failure;
    let (profile, mutant) = (args.kind.profile(), args.kind.mutant_words());
    let script = layer.script(*seed, &profile);
    let before = script.steps.len();
    let smallest = smaller(&script, args.shrink_runs, args.kind.mutant, stop);

    let mut out = io::stdout().lock();
    let at = failure.at_ms as f64 / 1_000.0;
    writeln!(out, "\nseed {seed}: property `{property}` does not hold, {at} s in:")
        .and_then(|()| writeln!(out, "  {}", failure.detail))
        .map_err(|error| written(&error))?;
    // Not every failure is a script's: two runs that differ are not.
    let (script, told) = match smallest {
        Some(Shrunk { script, runs, complete, .. }) => {
            let rest = if complete { "" } else { ", and there was more to try" };
            let told =
                format!("{} steps of {before}, found in {runs} runs{rest}", script.steps.len());
            (script, told)
        }
        None => (script, "as it was: run again, it holds".to_string()),
    };
    let file = match &args.out {
        Some(file) if number == 1 => file.clone(),
        Some(file) => PathBuf::from(format!("{}.{number}", file.display())),
        None if layer == Layer::Memory => format!("sim-failure-{property}-{seed}.txt").into(),
        None => format!("sim-failure-{layer}-{property}-{seed}.txt").into(),
    };
    let again =
        format!("parlance sim --layer {layer} --profile {} --seed {seed}{mutant}", profile.name);
    let head = format!("# `{property}` did not hold: {again}\n# {}\n", build());
    write(&file, &format!("{head}{script}"))?;
    let named = file.display();
    writeln!(
        out,
        "the smallest script: {named} ({told})
to see it again:     {again}    ({})
the smallest again:  parlance sim replay {named}{mutant}
as a picture:        parlance sim show {named}{mutant} --out timeline.html\n",
        build()
    )
    .map_err(|error| written(&error))
}

/// The smallest script that fails like this one, as far as the runs go.
pub(super) fn smaller(
    script: &Script,
    most_runs: u64,
    mutant: Option<sim::Mutant>,
    stop: &AtomicBool,
) -> Option<Shrunk> {
    let mut meter = Meter::new();
    let run = |script: &Script| run_script(script, mutant).failure;
    shrink(script, most_runs, run, |shrunk| {
        let steps = shrunk.script.steps.len();
        meter.show(shrunk.runs as f64 / most_runs as f64, || {
            format!("making it smaller: {steps} steps after {} runs", shrunk.runs)
        });
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}
