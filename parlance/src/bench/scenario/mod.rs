//! Ways to load a server: each is a file, a command of its own, and a round of figures.

pub(super) mod burst;
pub(super) mod fanout;
pub(super) mod idle;
pub(super) mod join_quit;
pub(super) mod latency;
pub(super) mod rooms;
pub(super) mod slow_readers;
pub(super) mod storm;
pub(super) mod tags;

use std::{fmt, net::SocketAddr, time::Duration};

use clap::{Args, value_parser};

use super::{
    error::BenchError,
    machine, payload,
    process::Process,
    report::{Kind, Round},
    swarm::Swarm,
};

/// One way to load a server.
pub(super) trait Scenario: fmt::Debug {
    /// What is measured, on one line.
    fn title(&self) -> String;

    /// The figures that are compared; the first above all.
    fn columns(&self) -> &'static [Kind];

    /// Loads a server once.
    ///
    /// # Errors
    /// If the server refuses the load, breaks the order of messages, ends a client, or takes too long.
    fn measure(&self, load: &Load) -> Result<Round, BenchError>;

    /// True if the server may run on all processors, because the load sleeps.
    fn frees_the_processors(&self) -> bool {
        false
    }
}

/// A server to load, and how patiently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Its address.
    pub(super) server: SocketAddr,
    /// Its process, if that can be measured.
    pub(super) process: Option<Process>,
    /// Clients that register or join at the same time.
    pub(super) wave: usize,
    /// How long each phase may take.
    pub(super) timeout: Duration,
}

impl Load {
    /// No client yet, but descriptors for `clients`.
    ///
    /// # Errors
    /// If so many descriptors are not allowed.
    pub(super) fn swarm(&self, clients: usize) -> Result<Swarm, BenchError> {
        machine::allow_descriptors(clients as u64 + SPARE_DESCRIPTORS)?;
        Swarm::new(self.server, self.wave, self.timeout)
    }
}

/// How much is said in a closed loop.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct MessageArgs {
    /// Deliveries of a round, in all: messages times those who get each
    #[arg(long, default_value_t = 5_000_000, value_parser = value_parser!(u64).range(1..=10_000_000_000))]
    pub(super) deliveries: u64,
    /// Messages of each sender that not everybody has got yet
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=65_536))]
    pub(super) window: u32,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 64, value_parser = payload_bytes())]
    pub(super) payload: u16,
}

impl MessageArgs {
    /// How each message looks and flows, in words.
    fn shape(self) -> String {
        format!("{} B each, {} in flight for each sender", self.payload, self.window)
    }
}

/// The range of `--payload`.
fn payload_bytes() -> clap::builder::RangedI64ValueParser<u16> {
    value_parser!(u16).range(payload::MIN_PAYLOAD as i64..=payload::MAX_PAYLOAD as i64)
}

/// Descriptors for everything but clients: poller, standard streams, `/proc`, a pair that looks on.
const SPARE_DESCRIPTORS: u64 = 64;

/// A floor that serves until the tests end, and how to load it.
#[cfg(test)]
fn floor() -> Load {
    let listen = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let (server, serve) = super::floor::bind(listen).expect("loopback");
    std::thread::spawn(serve);
    Load { server, process: None, wave: 2, timeout: Duration::from_secs(60) }
}
