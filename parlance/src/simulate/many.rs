//! Many seeds: progress while they run, and what came of them.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    panic,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use sim::{Layer, Plan, Progress, Summary, run_many};

use super::{
    ManyArgs, failing,
    meter::{Meter, grouped},
    stop_on_interrupt, written,
};
use crate::Failure;

/// Runs the seeds on each layer, and tells what came of them.
pub(super) fn run(args: &ManyArgs) -> Result<(), Failure> {
    let stop = stop_on_interrupt()?;
    // A panic of the server is a failure like any other, and is told as one.
    panic::set_hook(Box::new(|_| {}));
    let (mut failed, mut untested) = (0, 0);
    for layer in args.kind.layer.0.iter().copied() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (summary, time) = run_layer(args, layer, &stop);
        tell(args, layer, &summary, time).map_err(|error| written(&error))?;
        failed += summary.failures.len();
        untested += zeros(layer, &summary).count();
        failing::examine(args, layer, &summary, &stop)?;
    }
    if failed > 0 {
        return Err(Failure::new(format!("{failed} seeds did not hold")));
    }
    if stop.load(Ordering::Relaxed) {
        return Err(Failure::new("interrupted before the end; what was run, held"));
    }
    if args.strict && untested > 0 {
        return Err(Failure::new(format!("{untested} counters stayed at zero")));
    }
    Ok(())
}

/// How long it took: on the wall, and of all cores.
#[derive(Clone, Copy)]
struct Time {
    wall: Duration,
    cores: Duration,
}

fn run_layer(args: &ManyArgs, layer: Layer, stop: &AtomicBool) -> (Summary, Time) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map_or(cores, usize::from);
    let first = args.seed.unwrap_or(args.from);
    let count = match (args.seed, args.minutes) {
        (Some(_), _) => 1,
        (None, Some(_)) => u64::MAX,
        (None, None) => args.seeds,
    };
    let profile = args.kind.profile();
    let plan = Plan {
        layer,
        profile: &profile,
        seeds: first..first.saturating_add(count),
        jobs,
        twice_percent: if args.seed.is_some() { 100 } else { args.twice },
    };
    let most = args.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let before = clock_gettime(ClockId::ProcessCPUTime);
    let mut meter = Meter::new();
    let summary = run_many(&plan, |progress| {
        if let Some(failure) = &progress.outcome.failure {
            // All of it is told at the end, for one of each kind.
            let detail: String = failure.detail.chars().take(100).collect();
            let (seed, property) = (failure.seed, failure.property);
            let at = failure.at_ms as f64 / 1_000.0;
            meter.say(&format!("seed {seed}: `{property}` does not hold, {at} s in: {detail}"));
        }
        let elapsed = meter.elapsed();
        let done = match most {
            Some(most) => elapsed.as_secs_f64() / most.as_secs_f64(),
            None => progress.summary.runs as f64 / progress.total as f64,
        };
        meter.show(done, || line(layer, &progress, most, elapsed, jobs.min(cores)));
        let over = most.is_some_and(|most| elapsed >= most);
        if over || stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let after = clock_gettime(ClockId::ProcessCPUTime);
    let spent = |time: rustix::time::Timespec| {
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    };
    (summary, Time { wall: meter.elapsed(), cores: spent(after) - spent(before) })
}

/// What could have happened on the layer and never did.
fn zeros(layer: Layer, summary: &Summary) -> impl Iterator<Item = &'static str> {
    let counters = summary.counters.zeros().filter(move |name| layer.counts(name));
    counters.chain(summary.missing(layer))
}

fn line(
    layer: Layer,
    progress: &Progress<'_>,
    most: Option<Duration>,
    elapsed: Duration,
    cores: usize,
) -> String {
    let Progress { summary, total, .. } = progress;
    let rate = summary.runs as f64 / elapsed.as_secs_f64().max(0.001);
    let of = match most {
        Some(most) => format!(", {} of {} s", elapsed.as_secs(), most.as_secs()),
        None => format!("/{}", grouped(*total)),
    };
    format!(
        "{layer}: {}{of} seeds, {:.0} seeds/s ({:.0} a core), {} faults, {} lines checked, {} failed",
        grouped(summary.runs),
        rate,
        rate / cores as f64,
        grouped(summary.counters.faults),
        grouped(summary.counters.checked()),
        summary.failures.len(),
    )
}

fn tell(args: &ManyArgs, layer: Layer, summary: &Summary, time: Time) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Summary { runs, twice, failures, counters, sometimes, trace_hash } = summary;
    let Time { wall, cores } = time;
    let profile = args.kind.profile.name;
    writeln!(
        out,
        "{layer}, {profile}{}: {} seeds from {}, {} of them twice; {} failed",
        args.kind.mutant_words(),
        grouped(*runs),
        args.seed.unwrap_or(args.from),
        grouped(*twice),
        failures.len()
    )?;
    let runs_made = (*runs + *twice) as f64;
    writeln!(
        out,
        "  {:.1} s: {:.0} seeds/s, {:.0} runs a second and core; {} faults, {} lines checked",
        wall.as_secs_f64(),
        *runs as f64 / wall.as_secs_f64().max(0.001),
        runs_made / cores.as_secs_f64().max(0.001),
        grouped(counters.faults),
        grouped(counters.checked()),
    )?;
    let rows = sometimes.rows(layer).map(|(name, _, count)| (name, count));
    let counts: Vec<String> = counters
        .each()
        .chain(rows)
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{} {}", words(name), grouped(count)))
        .collect();
    for counts in counts.chunks(6) {
        writeln!(out, "  {}", counts.join(", "))?;
    }
    let zeros: Vec<String> = zeros(layer, summary).map(words).collect();
    if !zeros.is_empty() {
        writeln!(out, "  never happened, so not tested: {}", zeros.join(", "))?;
    }
    writeln!(out, "  trace {trace_hash:016x}")
}

/// A name of the program as people write it: `names_in_pieces`, `FullWindow`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(if letter == '_' { ' ' } else { letter }.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        assert_eq!(["most_queued", "FullWindow"].map(words), ["most queued", "full window"]);
    }
}
