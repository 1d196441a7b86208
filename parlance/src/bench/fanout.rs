//! How fast a server copies the lines of a few senders to all members of one channel.

use std::time::Duration;

use super::{
    Load,
    error::BenchError,
    order::{Fault, Order},
    payload::Format,
    process::Process,
    report::Report,
    sample::{Sample, warnings},
    swarm::{Listener, Swarm},
    window::Window,
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Members of the channel.
    pub(super) members: usize,
    /// How many of them send.
    pub(super) senders: usize,
    /// Messages of each sender in each round.
    pub(super) messages: u32,
    /// Bytes of each payload.
    pub(super) payload: usize,
    /// Messages of each sender that may be in flight.
    pub(super) window: u32,
    /// Measured rounds; one of a full window before them is not.
    pub(super) rounds: usize,
}

/// Runs the rounds against a server that is already there.
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

    let mut channel = Channel::new(&swarm, plan);
    channel.round(&mut swarm, plan.window.min(plan.messages))?;
    let mut rounds = Vec::new();
    for _ in 0..plan.rounds {
        let start = Sample::take(process)?;
        channel.round(&mut swarm, plan.messages)?;
        rounds.push(start.spent()?.figures(plan.deliveries()));
    }
    // Whatever comes after the last message is a message too many.
    swarm.barrier()?;

    let mut report =
        Report { title: format!("{} on {}", plan.shape(), load.server), rounds, warnings: vec![] };
    report.warnings = warnings(&report);
    Ok(report)
}

impl Plan {
    /// Deliveries of one round: nobody gets what it said itself.
    fn deliveries(&self) -> u64 {
        self.members.saturating_sub(1) as u64 * self.senders as u64 * u64::from(self.messages)
    }

    /// What is measured, in words.
    pub(super) fn shape(&self) -> String {
        let Self { members, senders, messages, payload, window, .. } = self;
        format!(
            "fanout: {members} members, {senders} sending {messages} messages of {payload} B each, {window} in flight"
        )
    }
}

/// The members of the channel and how far each message has come.
struct Channel {
    format: Format,
    order: Order,
    windows: Vec<Window>,
    delivered: u64,
}

impl Channel {
    fn new(swarm: &Swarm, plan: Plan) -> Self {
        let receivers = plan.members.saturating_sub(1) as u32;
        Self {
            format: Format::new(plan.payload, (0..plan.senders).map(|sender| swarm.nick(sender))),
            order: Order::new(plan.members, plan.senders),
            windows: (0..plan.senders).map(|_| Window::new(plan.window, receivers)).collect(),
            delivered: 0,
        }
    }

    /// Lets each sender send so many more messages, and waits until everybody has got them.
    fn round(&mut self, swarm: &mut Swarm, messages: u32) -> Result<(), BenchError> {
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
        Ok(())
    }
}

impl Listener for Channel {
    #[inline]
    fn line(&mut self, client: usize, line: &[u8]) -> Result<bool, Fault> {
        let Some(delivery) = self.format.read(line) else {
            return Ok(false);
        };
        self.order.delivered(client, delivery)?;
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
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::bench::floor;

    /// A floor that serves until the tests end.
    fn server() -> SocketAddr {
        let (address, serve) = floor::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("loopback");
        std::thread::spawn(serve);
        address
    }

    fn load() -> Load {
        Load { server: server(), wave: 2, timeout: Duration::from_secs(60) }
    }

    #[test]
    fn every_round_on_a_server_that_keeps_order_gives_figures() {
        let plan =
            Plan { members: 5, senders: 2, messages: 300, payload: 64, window: 7, rounds: 2 };
        let report = measure(&load(), plan, None).expect("the floor keeps order");
        assert_eq!(report.rounds.len(), 2);
        assert_eq!(plan.deliveries(), 2 * 300 * 4);
    }

    #[test]
    fn a_stranger_in_the_channel_ends_the_benchmark() {
        let load = load();
        let mut others = Swarm::new(load.server, 1, load.timeout).expect("a poller");
        others.register(2).and_then(|()| others.join()).expect("the floor takes all");
        others.say(0, |out| out.extend_from_slice(b"PRIVMSG #bench :hello\r\n"));
        let error = others.barrier().expect_err("member 1 hears member 0").to_string();
        assert!(error.contains("PRIVMSG #bench :hello"), "{error}");
    }

    #[test]
    fn a_message_that_was_never_sent_is_a_fault() {
        let plan = Plan { members: 3, senders: 1, messages: 1, payload: 64, window: 1, rounds: 1 };
        let swarm =
            Swarm::new((Ipv4Addr::LOCALHOST, 0).into(), 1, Duration::ZERO).expect("a poller");
        let mut channel = Channel::new(&swarm, plan);
        let mut line = format!(":{}!u@h ", swarm.nick(0)).into_bytes();
        channel.format.write(0, 0, &mut line);
        line.truncate(line.len() - 2);
        let fault = channel.line(1, &line).expect_err("nothing was sent").to_string();
        assert!(fault.ends_with("which was not in flight"), "{fault}");
    }
}
