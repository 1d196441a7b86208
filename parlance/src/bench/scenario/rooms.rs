//! Many channels at once, each with a few members and one who sends: wake-ups count as much as copies.

use clap::{Args, value_parser};

use super::{Load, MessageArgs, Scenario};
use crate::bench::{
    error::BenchError,
    layout::Layout,
    payload::MAX_SENDERS,
    report::{DELIVERIES_PER_S, Kind, RESIDENT_MIB, Round, SERVER_NS},
    talk::Plan,
};

/// Arguments of `parlance bench rooms`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Rooms {
    /// Connections, dealt out over the channels
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(2..=100_000))]
    connections: u32,
    /// Channels, and senders: one in each
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=MAX_SENDERS as i64))]
    channels: u32,
    #[command(flatten)]
    messages: MessageArgs,
}

impl Scenario for Rooms {
    fn title(&self) -> String {
        let Self { connections, channels, messages } = self;
        format!(
            "rooms: {connections} connections in {channels} channels, one sending in each, {}",
            messages.shape()
        )
    }

    fn columns(&self) -> &'static [Kind] {
        &[SERVER_NS, DELIVERIES_PER_S, RESIDENT_MIB]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        let Self { connections, channels, messages } = self;
        if connections / channels < 2 {
            return Err(BenchError::Usage(format!(
                "{connections} connections in {channels} channels leave senders alone; lower --channels or raise --connections"
            )));
        }
        let channels = *channels as usize;
        let layout = Layout { channels, ..Layout::channel(*connections as usize, channels) };
        Plan { layout, messages: *messages }.measure(load)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::floor, *};

    fn rooms(channels: u32) -> Rooms {
        let messages = MessageArgs { deliveries: 600, window: 3, payload: 64 };
        Rooms { connections: 7, channels, messages }
    }

    #[test]
    fn a_server_that_keeps_channels_apart_gives_figures() {
        rooms(3).measure(&floor()).expect("the floor keeps them apart");
    }

    #[test]
    fn a_sender_alone_is_refused() {
        let error = rooms(4).measure(&floor()).expect_err("one of 4 channels has one member");
        assert!(matches!(error, BenchError::Usage(_)), "{error}");
    }
}
