//! What time and memory a part of a round took: the clock, this thread and the server, read at both ends.

use std::time::{Duration, Instant};

use super::{
    error::BenchError,
    machine,
    process::{Process, Thread, Usage},
    report::{self, Figure, Kind},
};

/// The state of all clocks at the beginning of a round.
#[derive(Debug)]
pub(super) struct Sample {
    began: Instant,
    load_cpu: Duration,
    server: Option<(Process, Usage)>,
}

impl Sample {
    /// Reads the clocks. Without a process, the server stays unmeasured.
    ///
    /// # Errors
    /// If the process cannot be read.
    pub(super) fn take(process: Option<Process>) -> Result<Self, BenchError> {
        let server =
            process.map(|process| usage(process).map(|usage| (process, usage))).transpose()?;
        Ok(Self { began: Instant::now(), load_cpu: machine::thread_cpu(), server })
    }

    /// What has been spent since.
    ///
    /// # Errors
    /// If the process cannot be read.
    pub(super) fn spent(&self) -> Result<Spent, BenchError> {
        let wall = self.began.elapsed();
        let load_cpu = machine::thread_cpu().saturating_sub(self.load_cpu);
        let server = match &self.server {
            Some((process, before)) => {
                Some(Server { before: before.clone(), after: usage(*process)? })
            }
            None => None,
        };
        Ok(Spent { wall, load_cpu, server })
    }
}

/// What a round has taken.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    /// Time on the clock.
    pub(super) wall: Duration,
    /// Processor time of this thread.
    pub(super) load_cpu: Duration,
    /// The server at both ends, if it is measured.
    pub(super) server: Option<Server>,
}

/// A process at both ends of a round.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// At the beginning.
    pub(super) before: Usage,
    /// At the end.
    pub(super) after: Usage,
}

impl Spent {
    /// What each of `deliveries` cost, how many there were in a second, and how busy everybody was.
    pub(super) fn of_deliveries(&self, deliveries: u64) -> Vec<Figure> {
        let mut figures =
            vec![(report::DELIVERIES_PER_S, deliveries as f64 / self.wall.as_secs_f64())];
        figures.extend(self.server_per(report::SERVER_NS, Duration::from_nanos(1), deliveries));
        figures.extend(self.shares());
        figures
    }

    /// The server's processor time for each of `count`, in `unit`; nothing if the server is not measured.
    pub(super) fn server_per(&self, kind: Kind, unit: Duration, count: u64) -> Option<Figure> {
        let cpu = self.server.as_ref()?.cpu().as_nanos() as f64;
        Some((kind, cpu / unit.as_nanos() as f64 / count.max(1) as f64))
    }

    /// How long it took, how busy the server and the load were, and what the server holds.
    pub(super) fn shares(&self) -> Vec<Figure> {
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / self.wall.as_secs_f64();
        let mut figures = vec![(report::WALL_S, self.wall.as_secs_f64())];
        if let Some(server) = &self.server {
            figures.extend([
                (report::SERVER_SHARE, share(server.cpu())),
                (report::RESIDENT_MIB, server.after.resident_bytes as f64 / MIB),
            ]);
        }
        figures.push((report::LOAD_SHARE, share(self.load_cpu)));
        figures
    }

    /// How much of a processor each thread of the server used, if it is measured.
    pub(super) fn threads(&self) -> Vec<(String, f64)> {
        let Some(server) = &self.server else { return Vec::new() };
        let before = |name: &str| server.before.threads.iter().find(|thread| thread.name == name);
        let share = |thread: &Thread| {
            let before = before(&thread.name).map(|thread| thread.cpu).unwrap_or_default();
            let cpu = thread.cpu.saturating_sub(before);
            (thread.name.clone(), 100.0 * cpu.as_secs_f64() / self.wall.as_secs_f64())
        };
        server.after.threads.iter().map(share).filter(|(_, share)| *share >= 0.1).collect()
    }
}

impl Spent {
    /// What keeps the figures of a closed loop from being believed as they stand.
    pub(super) fn warnings(&self) -> Vec<String> {
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / self.wall.as_secs_f64();
        let load = share(self.load_cpu);
        let server = self.server.as_ref().map_or(0.0, |server| share(server.cpu()));
        let mut warnings = Vec::new();
        if load >= BUSY_PERCENT && server < BUSY_PERCENT {
            warnings.push(format!(
                "the load generator was busy {load:.0} % of the time and the server {server:.0} %: the rate is what the load could do; believe the CPU time"
            ));
        }
        if self.wall < SHORT {
            warnings.push(format!(
                "a round took {} ms, too little for the system's clocks of CPU time; raise --deliveries",
                self.wall.as_millis()
            ));
        }
        warnings
    }
}

impl Server {
    /// Processor time between the ends, of threads that are there at both.
    pub(super) fn cpu(&self) -> Duration {
        self.after.cpu.saturating_sub(self.before.cpu)
    }
}

const MIB: f64 = 1_048_576.0;

/// From this share of a processor on, a thread counts as the limit.
const BUSY_PERCENT: f64 = 90.0;

/// The kernel may count the CPU time of a running thread once a tick only, up to 10 ms: 4 % of this.
const SHORT: Duration = Duration::from_millis(250);

fn usage(process: Process) -> Result<Usage, BenchError> {
    process.usage().map_err(|error| BenchError::Process { pid: process.pid(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(ms: u64, resident_bytes: u64) -> Usage {
        let cpu = Duration::from_millis(ms);
        let threads = vec![Thread { name: "1 ircd".into(), cpu }];
        Usage { cpu, threads, resident_bytes }
    }

    fn spent(wall_ms: u64, load_ms: u64, server_ms: Option<u64>) -> Spent {
        Spent {
            wall: Duration::from_millis(wall_ms),
            load_cpu: Duration::from_millis(load_ms),
            server: server_ms
                .map(|ms| Server { before: usage(100, 1), after: usage(100 + ms, 1 << 20) }),
        }
    }

    #[test]
    fn a_busy_load_beside_an_idle_server_is_the_limit() {
        let warned = |load, server| !spent(1000, load, server).warnings().is_empty();
        assert!(warned(970, Some(600)));
        assert!(warned(970, None), "nothing is known of the server");
        assert!(!warned(970, Some(990)), "both are busy");
        assert!(!warned(400, Some(990)));
    }

    #[test]
    fn a_short_round_is_measured_badly() {
        assert_eq!(spent(100, 40, Some(99)).warnings().len(), 1);
    }

    #[test]
    fn the_cost_of_a_delivery_is_the_cpu_time_by_their_number() {
        let spent = spent(1000, 250, Some(500));
        let figures = spent.of_deliveries(1_000_000);
        for figure in [
            (report::DELIVERIES_PER_S, 1_000_000.0),
            (report::SERVER_NS, 500.0),
            (report::SERVER_SHARE, 50.0),
            (report::LOAD_SHARE, 25.0),
            (report::RESIDENT_MIB, 1.0),
        ] {
            assert!(figures.contains(&figure), "{figure:?} in {figures:?}");
        }
        assert_eq!(spent.threads(), [("1 ircd".to_owned(), 50.0)]);
    }
}
