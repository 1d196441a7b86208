//! One load on several servers in turn, each a fresh process on processors of its own.

use std::{fmt, time::Duration};

use clap::{Args, ValueEnum, value_parser};

use super::{
    error::BenchError,
    machine::{self, Processors},
    process::Process,
    report::{Report, Round},
    scenario::{Load, Scenario},
    table::Table,
    target::{SERVERS, Server, Target},
};

/// What all scenarios have in common.
#[derive(Debug, Args)]
#[command(after_help = SERVERS)]
pub(super) struct CompareArgs {
    /// Servers to load, one after another in each round; see below
    #[arg(value_name = "SERVER", required = true)]
    servers: Vec<Target>,
    /// Rounds; in each, every server is started and loaded once, in alternating order
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Process of a server that runs, to measure its CPU time and memory
    #[arg(long)]
    pid: Option<u32>,
    /// Processors of servers that are started, between commas [default: the first, or all if the load sleeps]
    #[arg(long, value_name = "LIST")]
    server_cpus: Option<Processors>,
    /// Processors of the load [default: the last]
    #[arg(long, value_name = "LIST")]
    load_cpus: Option<Processors>,
    /// Seconds that each phase may take: registering, joining, a round
    #[arg(long, default_value_t = 120, value_parser = value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Clients that register or join at the same time; more is faster until the server's backlog is
    /// full (of ngircd never more than 64)
    #[arg(long, default_value_t = 512, value_parser = value_parser!(u32).range(1..=100_000))]
    wave: u32,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For a document
    Markdown,
    /// One line with every figure of every round
    Json,
}

impl CompareArgs {
    /// Compares and prints.
    ///
    /// # Errors
    /// As [`compare`](Self::compare).
    pub(super) fn print(&self, scenario: &dyn Scenario) -> Result<(), BenchError> {
        let table = self.compare(scenario)?;
        match self.format {
            Format::Text => print!("{}", table.text()),
            Format::Markdown => print!("{}", table.markdown()),
            Format::Json => println!("{}", table.json()),
        }
        Ok(())
    }

    /// Starts, loads and ends every server in every round. One that fails is left out from then on, and
    /// the table says why.
    ///
    /// # Errors
    /// If no server gave a figure, or the arguments or this machine do not allow it.
    pub(super) fn compare(&self, scenario: &dyn Scenario) -> Result<Table, BenchError> {
        machine::allow_all_descriptors()?;
        let places = Places::new(self, scenario)?;
        let mut reports: Vec<Report> = self
            .servers
            .iter()
            .map(|target| Report { name: target.name.clone(), ..Report::default() })
            .collect();
        let mut first_error = None;
        for round in 1..=self.rounds {
            let mut turn: Vec<_> = self.servers.iter().zip(&mut reports).collect();
            // There and back, so that no server always follows the same one.
            if round % 2 == 0 {
                turn.reverse();
            }
            for (target, report) in turn.into_iter().filter(|(_, report)| report.failed.is_none()) {
                eprintln!("round {round} of {}: {}", self.rounds, target.name);
                match self.round(scenario, target, &places) {
                    Ok(round) => report.rounds.push(round),
                    Err(error) if error.is_ours() => return Err(error),
                    Err(error) => {
                        eprintln!("{}: {error}", target.name);
                        report.failed = Some(error.to_string());
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        places.all.pin()?;
        if let Some(error) =
            first_error.filter(|_| reports.iter().all(|report| report.rounds.is_empty()))
        {
            return Err(error);
        }
        Ok(Table { title: scenario.title(), columns: scenario.columns(), servers: reports })
    }

    fn round(
        &self,
        scenario: &dyn Scenario,
        target: &Target,
        places: &Places,
    ) -> Result<Round, BenchError> {
        let most = match &target.server {
            Server::Started(recipe) => recipe.wave(),
            Server::Running(_) => usize::MAX,
        };
        let load = |server, process| Load {
            server,
            process,
            wave: most.min(self.wave as usize),
            timeout: Duration::from_secs(self.timeout.into()),
        };
        match &target.server {
            Server::Running(address) => {
                places.load.pin()?;
                let process = self.pid.map(process).transpose()?;
                scenario.measure(&load(*address, process))
            }
            Server::Started(recipe) => {
                // A child runs where its parent does, so this thread goes there first.
                places.servers.pin()?;
                let mut peer = recipe.start(START_TIMEOUT)?;
                places.load.pin()?;
                let process = peer.process();
                let measured = process
                    .and_then(|process| scenario.measure(&load(peer.address, Some(process))));
                measured.map_err(|error| match peer.ended() {
                    Some(how) => BenchError::Died { name: target.name.clone(), how },
                    None => error,
                })
            }
        }
    }
}

/// Who runs where.
struct Places {
    all: Processors,
    servers: Processors,
    load: Processors,
}

impl Places {
    fn new(args: &CompareArgs, scenario: &dyn Scenario) -> Result<Self, BenchError> {
        let all = Processors::allowed()?;
        let own = if scenario.frees_the_processors() { all.clone() } else { all.first() };
        let servers = args.server_cpus.clone().unwrap_or(own);
        let load = args.load_cpus.clone().unwrap_or_else(|| all.last());
        Ok(Self { all, servers, load })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

fn process(pid: u32) -> Result<Process, BenchError> {
    Process::find(pid).map_err(|error| BenchError::Process { pid, error })
}

/// How long a server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);
