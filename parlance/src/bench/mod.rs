//! `parlance bench`: what an IRC server costs, measured from its clients' side.
//!
//! One thread drives all clients. Every delivery is checked, so a figure is also a proof that nothing
//! was lost, repeated or reordered. What is measured, and how, is said in each file:
//!
//! - `fanout`: one channel, few senders, closed loop.
//! - `latency`: one channel, a fixed rate, open loop.
//! - `idle`: memory for each silent connection.
//! - `floor`: the least server possible, to compare with.
//! - `compare`: all of these servers in turn, under the same load.

mod compare;
pub(crate) mod error;
mod fanout;
mod floor;
mod idle;
mod latency;
pub(crate) mod machine;
pub(crate) mod order;
mod payload;
pub(crate) mod peers;
pub(crate) mod process;
mod report;
mod sample;
pub(crate) mod source;
pub(crate) mod swarm;
mod window;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    time::Duration,
};

use clap::{Args, Subcommand, value_parser};

use self::{process::Process, swarm::Swarm};

pub(crate) use self::error::BenchError;

/// Arguments of `parlance bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

/// Runs one benchmark and prints its report on standard output.
///
/// # Errors
/// If there is no figure: the server is not there, refuses the load, breaks the order of messages, or
/// takes too long. The error's text is one line that says what to do.
pub(crate) fn run(args: BenchArgs) -> Result<(), BenchError> {
    match args.command {
        Command::Fanout(args) => fanout(&args),
        Command::Idle(args) => idle(&args),
        Command::Latency(args) => latency(&args),
        Command::Floor(args) => floor(&args),
        Command::Compare(args) => compare::run(&args),
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Few senders, many receivers in one channel: deliveries per second, CPU time for each
    Fanout(FanoutArgs),
    /// Silent connections: resident memory for each
    Idle(IdleArgs),
    /// Messages at a fixed rate: how long a delivery takes
    Latency(LatencyArgs),
    /// Serve as the least server possible, to compare others with
    Floor(FloorArgs),
    /// Start several servers in turn, load each alike, and print a table
    Compare(compare::CompareArgs),
}

#[derive(Debug, Args)]
struct FanoutArgs {
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    channel: ChannelArgs,
    /// Rounds to measure; the medians are printed
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Process of the server, to measure its CPU time and memory
    #[arg(long)]
    pid: Option<u32>,
}

/// The shape of a fanout.
#[derive(Clone, Copy, Debug, Args)]
struct ChannelArgs {
    /// Members of the channel
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// How many of the members send
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=payload::MAX_SENDERS as i64))]
    senders: u32,
    /// Messages that each sender sends in a round
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(u32).range(1..=10_000_000))]
    messages: u32,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 64, value_parser = payload_bytes())]
    payload: u16,
    /// Messages of each sender that not everybody has got yet
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=65_536))]
    window: u32,
}

#[derive(Debug, Args)]
struct IdleArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// Connections to open
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..=100_000))]
    connections: u32,
    /// Process of the server
    #[arg(long)]
    pid: u32,
    /// Seconds to hold the connections, answering PING
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(0..=86_400))]
    hold: u32,
}

#[derive(Debug, Args)]
struct LatencyArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// Members of the channel, one of whom sends
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(2..=100_000))]
    members: u32,
    /// Messages a second
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Seconds to send for
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 64, value_parser = payload_bytes())]
    payload: u16,
    /// Process of the server, to measure its CPU time and memory
    #[arg(long)]
    pid: Option<u32>,
}

#[derive(Debug, Args)]
struct FloorArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Run on this processor only
    #[arg(long)]
    pin: Option<usize>,
}

/// What all loads on a running server have in common.
#[derive(Debug, Args)]
struct LoadArgs {
    /// Server to load, HOST:PORT
    #[arg(long, value_parser = address)]
    server: SocketAddr,
    /// Run the load on this processor only
    #[arg(long)]
    pin: Option<usize>,
    #[command(flatten)]
    pace: PaceArgs,
}

/// How patient a load is, and how it reports.
#[derive(Clone, Copy, Debug, Args)]
struct PaceArgs {
    /// Seconds that each phase may take: registering, joining, a round
    #[arg(long, default_value_t = 120, value_parser = value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Clients that register or join at the same time; more is faster until the server's backlog is full
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=100_000))]
    wave: u32,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

fn fanout(args: &FanoutArgs) -> Result<(), BenchError> {
    let load = args.load.start()?;
    let plan = args.channel.plan(args.rounds.into())?;
    fanout::measure(&load, plan, args.pid.map(process).transpose()?)?.print(args.load.pace.json);
    Ok(())
}

fn idle(args: &IdleArgs) -> Result<(), BenchError> {
    let load = args.load.start()?;
    let hold = Duration::from_secs(args.hold.into());
    idle::measure(&load, args.connections as usize, hold, process(args.pid)?)?
        .print(args.load.pace.json);
    Ok(())
}

fn latency(args: &LatencyArgs) -> Result<(), BenchError> {
    let load = args.load.start()?;
    let &LatencyArgs { members, rate, seconds, payload, .. } = args;
    let plan = latency::Plan { members: members as usize, rate, seconds, payload: payload.into() };
    latency::measure(&load, plan, args.pid.map(process).transpose()?)?.print(args.load.pace.json);
    Ok(())
}

fn floor(args: &FloorArgs) -> Result<(), BenchError> {
    args.pin.map_or(Ok(()), machine::pin)?;
    machine::allow_all_descriptors()?;
    let (address, serve) = floor::bind(args.listen)?;
    println!("listening on {address}");
    println!("pid {}", std::process::id());
    Err(serve())
}

/// A server to load, and how.
#[derive(Clone, Copy, Debug)]
struct Load {
    server: SocketAddr,
    wave: usize,
    timeout: Duration,
}

impl Load {
    fn new(server: SocketAddr, pace: PaceArgs) -> Self {
        Self { server, wave: pace.wave as usize, timeout: Duration::from_secs(pace.timeout.into()) }
    }

    /// No client yet, but descriptors for `clients`.
    fn swarm(&self, clients: usize) -> Result<Swarm, BenchError> {
        machine::allow_descriptors(clients as u64 + SPARE_DESCRIPTORS)?;
        Swarm::new(self.server, self.wave, self.timeout)
    }
}

impl LoadArgs {
    fn start(&self) -> Result<Load, BenchError> {
        self.pin.map_or(Ok(()), machine::pin)?;
        Ok(Load::new(self.server, self.pace))
    }
}

impl ChannelArgs {
    fn plan(self, rounds: usize) -> Result<fanout::Plan, BenchError> {
        let Self { members, senders, messages, payload, window } = self;
        if senders > members {
            return Err(BenchError::Usage(format!(
                "{senders} senders are more than the {members} members; lower --senders or raise --members"
            )));
        }
        Ok(fanout::Plan {
            members: members as usize,
            senders: senders as usize,
            messages,
            payload: payload.into(),
            window,
            rounds,
        })
    }
}

/// Descriptors for everything but clients: poller, standard streams, `/proc`.
const SPARE_DESCRIPTORS: u64 = 32;

fn process(pid: u32) -> Result<Process, BenchError> {
    Process::find(pid).map_err(|error| BenchError::Process { pid, error })
}

fn payload_bytes() -> clap::builder::RangedI64ValueParser<u16> {
    value_parser!(u16).range(payload::MIN_PAYLOAD as i64..=payload::MAX_PAYLOAD as i64)
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "no address of that name".to_owned())
}
