//! How fast a server copies the lines of a few senders to all members of one channel.

use clap::{Args, value_parser};

use super::{Load, MessageArgs, Scenario};
use crate::bench::{
    error::BenchError,
    layout::Layout,
    payload::MAX_SENDERS,
    report::{DELIVERIES_PER_S, Kind, RESIDENT_MIB, Round, SERVER_NS},
    talk::Plan,
};

/// Arguments of `parlance bench fanout`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Fanout {
    /// Members of the channel
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// How many of the members send
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=MAX_SENDERS as i64))]
    senders: u32,
    #[command(flatten)]
    messages: MessageArgs,
}

impl Scenario for Fanout {
    fn title(&self) -> String {
        let Self { members, senders, messages } = self;
        format!("fanout: {members} members of a channel, {senders} sending, {}", messages.shape())
    }

    fn columns(&self) -> &'static [Kind] {
        &[SERVER_NS, DELIVERIES_PER_S, RESIDENT_MIB]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let Self { members, senders, messages } = self;
        if senders > members {
            return Err(BenchError::Usage(format!(
                "{senders} senders are more than the {members} members; lower --senders or raise --members"
            )));
        }
        let layout = Layout::channel(*members as usize, *senders as usize);
        Plan { layout, messages: *messages }.measure(load)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};
    use crate::bench::{report::WALL_S, swarm::Swarm};

    fn fanout(members: u32, senders: u32) -> Fanout {
        let messages = MessageArgs { deliveries: 2400, window: 7, payload: 64 };
        Fanout { members, senders, messages }
    }

    #[test]
    fn a_server_that_keeps_order_gives_figures() {
        let round = fanout(5, 2).measure(&floor()).expect("the floor keeps order");
        assert!(round.figures.iter().any(|&(kind, value)| kind == WALL_S && value > 0.0));
    }

    #[test]
    fn more_senders_than_members_are_refused() {
        let error = fanout(2, 3).measure(&floor()).expect_err("3 of 2");
        assert!(matches!(error, BenchError::Usage(_)), "{error}");
    }

    #[test]
    fn a_stranger_in_the_channel_ends_the_benchmark() {
        let load = floor();
        let mut others = Swarm::new(load.server, 1, load.timeout).expect("a poller");
        others.register(2).expect("the floor takes all");
        others.join_each(|swarm, _| swarm.channel(0)).expect("the floor takes all");
        let line = format!("PRIVMSG {} :hello\r\n", others.channel(0));
        others.say(0, |out| out.extend_from_slice(line.as_bytes()));
        let error = others.barrier().expect_err("member 1 hears member 0").to_string();
        assert!(error.contains(line.trim_end()), "{error}");
    }
}
