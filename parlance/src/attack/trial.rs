//! One attack on one server, from its start to its row.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::process::{getpriority_process, setpriority_process};

use super::{
    gauge::{Held, Watch},
    honest::{Chat, Phase},
    kinds::Attack,
    row::Row,
    target::Target,
};
use crate::{
    Failure,
    bench::{machine, process::Process},
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
    /// When the attack ends.
    pub(super) until: Instant,
    scale: usize,
}

impl Field {
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

/// Starts a server, lets others chat there, attacks it, and judges.
///
/// # Errors
/// If the server does not start or ends, or the attack could not be made.
pub(super) fn run(plan: &Plan, attack: &'static Attack, runtime: &str) -> Result<Row, Failure> {
    // A child runs where its parent does, so this thread goes there first.
    let alone = thread::available_parallelism().is_ok_and(|cpus| cpus.get() > LOAD_CPU);
    let go_to = |cpu| if alone { machine::pin(cpu) } else { Ok(()) };
    go_to(SERVER_CPU)?;
    let target = Target::start(&plan.program, runtime, attack.limits)?;
    go_to(LOAD_CPU)?;
    let process = target.process;
    let empty = Held::now(process)?;
    let chat = Chat::start(target.address, plan.honest)?;
    thread::sleep(plan.phase);
    chat.begin(Phase::Quiet);
    thread::sleep(plan.phase);
    let before = Held::now(process)?;
    let watch = Watch::start(process);
    chat.begin(Phase::Attack);
    let field = Field {
        server: target.address,
        process,
        until: Instant::now() + plan.phase,
        scale: plan.scale,
    };
    let got = made(attack, field)?;
    chat.begin(Phase::After);
    let highest = watch.highest()?;
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
        bound_bytes: empty.resident_bytes + target.bound_bytes,
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

/// Makes the attack on a thread of lower priority, so that it takes no time from honest clients.
fn made(attack: &'static Attack, field: Field) -> Result<Got, Failure> {
    let make = move || {
        let priority = getpriority_process(None)?;
        setpriority_process(None, (priority + LESS_URGENT).min(LEAST_URGENT))?;
        (attack.make)(&field)
    };
    let made: io::Result<Got> =
        thread::spawn(make).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    made.map_err(|error| Failure::io(format_args!("make the attack {}", attack.name), &error))
}

/// Bytes in a log that act on a terminal, or would begin a line of their own.
fn log_faults(log: &Path) -> io::Result<Option<String>> {
    let log = std::fs::read(log)?;
    let acts = |byte: &&u8| byte.is_ascii_control() && **byte != b'\n';
    let count = log.iter().filter(acts).count();
    Ok((count > 0).then(|| format!("{count} control bytes in the log")))
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
