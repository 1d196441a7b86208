//! Some members let lie what they get: the others get everything in order, and what does it cost memory?

use std::{ops::Range, time::Duration};

use clap::{Args, value_parser};

use super::{Load, MessageArgs, Scenario};
use crate::bench::{
    error::BenchError,
    layout::Layout,
    report::{DELIVERIES_PER_S, ENDED, Kind, RESIDENT_MIB, Round, SERVER_NS},
    swarm::Swarm,
    talk::{Plan, Talk},
};

/// Arguments of `parlance bench slow-readers`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct SlowReaders {
    /// Members who read, one of whom sends
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// Members who do not read until all is over
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=10_000))]
    slow: u32,
    #[command(flatten)]
    messages: MessageArgs,
}

impl Scenario for SlowReaders {
    fn title(&self) -> String {
        let Self { members, slow, messages } = self;
        format!(
            "slow-readers: {members} members who read and {slow} who do not, one sending, {}",
            messages.shape()
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[RESIDENT_MIB, SERVER_NS, DELIVERIES_PER_S, ENDED]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let (members, slow) = (self.members as usize, self.slow as usize);
        let clients = members + slow;
        let layout = Layout { slow, ..Layout::channel(clients, 1) };
        let mut swarm = load.swarm(clients)?;
        swarm.register(clients)?;
        let plan = Plan { layout, messages: self.messages };
        let mut talk = plan.begin(&mut swarm)?;
        for client in members..clients {
            swarm.stop_reading(client);
            swarm.may_end(client);
        }
        let (deliveries, spent) = plan.round(&mut swarm, &mut talk, load.process)?;
        let ended = catch_up(&mut swarm, &mut talk, members..clients)?;
        swarm.barrier_of(0..members)?;

        let mut figures = vec![(ENDED, ended as f64)];
        figures.extend(spent.of_deliveries(deliveries));
        Ok(Round { figures, threads: spent.threads(), warnings: spent.warnings() })
    }
}

/// Lets the slow read at last: each gets everything in order, or its end. How many were ended.
fn catch_up(swarm: &mut Swarm, talk: &mut Talk, slow: Range<usize>) -> Result<usize, BenchError> {
    swarm.begin("letting the slow readers catch up", slow.len() as u64, Duration::ZERO);
    let mut ended = 0;
    for (done, client) in slow.enumerate() {
        while swarm.read_again(client, talk)? && !talk.has_all(client) {
            swarm.turn(None, done as u64, talk)?;
        }
        ended += usize::from(!talk.has_all(client));
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn who_reads_late_gets_everything_in_order() {
        let messages = MessageArgs { deliveries: 60_000, window: 64, payload: 350 };
        let slow_readers = SlowReaders { members: 3, slow: 2, messages };
        let round = slow_readers.measure(&floor()).expect("the floor keeps order");
        assert!(round.figures.contains(&(ENDED, 0.0)));
    }
}
