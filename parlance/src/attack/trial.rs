//! One attack on one server, from its start to its row.

use std::{
    cell::Cell,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::{
    process::{getpriority_process, setpriority_process},
    thread::gettid,
};

use super::{
    crowd::Tally,
    gauge::{Held, Watch},
    honest::{Chat, Phase, Stage},
    kinds::{Attack, acting},
    row::Row,
    target::Target,
    watcher::Watcher,
};
use crate::{
    Failure,
    bench::{machine::Processors, process::Process},
};

/// How trials are made.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The server's program.
    pub(super) program: PathBuf,
    /// How long nobody attacks, and then somebody does.
    pub(super) phase: Duration,
    /// Clients who chat.
    pub(super) honest: usize,
    /// Share of the attackers' connections, in percent.
    pub(super) scale: usize,
    /// Whether latency and memory are judged.
    pub(super) measures: bool,
}

/// Where an attack is made.
#[derive(Debug)]
pub(super) struct Field {
    /// The server.
    pub(super) server: SocketAddr,
    /// Its process.
    pub(super) process: Process,
    /// Its log.
    pub(super) log: PathBuf,
    program: PathBuf,
    phase: Duration,
    scale: usize,
    stage: Stage,
    began: Cell<Option<Instant>>,
}

impl Field {
    /// The attackers are ready: from now on, what honest clients say is said during the attack.
    pub(super) fn begin(&self) {
        self.stage.begin(Phase::Attack);
        self.began.set(Some(Instant::now()));
    }

    /// When the attack ends.
    pub(super) fn until(&self) -> Instant {
        self.began.get().unwrap_or_else(Instant::now) + self.phase
    }

    /// Does nothing until then.
    pub(super) fn wait(&self) {
        thread::sleep(self.until().saturating_duration_since(Instant::now()));
    }

    /// Our own client, who looks on.
    ///
    /// # Errors
    /// If it can't be run.
    pub(super) fn watcher(&self) -> io::Result<Watcher> {
        Watcher::start(&self.program, self.server)
    }

    /// How many of so many attackers there are to be.
    pub(super) fn share(&self, attackers: usize) -> usize {
        (attackers * self.scale / 100).max(2)
    }
}

/// What came of an attack, seen from the attackers' side.
#[derive(Clone, Debug, Default)]
pub(super) struct Got {
    /// In words.
    pub(super) text: String,
    /// What ought to have happened and did not.
    pub(super) broken: Vec<String>,
    /// Why it could not be made here.
    pub(super) skipped: Option<String>,
}

impl Got {
    /// What a crowd got.
    pub(super) fn of(tally: &Tally) -> Self {
        Self { text: tally.to_string(), ..Self::default() }
    }

    /// Tells what is wrong unless it `holds`.
    pub(super) fn expect(&mut self, holds: bool, wrong: &str) {
        if !holds {
            self.broken.push(wrong.to_owned());
        }
    }
}

