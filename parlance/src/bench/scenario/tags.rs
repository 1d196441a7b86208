//! What all of IRCv3 costs: the same deliveries to clients with every capability and to clients with none.

use std::time::Duration;

use clap::{Args, value_parser};

use super::{Load, MessageArgs, Scenario};
use crate::bench::{
    capabilities,
    error::BenchError,
    layout::Layout,
    payload::MAX_SENDERS,
    report::{Kind, PLAIN_NS, RESIDENT_MIB, Round, TAGGED_NS, TAGS_RATIO},
    talk::Plan,
};

/// Arguments of `parlance bench tags`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Tags {
    /// How many get each message, with and without: a sender's echo counts as one
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(2..=50_000))]
    receivers: u32,
    /// How many send
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=MAX_SENDERS as i64))]
    senders: u32,
    #[command(flatten)]
    messages: MessageArgs,
}

impl Scenario for Tags {
    fn title(&self) -> String {
        let Self { receivers, senders, messages } = self;
        format!(
            "tags: {receivers} get each message, {senders} sending, {}; first without capabilities, then with time, message id, echo and all others that are common",
            messages.shape()
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[TAGGED_NS, PLAIN_NS, TAGS_RATIO, RESIDENT_MIB]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let (receivers, senders) = (self.receivers as usize, self.senders as usize);
        if senders > receivers {
            return Err(BenchError::Usage(format!(
                "{senders} senders are more than the {receivers} who receive; lower --senders or raise --receivers"
            )));
        }
        let names = capabilities::offered(load, &["message-tags", "server-time", "echo-message"])?;

        // One more, since who sends without echo gets nothing.
        let plain = Layout::channel(receivers + 1, senders);
        let tagged = Layout { echo: true, ..Layout::channel(receivers, senders) };
        let mut sides = Vec::new();
        for layout in [plain, tagged] {
            let mut swarm = load.swarm(layout.clients)?;
            if layout.echo {
                swarm = swarm.with_capabilities(names.clone());
            }
            swarm.register(layout.clients)?;
            let plan = Plan { layout, messages: self.messages };
            let mut talk = plan.begin(&mut swarm)?;
            if layout.echo {
                talk = talk.tagged();
            }
            let round = plan.round(&mut swarm, &mut talk, load.process)?;
            swarm.barrier()?;
            sides.push(round);
        }

        let mut round = Round::default();
        for ((deliveries, spent), kind) in sides.iter().zip([PLAIN_NS, TAGGED_NS]) {
            round.figures.extend(spent.server_per(kind, Duration::from_nanos(1), *deliveries));
            round.warnings.extend(spent.warnings());
            round.threads = spent.threads();
        }
        if let [(_, plain), (_, tagged)] = round.figures.as_slice() {
            round.figures.push((TAGS_RATIO, tagged / plain));
        }
        if let Some((_, spent)) = sides.last() {
            round.figures.extend(spent.shares());
        }
        Ok(round)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    #[test]
    fn both_sides_are_measured_and_checked() {
        let messages = MessageArgs { deliveries: 300, window: 4, payload: 64 };
        let tags = Tags { receivers: 5, senders: 2, messages };
        tags.measure(&floor()).expect("the floor offers the least that there is");
    }
}
