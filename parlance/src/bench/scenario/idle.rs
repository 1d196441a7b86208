//! What a connection costs that says nothing, and whether what it used once is given back.

use std::time::{Duration, Instant};

use clap::{Args, value_parser};

use super::{Load, Scenario};
use crate::bench::{
    capabilities,
    error::BenchError,
    line::command,
    order::Fault,
    report::{AFTER_BURST_BYTES, CONNECTION_BYTES, IDLE_US, Kind, REGISTER_S, Round},
    sample::Sample,
    swarm::{Listener, Swarm},
};

/// Arguments of `parlance bench idle`.
#[derive(Clone, Debug, Args)]
pub(in crate::bench) struct Idle {
    /// Connections to open
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// Each with all capabilities that the server offers, and in 10 channels of 100 members
    #[arg(long)]
    full: bool,
    /// Seconds to hold the connections, answering PING
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u32).range(0..=86_400))]
    hold: u32,
}

impl Scenario for Idle {
    fn title(&self) -> String {
        let Self { connections, full, hold } = self;
        let each = match full {
            true => "each with all capabilities and in 10 channels of 100 members",
            false => "each in no channel",
        };
        format!("idle: {connections} connections held for {hold} s, {each}")
    }

    fn columns(&self) -> &'static [Kind] {
        &[CONNECTION_BYTES, AFTER_BURST_BYTES, IDLE_US, REGISTER_S]
    }

    fn measure(&self, load: &Load) -> Result<Round, BenchError> {
        if load.process.is_none() {
            return Err(BenchError::Usage(
                "memory is measured by the server's process; name it with --pid".into(),
            ));
        }
        let connections = self.connections as usize;
        let mut swarm = load.swarm(connections)?;
        if self.full {
            swarm = swarm.with_capabilities(capabilities::offered(load, &[])?);
        }
        let start = Sample::take(load.process)?;
        swarm.register(connections)?;
        let registering = start.spent()?;
        if self.full {
            swarm.join_each(channels)?;
        }
        let idle = Sample::take(load.process)?;
        self.hold(&mut swarm)?;
        let idle = idle.spent()?;
        say_much_at_once(&mut swarm)?;
        self.hold(&mut swarm)?;
        let all = start.spent()?;

        let mut figures = vec![(REGISTER_S, registering.wall.as_secs_f64())];
        for (kind, spent) in [(CONNECTION_BYTES, &idle), (AFTER_BURST_BYTES, &all)] {
            let (Some(start), Some(end)) = (&registering.server, &spent.server) else { continue };
            let more = end.after.resident_bytes as f64 - start.before.resident_bytes as f64;
            figures.push((kind, more / f64::from(self.connections)));
        }
        if let Some(server) = idle.server.as_ref().filter(|_| self.hold > 0) {
            figures.push((IDLE_US, server.cpu().as_micros() as f64 / idle.wall.as_secs_f64()));
        }
        Ok(Round { figures, ..Round::default() })
    }
}

impl Idle {
    /// Says nothing for a while but PONG.
    fn hold(&self, swarm: &mut Swarm) -> Result<(), BenchError> {
        let until = Instant::now() + Duration::from_secs(self.hold.into());
        swarm.begin("holding", 0, Duration::from_secs(self.hold.into()));
        while let Some(left) =
            until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            swarm.turn(Some(left), 0, &mut Silence)?;
        }
        Ok(())
    }
}

/// The channels of a client, between commas: a hundred clients share ten.
fn channels(swarm: &Swarm, client: usize) -> String {
    let first = client / MEMBERS * CHANNELS;
    let names: Vec<String> =
        (first..first + CHANNELS).map(|number| swarm.channel(number)).collect();
    names.join(",")
}

/// Everybody asks as much as a server may have to hold for one, all at once, and waits for the answers.
fn say_much_at_once(swarm: &mut Swarm) -> Result<(), BenchError> {
    let question = format!("PING :{}\r\n", "x".repeat(PING_BYTES)).repeat(PINGS);
    for client in 0..swarm.len() {
        swarm.say(client, |out| out.extend_from_slice(question.as_bytes()));
    }
    let all = (swarm.len() * PINGS) as u64;
    swarm.begin("answers to a burst of PING", all, Duration::ZERO);
    let mut pongs = Pongs(0);
    while pongs.0 < all {
        swarm.turn(None, pongs.0, &mut pongs)?;
    }
    Ok(())
}

/// How many answers have come.
struct Pongs(u64);

impl Listener for Pongs {
    fn line(&mut self, _client: usize, line: &[u8]) -> Result<bool, Fault> {
        let pong = command(line) == b"PONG";
        self.0 += u64::from(pong);
        Ok(pong)
    }
}

/// Expects nothing.
struct Silence;

impl Listener for Silence {
    fn line(&mut self, _client: usize, _line: &[u8]) -> Result<bool, Fault> {
        Ok(false)
    }
}

const MEMBERS: usize = 100;
const CHANNELS: usize = 10;

/// What each says in the burst: 16 lines of 400 bytes.
const PINGS: usize = 16;
const PING_BYTES: usize = 392;

#[cfg(test)]
mod tests {
    use super::{super::floor, *};
    use crate::bench::process::Process;

    #[test]
    fn memory_is_told_for_each_connection_before_and_after() {
        let us = Process::find(std::process::id()).expect("we run");
        let idle = Idle { connections: 20, full: false, hold: 0 };
        let round =
            idle.measure(&Load { process: Some(us), ..floor() }).expect("the floor takes all");
        let kinds: Vec<Kind> = round.figures.iter().map(|figure| figure.0).collect();
        assert_eq!(kinds, [REGISTER_S, CONNECTION_BYTES, AFTER_BURST_BYTES]);
    }

    #[test]
    fn a_hundred_clients_share_ten_channels() {
        let swarm = Swarm::new(floor().server, 1, Duration::ZERO).expect("a poller");
        assert_eq!(channels(&swarm, 99), channels(&swarm, 0));
        assert_ne!(channels(&swarm, 100), channels(&swarm, 99));
        assert_eq!(channels(&swarm, 250).split(',').count(), 10);
    }
}
