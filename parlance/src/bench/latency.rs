//! How long a delivery takes at a given rate, counted from when it ought to have been sent.
//!
//! The load is open: every message has its time beforehand, and a server that stalls is charged for
//! all messages that should have gone out meanwhile (no coordinated omission).

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{
    Load,
    error::BenchError,
    order::{Fault, Order},
    payload::Format,
    process::Process,
    report::{self, Report},
    sample::Sample,
    swarm::Listener,
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Members of the channel; the first of them sends.
    pub(super) members: usize,
    /// Messages a second.
    pub(super) rate: u32,
    /// How long messages are sent.
    pub(super) seconds: u32,
    /// Bytes of each payload.
    pub(super) payload: usize,
}

impl Plan {
    /// Messages of the whole run.
    pub(super) fn messages(self) -> u32 {
        self.rate.saturating_mul(self.seconds)
    }
}

/// Sends on schedule to a server that is already there.
///
/// # Errors
/// If the server refuses the load, breaks the order of messages, or takes too long.
pub(super) fn measure(
    load: &Load,
    plan: Plan,
    process: Option<Process>,
) -> Result<Report, BenchError> {
    let mut swarm = load.swarm(plan.members)?;
    swarm.register(plan.members)?;
    swarm.join()?;

    let sample = Sample::take(process)?;
    let mut clock = Clock::new(plan, [swarm.nick(SENDER)]);
    let messages = plan.messages();
    let deliveries = u64::from(messages) * plan.members.saturating_sub(1) as u64;
    swarm.begin("deliveries", deliveries, Duration::from_secs(plan.seconds.into()));
    let (mut sent, mut late) = (0, Duration::ZERO);
    while clock.latencies.len() < deliveries {
        let now = Instant::now();
        while sent < messages && clock.schedule.due(sent) <= now {
            late = late.max(now - clock.schedule.due(sent));
            swarm.say(SENDER, |out| clock.format.write(SENDER, sent, out));
            sent += 1;
        }
        let wait = (sent < messages).then(|| doze(clock.schedule.due(sent), now));
        swarm.turn(wait, clock.latencies.len(), &mut clock)?;
    }
    let spent = sample.spent()?;
    swarm.barrier()?;

    let latencies = &clock.latencies;
    let us = |ns: u64| ns as f64 / 1e3;
    let mut figures = vec![
        (report::P50_US, us(latencies.value_at_quantile(0.5))),
        (report::P99_US, us(latencies.value_at_quantile(0.99))),
        (report::P999_US, us(latencies.value_at_quantile(0.999))),
        (report::MAX_US, us(latencies.max())),
        (report::LATE_US, late.as_nanos() as f64 / 1e3),
    ];
    // This thread spins before each message is due: its own share says nothing.
    let spent = spent.figures(deliveries).into_iter();
    figures
        .extend(spent.filter(|figure| ![report::LOAD_NS, report::LOAD_SHARE].contains(&figure.0)));
    let Plan { members, rate, seconds, payload } = plan;
    Ok(Report {
        title: format!(
            "latency on {}: {members} members, {rate} messages/s of {payload} B for {seconds} s",
            load.server
        ),
        rounds: vec![figures],
        warnings: late_warning(late).into_iter().collect(),
    })
}

/// When each message ought to be sent.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    start: Instant,
    rate: u32,
}

impl Schedule {
    fn due(self, message: u32) -> Instant {
        let ns = u64::from(message) * 1_000_000_000 / u64::from(self.rate.max(1));
        self.start + Duration::from_nanos(ns)
    }
}

/// Members that note how late each message reaches them.
struct Clock {
    schedule: Schedule,
    format: Format,
    order: Order,
    latencies: Histogram<u64>,
    now: Instant,
}

impl Clock {
    fn new(plan: Plan, senders: [String; 1]) -> Self {
        let now = Instant::now();
        Self {
            schedule: Schedule { start: now, rate: plan.rate },
            format: Format::new(plan.payload, senders),
            order: Order::new(plan.members, 1),
            latencies: Histogram::new(SIGNIFICANT_DIGITS)
                .unwrap_or_else(|_| unreachable!("3 is within 0 to 5")),
            now,
        }
    }
}

impl Listener for Clock {
    fn arrived(&mut self) {
        self.now = Instant::now();
    }

    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        let Some(delivery) = self.format.read(line) else {
            return Ok(false);
        };
        self.order.delivered(client, delivery)?;
        let latency = self.now.saturating_duration_since(self.schedule.due(delivery.sequence));
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        // It grows as needed: fails only without memory, or for a latency of hundreds of years.
        let _ = self.latencies.record(ns);
        Ok(true)
    }
}

/// The member that sends.
const SENDER: usize = 0;

/// A latency is known to one part in a thousand.
const SIGNIFICANT_DIGITS: u8 = 3;

/// The poller counts in whole milliseconds: nearer than this, waiting is spinning.
const POLL_GRAIN: Duration = Duration::from_millis(2);

/// A load so late blurs the figures.
const LATE: Duration = Duration::from_millis(1);

/// How long to wait for readiness without missing `due`.
fn doze(due: Instant, now: Instant) -> Duration {
    due.saturating_duration_since(now).saturating_sub(POLL_GRAIN)
}

fn late_warning(late: Duration) -> Option<String> {
    (late > LATE).then(|| {
        format!(
            "the load itself was up to {} µs behind its schedule, which counts as latency: give it a processor of its own (--pin) or a lower rate",
            late.as_micros()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_does_not_depend_on_what_happened() {
        let schedule = Schedule { start: Instant::now(), rate: 1000 };
        assert_eq!(schedule.due(0), schedule.start);
        assert_eq!(schedule.due(2500), schedule.start + Duration::from_millis(2500));
    }

    #[test]
    fn waiting_ends_before_a_message_is_due() {
        let now = Instant::now();
        assert_eq!(doze(now + Duration::from_millis(10), now), Duration::from_millis(8));
        assert_eq!(doze(now + Duration::from_millis(1), now), Duration::ZERO);
        assert_eq!(doze(now, now + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn a_stall_is_charged_from_the_intended_time() {
        let plan = Plan { members: 2, rate: 10, seconds: 1, payload: 64 };
        let mut clock = Clock::new(plan, ["nick".into()]);
        clock.now = clock.schedule.start + Duration::from_secs(1);
        for sequence in 0..2 {
            let mut line = b":nick!u@h ".to_vec();
            clock.format.write(0, sequence, &mut line);
            line.truncate(line.len() - 2);
            assert_eq!(clock.line(1, &line), Ok(true));
        }
        let ms = |ns: u64| (ns as f64 / 1e6).round();
        assert_eq!((ms(clock.latencies.min()), ms(clock.latencies.max())), (900.0, 1000.0));
    }
}
