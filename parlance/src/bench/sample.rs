//! What time and memory a round took: the clock, this thread and the server, read at both ends.

use std::time::{Duration, Instant};

use super::{
    error::BenchError,
    machine,
    process::{Process, Usage},
    report::{self, Figure, Report},
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
        let server = self
            .server
            .map(|(process, before)| usage(process).map(|after| Server { before, after }))
            .transpose()?;
        Ok(Spent { wall, load_cpu, server })
    }
}

/// What a round has taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// Time on the clock.
    pub(super) wall: Duration,
    /// Processor time of this thread.
    pub(super) load_cpu: Duration,
    /// The server at both ends, if it is measured.
    pub(super) server: Option<Server>,
}

/// A process at both ends of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// At the beginning.
    pub(super) before: Usage,
    /// At the end.
    pub(super) after: Usage,
}

impl Spent {
    /// Shares of a processor, and the cost of each of `deliveries`.
    pub(super) fn figures(&self, deliveries: u64) -> Vec<Figure> {
        let per_delivery = |cpu: Duration| cpu.as_nanos() as f64 / deliveries.max(1) as f64;
        let mut figures = vec![
            (report::DELIVERIES_PER_S, deliveries as f64 / self.wall.as_secs_f64()),
            (report::WALL_S, self.wall.as_secs_f64()),
        ];
        if let Some(server) = self.server {
            figures.extend([
                (report::SERVER_NS, per_delivery(server.cpu())),
                (report::SERVER_SHARE, self.share(server.cpu())),
                (report::BEFORE_BYTES, server.before.resident_bytes as f64),
                (report::AFTER_BYTES, server.after.resident_bytes as f64),
            ]);
        }
        figures.extend([
            (report::LOAD_NS, per_delivery(self.load_cpu)),
            (report::LOAD_SHARE, self.share(self.load_cpu)),
        ]);
        figures
    }

    fn share(&self, cpu: Duration) -> f64 {
        100.0 * cpu.as_secs_f64() / self.wall.as_secs_f64()
    }
}

impl Server {
    /// Processor time between the ends.
    pub(super) fn cpu(&self) -> Duration {
        self.after.cpu.saturating_sub(self.before.cpu)
    }
}

/// What keeps the figures of a fanout from being believed as they stand.
pub(super) fn warnings(report: &Report) -> Vec<String> {
    let load_was_the_limit = || {
        let (load, server) =
            (report.median(report::LOAD_SHARE), report.median(report::SERVER_SHARE));
        (load >= BUSY_PERCENT && server < BUSY_PERCENT).then(|| {
            format!(
                "the load generator was busy {load:.0} % of the time and the server {server:.0} %: the rate is what the load could do; believe the CPU time per delivery"
            )
        })
    };
    let too_short = || {
        let wall_s = report.median(report::WALL_S);
        (wall_s < SHORT_S).then(|| {
            format!("a round took {wall_s:.3} s, too little for the system's clocks of CPU time; raise --messages")
        })
    };
    load_was_the_limit().into_iter().chain(too_short()).collect()
}

/// From this share of a processor on, a thread counts as the limit.
const BUSY_PERCENT: f64 = 90.0;

/// The kernel may count the CPU time of a running thread once a tick only, up to 10 ms: 4 % of this.
const SHORT_S: f64 = 0.25;

fn usage(process: Process) -> Result<Usage, BenchError> {
    process.usage().map_err(|error| BenchError::Process { pid: process.pid(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(load: f64, server: Option<f64>, wall_s: f64) -> bool {
        let mut round = vec![(report::LOAD_SHARE, load), (report::WALL_S, wall_s)];
        round.extend(server.map(|share| (report::SERVER_SHARE, share)));
        !warnings(&Report { rounds: vec![round], ..Report::default() }).is_empty()
    }

    #[test]
    fn a_busy_load_beside_an_idle_server_is_the_limit() {
        assert!(warned(97.0, Some(60.0), 1.0));
        assert!(warned(97.0, None, 1.0), "nothing is known of the server");
        assert!(!warned(97.0, Some(99.0), 1.0), "both are busy");
        assert!(!warned(40.0, Some(99.0), 1.0));
    }

    #[test]
    fn a_short_round_is_measured_badly() {
        assert!(warned(40.0, Some(99.0), 0.1));
    }

    #[test]
    fn the_cost_of_a_delivery_is_the_cpu_time_by_their_number() {
        let usage = |ms, resident_bytes| Usage { cpu: Duration::from_millis(ms), resident_bytes };
        let spent = Spent {
            wall: Duration::from_secs(1),
            load_cpu: Duration::from_millis(250),
            server: Some(Server { before: usage(100, 1), after: usage(600, 2) }),
        };
        let figures = spent.figures(1_000_000);
        assert!(figures.contains(&(report::SERVER_NS, 500.0)));
        assert!(figures.contains(&(report::SERVER_SHARE, 50.0)));
        assert!(figures.contains(&(report::LOAD_SHARE, 25.0)));
        assert!(figures.contains(&(report::DELIVERIES_PER_S, 1_000_000.0)));
    }
}
