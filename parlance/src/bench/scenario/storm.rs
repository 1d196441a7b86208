//! Everybody comes at once and joins one channel, while two who have nothing to do with it chat.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use clap::{Args, value_parser};

use super::{Load, Scenario};
use crate::bench::{
    error::BenchError,
    paced::Paced,
    report::{CLIENT_US, JOIN_NS, JOIN_S, Kind, MAX_US, P50_US, P99_US, REGISTER_S, Round},
    sample::Sample,
    swarm::Swarm,
};

/// Arguments of `parlance bench storm`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Storm {
    /// Clients that register, then join one channel
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000))]
    clients: u32,
}

impl Scenario for Storm {
    fn title(&self) -> String {
        format!(
            "storm: {} clients register and join one channel; p50, p99 and longest are of {PAIR_RATE} messages/s between two others meanwhile",
            self.clients
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[CLIENT_US, JOIN_NS, REGISTER_S, JOIN_S, P50_US, P99_US, MAX_US]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let clients = self.clients as usize;
        let mut swarm = load.swarm(clients)?;
        let pair = Pair::start(load)?;
        let sample = Sample::take(load.process)?;
        swarm.register(clients)?;
        let registering = sample.spent()?;
        let seen = swarm.join_each(|swarm, _| swarm.channel(0))?;
        let spent = sample.spent()?;
        let pair = pair.end()?;

        // Each sees itself come, and of any two, the one who was there sees the other.
        let clients = u64::from(self.clients);
        let joins = clients + clients * (clients - 1) / 2;
        if seen != joins {
            return Err(BenchError::Count { what: "JOIN", seen, of: joins });
        }
        let mut figures = vec![
            (REGISTER_S, registering.wall.as_secs_f64()),
            (JOIN_S, (spent.wall - registering.wall).as_secs_f64()),
        ];
        figures.extend(spent.server_per(CLIENT_US, Duration::from_micros(1), clients));
        figures.extend(spent.server_per(JOIN_NS, Duration::from_nanos(1), joins));
        figures.extend(pair.figures());
        figures.extend(spent.shares());
        Ok(Round { figures, threads: spent.threads(), ..Round::default() })
    }
}

/// Two who chat in a channel of their own, on a thread of their own.
struct Pair {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Paced, BenchError>>,
}

impl Pair {
    fn start(load: &Load) -> Result<Self, BenchError> {
        let mut swarm = Swarm::new(load.server, 2, load.timeout)?;
        swarm.register(2)?;
        swarm.join_each(|swarm, _| swarm.channel(0))?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut paced = Paced::new(&swarm, PAIR_RATE, PAIR_PAYLOAD);
            // As long as the storm, whose phases have deadlines of their own.
            swarm.begin("deliveries to one beside a storm", 0, Duration::from_secs(86_400));
            paced.run(&mut swarm, false, |_| !ends.load(Ordering::Relaxed))?;
            swarm.barrier()?;
            Ok(paced)
        });
        Ok(Self { over, thread })
    }

    fn end(self) -> Result<Paced, BenchError> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Messages a second between the two.
const PAIR_RATE: u32 = 100;
const PAIR_PAYLOAD: usize = 64;

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn each_sees_each_come_while_two_others_chat() {
        let round = Storm { clients: 40 }.measure(&floor()).expect("the floor tells of all");
        let value =
            |kind| round.figures.iter().find(|figure| figure.0 == kind).map(|figure| figure.1);
        assert!(
            value(JOIN_S) > Some(0.0) && value(REGISTER_S) > Some(0.0) && value(P50_US).is_some()
        );
    }
}
