//! One run: replayed, made smaller, or shown.

use std::{
    io::{self, Write as _},
    panic,
    path::PathBuf,
};

use clap::Args;
use sim::{Layer, Script, Shrunk, record, run_script, timeline};

use super::{Kind, failing, mutant, read, stop_on_interrupt, write, written};
use crate::Failure;

/// Arguments of `parlance sim replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A file with a script
    file: PathBuf,
    /// Run it on another layer than its own
    #[arg(long, value_name = "LAYER")]
    layer: Option<Layer>,
    /// Build a known bug into the server's host
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<sim::Mutant>,
}

/// Arguments of `parlance sim shrink`.
#[derive(Debug, Args)]
pub(super) struct ShrinkArgs {
    /// A file with a script that fails
    file: PathBuf,
    /// Write the smaller script to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Stop after so many runs
    #[arg(long, value_name = "N", default_value_t = sim::SHRINK_RUNS)]
    runs: u64,
    /// Build a known bug into the server's host
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<sim::Mutant>,
}

/// Arguments of `parlance sim show`.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES, override_usage = SHOW_USAGE)]
pub(super) struct ShowArgs {
    /// A file with a script
    #[arg(required_unless_present = "seed", conflicts_with_all = ["seed", "layer", "profile"])]
    file: Option<PathBuf>,
    /// The run that this seed is
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    #[command(flatten)]
    kind: Kind,
    /// Where the page is written
    #[arg(long, value_name = "FILE", default_value = "timeline.html")]
    out: PathBuf,
    /// Print it as text instead, a line for each event
    #[arg(long, conflicts_with = "out")]
    text: bool,
}

const SHOW_USAGE: &str = "\
parlance sim show <FILE> [OPTIONS]
       parlance sim show --seed <SEED> [OPTIONS]";

const SHOW_EXAMPLES: &str = "\
Examples:
  parlance sim show sim-failure-loss-59.txt        writes timeline.html: open it in a browser
  parlance sim show --seed 59 --out seed-59.html
  parlance sim show --seed 59 --text | less";

/// Runs a script.
pub(super) fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let mut script = read(&args.file)?;
    script.layer = args.layer.unwrap_or(script.layer);
    let outcome = run_script(&script, args.mutant);
    let (file, layer) = (args.file.display(), script.layer);
    match outcome.failure {
        Some(failure) => {
            let (property, at) = (failure.property, failure.at_ms as f64 / 1_000.0);
            let detail = failure.detail;
            let why = format!("{file}: `{property}` does not hold, {at} s in: {detail}");
            Err(Failure::new(why))
        }
        None => {
            let (steps, hash) = (script.steps.len(), outcome.trace_hash);
            writeln!(io::stdout(), "{file}: holds: {steps} steps on {layer}, trace {hash:016x}")
                .map_err(|error| written(&error))
        }
    }
}

/// Makes a script smaller.
pub(super) fn shrink(args: &ShrinkArgs) -> Result<(), Failure> {
    let script = read(&args.file)?;
    panic::set_hook(Box::new(|_| {}));
    let stop = stop_on_interrupt()?;
    let shrunk = failing::smaller(&script, args.runs, args.mutant, &stop);
    let Some(Shrunk { script: smallest, failure, runs, complete }) = shrunk else {
        let why = format!("{} holds: there is nothing to make smaller", args.file.display());
        return Err(Failure::usage(why));
    };
    // The script is what is asked for; the rest is for whoever looks on.
    let _ = writeln!(
        io::stderr(),
        "`{}`: {} steps of {} in {runs} runs{}",
        failure.property,
        smallest.steps.len(),
        script.steps.len(),
        if complete { "" } else { ", and there was more to try" }
    );
    let text = smallest.to_string();
    match &args.out {
        Some(file) => write(file, &text),
        None => io::stdout().write_all(text.as_bytes()).map_err(|error| written(&error)),
    }
}

/// Shows a run.
pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    let mutant = args.kind.mutant_words();
    let (script, again) = match (&args.file, args.seed) {
        (Some(file), _) => (read(file)?, format!("parlance sim replay {}{mutant}", file.display())),
        (None, seed) => {
            let (seed, profile) = (seed.unwrap_or_default(), args.kind.profile());
            let [layer] = args.kind.layer.0[..] else {
                return Err(Failure::usage("a run is shown of one layer, not of all of them"));
            };
            let name = profile.name;
            let again =
                format!("parlance sim --layer {layer} --profile {name} --seed {seed}{mutant}");
            (layer.script(seed, &profile), again)
        }
    };
    show_script(args, &script, &again)
}

fn show_script(args: &ShowArgs, script: &Script, again: &str) -> Result<(), Failure> {
    let (outcome, log) = record(script, args.kind.mutant);
    if args.text {
        return write!(io::stdout(), "{log}").map_err(|error| written(&error));
    }
    write(&args.out, &timeline::html(&log, script, again))?;
    let verdict = match outcome.failure {
        Some(failure) => format!("`{}` does not hold", failure.property),
        None => "everything held".to_string(),
    };
    let out = args.out.display();
    writeln!(io::stdout(), "{out}: {verdict}; open it in a browser")
        .map_err(|error| written(&error))
}
