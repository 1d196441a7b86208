//! `parlance sim`: the core among simulated networks and faults, judged from outside.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    time::Instant,
};

use clap::Args;
use sim::{Layer, Plan, Profile, record, run_many};

use crate::Failure;

/// Arguments of `parlance sim`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimArgs {
    /// What the runs are like: quick (2 to 5 clients), wide (6 to 16), calm (no faults)
    #[arg(long, default_value = "quick", value_parser = ["quick", "standard", "wide", "calm"])]
    profile: String,
    /// Run so many seeds
    #[arg(long, value_name = "N", default_value_t = 1000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Run this seed alone and tell all that happens in it
    #[arg(long)]
    seed: Option<u64>,
    /// Threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
}

const EXAMPLES: &str = "\
Examples:
  parlance sim                                1000 small runs
  parlance sim --profile wide --seeds 500     larger ones
  parlance sim --profile quick --seed 59      one run, told step by step

The same seed is the same run on any machine. Exit code 1: something did not hold.";

/// Simulates.
///
/// # Errors
/// Something did not hold; each failing seed was told.
pub(crate) fn run(args: &SimArgs) -> Result<(), Failure> {
    let profile = Profile::by_name(&args.profile)
        .ok_or_else(|| Failure::new(format!("there is no profile {:?}", args.profile)))?;
    let mut out = io::stdout().lock();
    let written = |error: io::Error| Failure::io("write", &error);
    if let Some(seed) = args.seed {
        let (outcome, told) = record(&Layer::Memory.script(seed, &profile), profile.mutant);
        writeln!(out, "{told}trace {:016x}", outcome.trace_hash).map_err(written)?;
        return outcome.failure.map_or(Ok(()), |failure| Err(Failure::new(failure.to_string())));
    }
    let began = Instant::now();
    let end = args.from.saturating_add(args.seeds);
    let plan = Plan {
        layer: Layer::Memory,
        profile: &profile,
        seeds: args.from..end,
        jobs: usize::from(args.jobs),
        twice_percent: 0,
    };
    let summary = run_many(&plan, |progress| {
        if let Some(failure) = &progress.outcome.failure {
            // Nobody may read standard error; the exit code stands.
            let _ = writeln!(io::stderr(), "{failure}");
        }
        ControlFlow::Continue(())
    });
    let rate = summary.runs as f64 / began.elapsed().as_secs_f64();
    let counters = summary.counters;
    writeln!(
        out,
        "{} runs, {rate:.0} a second: {} connections, {} faults, {} partial writes, {} lines \
         received, {} of them owed; {} failed",
        summary.runs,
        counters.connections,
        counters.faults,
        counters.partial_writes,
        counters.received,
        counters.owed,
        summary.failures.len()
    )
    .map_err(written)?;
    match summary.failures.len() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("{failed} seeds did not hold"))),
    }
}
