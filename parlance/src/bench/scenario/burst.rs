//! How long a server takes to bring one message, or a few, to everybody, with the machine to itself.
//!
//! The load looks now and then whether the last member has it, and sleeps meanwhile: what is measured is
//! the server's turn on the clock, however many threads share it.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::{Args, value_parser};
use hdrhistogram::Histogram;

use super::{Load, Scenario, payload_bytes};
use crate::bench::{
    error::BenchError,
    layout::Layout,
    report::{Kind, MAX_US, P50_US, P99_US, Round, SERVER_NS},
    sample::Sample,
    swarm::Swarm,
    talk::Talk,
};

/// Arguments of `parlance bench burst`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Burst {
    /// Members of the channel, one of whom sends
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// Messages that are sent at once
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=100))]
    lines: u32,
    /// How many bursts, one after another
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=100_000))]
    bursts: u32,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 64, value_parser = payload_bytes())]
    payload: u16,
}

impl Scenario for Burst {
    fn title(&self) -> String {
        let Self { members, lines, bursts, payload } = self;
        format!(
            "burst: {lines} messages of {payload} B at once to {members} members, {bursts} times, until the last has them; the server may use all processors and the load sleeps"
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[P50_US, P99_US, SERVER_NS]
    }

    fn frees_the_processors(&self) -> bool {
        true
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let members = self.members as usize;
        let mut swarm = load.swarm(members)?;
        swarm.register(members)?;
        swarm.join_each(|swarm, _| swarm.channel(0))?;
        let layout = Layout::channel(members, 1);
        let mut talk = Talk::new(&swarm, layout, self.payload.into(), self.lines);
        // The first finds cold memory.
        self.burst(&mut swarm, &mut talk)?;

        let mut times = Histogram::<u64>::new(3).unwrap_or_else(|_| unreachable!());
        let sample = Sample::take(load.process)?;
        for _ in 0..self.bursts {
            let time = self.burst(&mut swarm, &mut talk)?;
            let _ = times.record(time.as_nanos() as u64);
            thread::sleep(PAUSE);
        }
        let spent = sample.spent()?;
        swarm.barrier()?;

        let us = |ns: u64| ns as f64 / 1e3;
        let mut figures = vec![
            (P50_US, us(times.value_at_quantile(0.5))),
            (P99_US, us(times.value_at_quantile(0.99))),
            (MAX_US, us(times.max())),
        ];
        let deliveries = u64::from(self.lines) * u64::from(self.members - 1);
        let deliveries = deliveries * u64::from(self.bursts);
        figures.extend(spent.server_per(SERVER_NS, Duration::from_nanos(1), deliveries));
        figures.extend(spent.shares());
        Ok(Round { figures, threads: spent.threads(), ..Round::default() })
    }
}

impl Burst {
    /// Sends one burst; how long it takes until the last member has it.
    fn burst(&self, swarm: &mut Swarm, talk: &mut Talk) -> Result<Duration, BenchError> {
        let members = swarm.len();
        let began = Instant::now();
        let deliveries = talk.say(swarm, self.lines);
        swarm.begin("a burst", deliveries, Duration::ZERO);
        let mut reached = vec![false; members];
        let (mut missing, mut time) = (members - 1, Duration::ZERO);
        while missing > 0 {
            thread::sleep(LOOK_EVERY);
            for member in swarm.ready(0)? {
                if let Some(reached) = reached.get_mut(member).filter(|reached| !**reached) {
                    *reached = true;
                    missing -= 1;
                }
            }
            time = began.elapsed();
        }
        for member in 0..members {
            swarm.read_again(member, talk)?;
        }
        // A server may write a burst to a member in pieces.
        while talk.delivered() < deliveries {
            swarm.turn(None, talk.delivered(), talk)?;
            time = began.elapsed();
        }
        Ok(time)
    }
}

/// How exact the times are. The load must not take the processors from the server.
const LOOK_EVERY: Duration = Duration::from_micros(50);

/// Between two bursts the server goes to sleep.
const PAUSE: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn each_burst_is_timed_until_the_last_member_has_it() {
        let burst = Burst { members: 5, lines: 3, bursts: 4, payload: 64 };
        let round = burst.measure(&floor()).expect("the floor keeps order");
        assert!(round.figures.iter().any(|&(kind, value)| kind == P50_US && value > 0.0));
    }
}
