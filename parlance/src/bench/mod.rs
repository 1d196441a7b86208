//! `parlance bench`: what IRC servers cost, measured from their clients' side and compared.
//!
//! One thread drives all clients. Every delivery is checked, so a figure is also a proof that nothing
//! was lost, repeated or reordered. From the outside in:
//!
//! - `compare`, `target`, `peers`, `floor`: servers, started and loaded in turn.
//! - `scenario`: what the load is, a file each.
//! - `talk`, `window`, `paced`: messages in a closed and in an open loop.
//! - `layout`, `payload`, `order`: who hears whom, and the proof of it.
//! - `swarm`, `client`, `line`, `capabilities`, `source`: connections.
//! - `sample`, `process`, `machine`: clocks, processor time, memory, processors.
//! - `report`, `table`, `chart`, `document`: figures, and how they are shown.

mod capabilities;
mod chart;
mod client;
mod compare;
mod document;
pub(crate) mod error;
mod floor;
mod layout;
pub(crate) mod line;
pub(crate) mod machine;
pub(crate) mod order;
mod paced;
mod payload;
pub(crate) mod peers;
pub(crate) mod process;
mod report;
mod sample;
mod scenario;
pub(crate) mod source;
pub(crate) mod swarm;
mod table;
mod talk;
mod target;
mod window;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};

use self::{
    compare::CompareArgs,
    scenario::{
        Scenario, burst::Burst, fanout::Fanout, idle::Idle, join_quit::JoinQuit, latency::Latency,
        rooms::Rooms, slow_readers::SlowReaders, storm::Storm, tags::Tags,
    },
};

pub(crate) use self::error::BenchError;

/// Arguments of `parlance bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  parlance bench fanout floor mio tokio inspircd ngircd --rounds 5
  parlance bench latency --rate 500 127.0.0.1:6667 --pid 1234
  parlance bench burst \"mio --io-threads 1\" \"mio --io-threads 2\"
  parlance bench document docs/benchmarks/README.md

Every message is checked at everybody who is to get it: none lost, none twice, each sender's in order.
'parlance bench fanout --help' tells of servers, rounds and processors; the other scenarios take the same.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Few senders, many receivers in one channel: CPU time of a delivery
    Fanout(Run<Fanout>),
    /// Many channels, one sender in each: CPU time of a delivery
    Rooms(Run<Rooms>),
    /// Messages at a fixed rate, open loop: how long a delivery takes
    Latency(Run<Latency>),
    /// Silent connections: memory of each, also after a burst to all
    Idle(Run<Idle>),
    /// Everybody comes at once: time, CPU time, and how long two others wait
    Storm(Run<Storm>),
    /// People come, join a channel and leave: CPU time of each
    JoinQuit(Run<JoinQuit>),
    /// The same deliveries with all of IRCv3 and without: CPU time of each
    Tags(Run<Tags>),
    /// Members who do not read: memory, and whether others notice
    SlowReaders(Run<SlowReaders>),
    /// A message to everybody on a machine that is otherwise idle: time until the last has it
    Burst(Run<Burst>),
    /// Serve as the least server possible, to compare others with
    Floor(FloorArgs),
    /// Run the commands in a document again, and renew the tables and plots under them
    #[command(after_help = document::HELP)]
    Document(DocumentArgs),
}

/// A scenario, and the servers that go through it.
#[derive(Debug, Args)]
struct Run<S: Args> {
    #[command(flatten)]
    scenario: S,
    #[command(flatten)]
    compare: CompareArgs,
}

#[derive(Debug, Args)]
struct FloorArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[derive(Debug, Args)]
struct DocumentArgs {
    /// The document; plots and figures go beside it
    file: PathBuf,
    /// Sections to renew [default: all]
    sections: Vec<String>,
}

/// Runs one benchmark and prints its table on standard output.
///
/// # Errors
/// If there is no figure: the server is not there, refuses the load, breaks the order of messages, or
/// takes too long. The error's text is one line that says what to do.
pub(crate) fn run(args: BenchArgs) -> Result<(), BenchError> {
    match args.command {
        Command::Floor(args) => floor(&args),
        Command::Document(args) => document::renew(&args.file, &args.sections),
        comparison => match comparison.comparison() {
            Some((scenario, compare)) => compare.print(scenario),
            None => Ok(()),
        },
    }
}

impl Command {
    /// The scenario and the servers, if that is what it is about.
    fn comparison(&self) -> Option<(&dyn Scenario, &CompareArgs)> {
        Some(match self {
            Self::Fanout(run) => run.parts(),
            Self::Rooms(run) => run.parts(),
            Self::Latency(run) => run.parts(),
            Self::Idle(run) => run.parts(),
            Self::Storm(run) => run.parts(),
            Self::JoinQuit(run) => run.parts(),
            Self::Tags(run) => run.parts(),
            Self::SlowReaders(run) => run.parts(),
            Self::Burst(run) => run.parts(),
            Self::Floor(_) | Self::Document(_) => return None,
        })
    }
}

impl<S: Args + Scenario> Run<S> {
    fn parts(&self) -> (&dyn Scenario, &CompareArgs) {
        (&self.scenario, &self.compare)
    }
}

fn floor(args: &FloorArgs) -> Result<(), BenchError> {
    machine::allow_all_descriptors()?;
    let (address, serve) = floor::bind(args.listen)?;
    println!("listening on {address}");
    println!("pid {}", std::process::id());
    Err(serve())
}
