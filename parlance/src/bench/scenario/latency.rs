//! How long a delivery takes at a given rate, counted from when it ought to have been sent.

use std::time::Duration;

use clap::{Args, value_parser};

use super::{Load, Scenario, payload_bytes};
use crate::bench::{
    error::BenchError,
    paced::Paced,
    report::{Kind, LATE_US, LOAD_SHARE, MAX_US, P50_US, P99_US, P999_US, Round, SERVER_NS},
    sample::Sample,
};

/// Arguments of `parlance bench latency`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Latency {
    /// Members of the channel, one of whom sends
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// Messages a second
    #[arg(long, default_value_t = 200, value_parser = value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Seconds to send for
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 64, value_parser = payload_bytes())]
    payload: u16,
}

impl Scenario for Latency {
    fn title(&self) -> String {
        let Self { members, rate, seconds, payload } = self;
        format!(
            "latency: {rate} messages/s of {payload} B to {members} members for {seconds} s, from when each was due"
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[P50_US, P99_US, P999_US, MAX_US, SERVER_NS]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let members = self.members as usize;
        let mut swarm = load.swarm(members)?;
        swarm.register(members)?;
        swarm.join_each(|swarm, _| swarm.channel(0))?;

        let messages = self.rate.saturating_mul(self.seconds);
        let deliveries = u64::from(messages) * u64::from(self.members - 1);
        let mut paced = Paced::new(&swarm, self.rate, self.payload.into());
        swarm.begin("deliveries", deliveries, Duration::from_secs(self.seconds.into()));
        let sample = Sample::take(load.process)?;
        paced.run(&mut swarm, true, |sent| sent < messages)?;
        let spent = sample.spent()?;
        swarm.barrier()?;

        let mut figures = paced.figures();
        figures.push((LATE_US, paced.late.as_nanos() as f64 / 1e3));
        figures.extend(spent.of_deliveries(paced.deliveries()));
        // This thread spins before each message is due: its own share says nothing.
        figures.retain(|figure| figure.0 != LOAD_SHARE);
        let warnings = late_warning(paced.late).into_iter().collect();
        Ok(Round { figures, threads: spent.threads(), warnings })
    }
}

/// A load so late blurs the figures.
const LATE: Duration = Duration::from_millis(2);

fn late_warning(late: Duration) -> Option<String> {
    (late > LATE).then(|| {
        format!(
            "the load itself was up to {} µs behind its schedule, which counts as latency: give it a processor of its own (--load-cpus) or a lower rate",
            late.as_micros()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn every_delivery_has_a_latency() {
        let latency = Latency { members: 4, rate: 500, seconds: 1, payload: 64 };
        let round = latency.measure(&floor()).expect("the floor keeps order");
        let value =
            |kind| round.figures.iter().find(|figure| figure.0 == kind).map(|figure| figure.1);
        assert!(value(P50_US) > Some(0.0) && value(MAX_US) >= value(P99_US));
    }
}
