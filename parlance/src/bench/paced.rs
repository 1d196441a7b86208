//! An open loop: every message has its time beforehand, and its latency counts from then.
//!
//! A server that stalls is charged for all messages that should have gone out meanwhile (no
//! coordinated omission).

use std::{
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    error::BenchError,
    layout::Layout,
    order::{Fault, Order},
    payload::Format,
    report::{self, Figure},
    swarm::{Listener, Swarm},
};

/// A member who sends at a fixed rate, and all who note how late each message reaches them.
pub(super) struct Paced {
    schedule: Schedule,
    format: Format,
    order: Order,
    receivers: u64,
    latencies: Histogram<u64>,
    sent: u32,
    /// The longest that the load itself was behind.
    pub(super) late: Duration,
    now: Instant,
}

impl Paced {
    /// Nothing said yet, among all clients of a swarm who have joined one channel.
    pub(super) fn new(swarm: &Swarm, rate: u32, payload: usize) -> Self {
        let layout = Layout::channel(swarm.len(), 1);
        let now = Instant::now();
        Self {
            schedule: Schedule { start: now, rate },
            format: Format::new(payload, [(swarm.nick(SENDER), swarm.channel(0))]),
            order: Order::new(layout),
            receivers: layout.receivers(SENDER).into(),
            // It fails for a precision that there is not; 3 digits there are.
            latencies: Histogram::new(SIGNIFICANT_DIGITS).unwrap_or_else(|_| unreachable!()),
            sent: 0,
            late: Duration::ZERO,
            now,
        }
    }

    /// Sends on schedule, from now on, while `more` says so of the number of messages; then waits for
    /// what is under way. `spins` keeps a processor busy rather than be late.
    ///
    /// # Errors
    /// If the server breaks the order of messages, ends a client, or takes too long.
    pub(super) fn run(
        &mut self,
        swarm: &mut Swarm,
        spins: bool,
        more: impl Fn(u32) -> bool,
    ) -> Result<(), BenchError> {
        self.schedule.start = Instant::now();
        loop {
            let more = more(self.sent);
            let under_way = u64::from(self.sent) * self.receivers - self.latencies.len();
            if !more && under_way == 0 {
                return Ok(());
            }
            let now = Instant::now();
            let due = self.schedule.due(self.sent);
            if more && due <= now {
                self.late = self.late.max(now - due);
                swarm.say(SENDER, |out| self.format.write(SENDER, self.sent, out));
                self.sent += 1;
                continue;
            }
            let left = due.saturating_duration_since(now);
            let wait = if spins { left.saturating_sub(POLL_GRAIN) } else { left };
            if more && !spins && under_way == 0 {
                // More exact than the poller, and nobody has anything to say but PING.
                thread::sleep(wait);
                swarm.turn(Some(Duration::ZERO), 0, self)?;
            } else {
                swarm.turn(more.then_some(wait), self.latencies.len(), self)?;
            }
        }
    }

    /// Deliveries until now.
    pub(super) fn deliveries(&self) -> u64 {
        self.latencies.len()
    }

    /// Percentiles of the latency.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let us = |ns: u64| ns as f64 / 1e3;
        vec![
            (report::P50_US, us(self.latencies.value_at_quantile(0.5))),
            (report::P99_US, us(self.latencies.value_at_quantile(0.99))),
            (report::P999_US, us(self.latencies.value_at_quantile(0.999))),
            (report::MAX_US, us(self.latencies.max())),
        ]
    }
}

impl Listener for Paced {
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

/// The member that sends.
const SENDER: usize = 0;

/// A latency is known to one part in a thousand.
const SIGNIFICANT_DIGITS: u8 = 3;

/// The poller counts in whole milliseconds: nearer than this, waiting is spinning.
const POLL_GRAIN: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn paced(rate: u32) -> Paced {
        let swarm =
            Swarm::new((Ipv4Addr::LOCALHOST, 0).into(), 1, Duration::ZERO).expect("a poller");
        let format = Format::new(64, [("nick".into(), "#bench".into())]);
        let order = Order::new(Layout::channel(2, 1));
        Paced { format, order, receivers: 1, ..Paced::new(&swarm, rate, 64) }
    }

    #[test]
    fn the_schedule_does_not_depend_on_what_happened() {
        let schedule = Schedule { start: Instant::now(), rate: 1000 };
        assert_eq!(schedule.due(0), schedule.start);
        assert_eq!(schedule.due(2500), schedule.start + Duration::from_millis(2500));
    }

    #[test]
    fn a_stall_is_charged_from_the_intended_time() {
        let mut paced = paced(10);
        paced.now = paced.schedule.start + Duration::from_secs(1);
        for sequence in 0..2 {
            let mut line = b":nick!u@h ".to_vec();
            paced.format.write(0, sequence, &mut line);
            line.truncate(line.len() - 2);
            assert_eq!(paced.line(1, &line), Ok(true));
        }
        let ms = |ns: u64| (ns as f64 / 1e6).round();
        assert_eq!((ms(paced.latencies.min()), ms(paced.latencies.max())), (900.0, 1000.0));
    }
}