/// Starts a server, lets others chat there, attacks it, and judges.
///
/// # Errors
/// If the server does not start or ends, or the attack could not be made.
pub(super) fn run(plan: &Plan, attack: &'static Attack, runtime: &str) -> Result<Row, Failure> {
    // A child runs where its parent does, so this thread goes there first.
    let alone = thread::available_parallelism().is_ok_and(|cpus| cpus.get() > LOAD_CPU);
    let go_to = |cpu| if alone { Processors::one(cpu).pin() } else { Ok(()) };
    go_to(SERVER_CPU)?;
    let target = Target::start(&plan.program, runtime, attack.limits)?;
    go_to(LOAD_CPU)?;
    let process = target.process;
    let empty = Held::now(process)?;
    let chat = Chat::start(target.address, plan.honest)?;
    let field = |phase, scale| Field {
        server: target.address,
        process,
        log: target.log(),
        program: plan.program.clone(),
        phase,
        scale,
        stage: chat.stage.clone(),
        began: Cell::new(None),
    };
    // What runs for the first time comes into memory; a rehearsal brings that before it is measured.
    made(attack, field(plan.phase / 10, 0))?;
    chat.stage.begin(Phase::Warm);
    thread::sleep(plan.phase);
    chat.stage.begin(Phase::Quiet);
    thread::sleep(plan.phase);
    let before = Held::now(process)?;
    let watch = Watch::start(process);
    // Attackers who are users first arrive; that is measured neither as quiet nor as attack.
    chat.stage.begin(Phase::Warm);
    let got = made(attack, field(plan.phase, plan.scale))?;
    chat.stage.begin(Phase::After);
    let highest = watch.highest();
    let longest = if plan.measures { SETTLE } else { Duration::ZERO };
    let after = Held::settled(process, before, longest)?;
    let record = chat.end();
    let p99_us = |latencies: &Histogram<u64>| latencies.value_at_quantile(0.99) / 1000;
    let mut row = Row {
        attack: attack.name,
        runtime: runtime.to_owned(),
        got: got.text,
        deliveries: record.deliveries,
        faults: record.faults,
        quiet_p99_us: p99_us(&record.quiet),
        attack_p99_us: p99_us(&record.attack),
        before,
        highest,
        after,
        bound_bytes: empty.memory_bytes + target.bound_bytes,
        skipped: got.skipped,
        broken: got.broken,
    };
    row.broken.extend(record.ended);
    row.broken.extend(log_faults(&target.log()).map_err(|why| Failure::io("read the log", &why))?);
    if row.skipped.is_none() {
        row.judge(plan.measures);
    }
    Ok(row)
}

/// Makes the attack on a thread that is less urgent than the honest clients'.
fn made(attack: &'static Attack, field: Field) -> Result<Got, Failure> {
    let make = move || {
        yield_to_others()?;
        (attack.make)(&field)
    };
    let made: io::Result<Got> =
        thread::spawn(make).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    made.map_err(|error| Failure::io(format_args!("make the attack {}", attack.name), &error))
}

/// Makes this thread nicer than others; and of the lowest priority in the real-time class, if it is
/// there, where niceness says nothing.
fn yield_to_others() -> io::Result<()> {
    let priority = getpriority_process(None)?;
    setpriority_process(None, (priority + LESS_URGENT).min(LEAST_URGENT))?;
    let stat = fs::read_to_string("/proc/thread-self/stat")?;
    if real_time_priority(&stat).is_some_and(|priority| priority > 1) {
        let thread = gettid().as_raw_nonzero().to_string();
        Command::new("chrt").args(["--fifo", "--pid", "1", &thread]).output()?;
    }
    Ok(())
}

/// The field `rt_priority` of a `stat`: 0 out of the real-time class.
fn real_time_priority(stat: &str) -> Option<u32> {
    // The name, in parentheses, may hold anything; the state after it is the third field.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(40 - 3)?.parse().ok()
}

/// What is in a log that acts on whoever reads it, and a log that grows as fast as attackers like.
fn log_faults(log: &Path) -> io::Result<Option<String>> {
    let count = acting(&fs::read(log)?);
    Ok((count > 0).then(|| format!("{count} control characters in the log")))
}

/// Where the server runs.
const SERVER_CPU: usize = 0;

/// Where clients and attackers run.
const LOAD_CPU: usize = 1;

/// How much less urgent attackers are than honest clients.
const LESS_URGENT: i32 = 10;

/// The system knows nothing less urgent.
const LEAST_URGENT: i32 = 19;

/// How long memory and descriptors may take to be given back.
const SETTLE: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_time_priority_is_the_fortieth_field() {
        let numbers: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let stat = format!("7 (a name) of ) S {}", numbers.join(" "));
        assert_eq!(real_time_priority(&stat), Some(40));
        assert_eq!(real_time_priority("7 (cut off) S 1"), None);
    }
}
