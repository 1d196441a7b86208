//! A closed loop: senders who run ahead of the slowest receiver by a window of messages, and no further.

use std::time::Duration;

use super::{
    error::BenchError,
    layout::Layout,
    order::{Fault, Order},
    payload::Format,
    process::Process,
    report::Round,
    sample::{Sample, Spent},
    scenario::{Load, MessageArgs},
    swarm::{Listener, Swarm},
    window::Window,
};

/// A round of a closed loop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Who talks to whom.
    pub(super) layout: Layout,
    /// How much.
    pub(super) messages: MessageArgs,
}

impl Plan {
    /// Connects everybody, and measures a round after one of a full window, which is not.
    ///
    /// # Errors
    /// If the server refuses the load, breaks the order of messages, ends a client, or takes too long.
    pub(super) fn measure(self, load: &Load) -> Result<Round, BenchError> {
        let mut swarm = load.swarm(self.layout.clients)?;
        swarm.register(self.layout.clients)?;
        let mut talk = self.begin(&mut swarm)?;
        let (deliveries, spent) = self.round(&mut swarm, &mut talk, load.process)?;
        // Whatever comes after the last message is a message too many.
        swarm.barrier()?;
        let (threads, warnings) = (spent.threads(), spent.warnings());
        Ok(Round { figures: spent.of_deliveries(deliveries), threads, warnings })
    }

    /// Brings everybody into the channels.
    ///
    /// # Errors
    /// If the server refuses or ends one, or takes too long.
    pub(super) fn begin(self, swarm: &mut Swarm) -> Result<Talk, BenchError> {
        swarm.join_each(|swarm, client| swarm.channel(self.layout.channel_of(client)))?;
        Ok(Talk::new(swarm, self.layout, self.messages.payload.into(), self.messages.window))
    }

    /// A round that is measured; the deliveries of it, and what they took.
    ///
    /// # Errors
    /// If the server breaks the order of messages, ends a client, or takes too long.
    pub(super) fn round(
        self,
        swarm: &mut Swarm,
        talk: &mut Talk,
        process: Option<Process>,
    ) -> Result<(u64, Spent), BenchError> {
        let messages = self.messages_each();
        talk.round(swarm, self.messages.window.min(messages))?;
        let sample = Sample::take(process)?;
        let deliveries = talk.round(swarm, messages)?;
        Ok((deliveries, sample.spent()?))
    }

    /// How many messages of each sender make so many deliveries, at least one.
    fn messages_each(self) -> u32 {
        let layout = self.layout;
        let of_one_each: u64 = (0..layout.senders).map(|s| u64::from(layout.receivers(s))).sum();
        u32::try_from(self.messages.deliveries / of_one_each.max(1)).unwrap_or(u32::MAX / 2).max(1)
    }
}

/// Who talks to whom, and how far each message has come.
#[derive(Debug)]
pub(super) struct Talk {
    layout: Layout,
    format: Format,
    order: Order,
    windows: Vec<Window>,
    delivered: u64,
}

impl Talk {
    /// Nothing said yet, among the clients of a swarm who have joined as `layout` says.
    pub(super) fn new(swarm: &Swarm, layout: Layout, payload: usize, window: u32) -> Self {
        let sender = |client| (swarm.nick(client), swarm.channel(layout.channel_of(client)));
        Self {
            layout,
            format: Format::new(payload, (0..layout.senders).map(sender)),
            order: Order::new(layout),
            windows: (0..layout.senders)
                .map(|sender| Window::new(window, layout.receivers(sender)))
                .collect(),
            delivered: 0,
        }
    }

    /// The same, with all that a client can ask for: echoes, and each message tagged.
    pub(super) fn tagged(mut self) -> Self {
        self.format = self.format.tagged();
        self
    }

    /// Lets each sender send so many more messages, and waits until everybody has got them; the number
    /// of deliveries.
    ///
    /// # Errors
    /// If the server breaks the order of messages, ends a client, or takes too long.
    pub(super) fn round(&mut self, swarm: &mut Swarm, messages: u32) -> Result<u64, BenchError> {
        let until: Vec<u32> = self.windows.iter().map(|window| window.sent() + messages).collect();
        let deliveries = self.windows.iter().map(|window| window.deliveries(messages)).sum();
        swarm.begin("deliveries", deliveries, Duration::ZERO);
        self.delivered = 0;
        while self.delivered < deliveries {
            for (sender, (window, &until)) in self.windows.iter_mut().zip(&until).enumerate() {
                if window.is_full() || window.sent() == until {
                    continue;
                }
                swarm.say(sender, |out| {
                    while window.sent() < until
                        && let Some(sequence) = window.take()
                    {
                        self.format.write(sender, sequence, out);
                    }
                });
            }
            swarm.turn(None, self.delivered, self)?;
        }
        Ok(deliveries)
    }

    /// Lets each sender send so many messages at once, at most a window; the number of deliveries.
    pub(super) fn say(&mut self, swarm: &mut Swarm, messages: u32) -> u64 {
        self.delivered = 0;
        for (sender, window) in self.windows.iter_mut().enumerate() {
            swarm.say(sender, |out| {
                for sequence in std::iter::from_fn(|| window.take()).take(messages as usize) {
                    self.format.write(sender, sequence, out);
                }
            });
        }
        self.windows.iter().map(|window| window.deliveries(messages)).sum()
    }

    /// Deliveries since it was last said something.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// True if this receiver has got all that was sent to its channel.
    pub(super) fn has_all(&self, receiver: usize) -> bool {
        let channel = self.layout.channel_of(receiver);
        let senders = self.windows.iter().enumerate();
        senders
            .filter(|&(sender, _)| self.layout.channel_of(sender) == channel && sender != receiver)
            .all(|(sender, window)| self.order.next(receiver, sender) == window.sent())
    }
}

impl Listener for Talk {
    #[inline]
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        let Some(delivery) = self.format.read(line) else {
            return Ok(false);
        };
        self.order.delivered(client, delivery)?;
        if self.layout.is_slow(client) {
            return Ok(true);
        }
        let window = self.windows.get_mut(delivery.sender);
        if window.is_none_or(|window| window.delivered(delivery.sequence).is_none()) {
            return Err(Fault::unsent(client, delivery));
        }
        self.delivered += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_message_that_was_never_sent_is_a_fault() {
        let swarm =
            Swarm::new((Ipv4Addr::LOCALHOST, 0).into(), 1, Duration::ZERO).expect("a poller");
        let mut talk = Talk::new(&swarm, Layout::channel(3, 1), 64, 1);
        let mut line = format!(":{}!u@h ", swarm.nick(0)).into_bytes();
        talk.format.write(0, 0, &mut line);
        line.truncate(line.len() - 2);
        let fault = talk.line(1, &line).expect_err("nothing was sent").to_string();
        assert!(fault.ends_with("which was not in flight"), "{fault}");
    }
}
