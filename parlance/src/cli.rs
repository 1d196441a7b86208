//! The command line: what each command is called, and which of them runs.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use chat_core::Limits;
use clap::{Parser, Subcommand};
use rustix::process::{Resource, getrlimit};

use crate::{
    Failure, attack, bench, connect,
    files::read_bans,
    password, replay, serve,
    settings::{self, Settings},
    simulate,
};

/// A multi-user chat server and client that speaks IRC
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Start here:
  parlance serve                      a server on this machine's loopback address
  parlance connect                    chat there, from another terminal
  echo hello | parlance connect       say one thing and go

With a configuration:
  parlance config example > parlance.toml
  parlance config check parlance.toml
  parlance serve --config parlance.toml

Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server
    Serve(serve::ServeArgs),
    /// Chat on a server, on a terminal or in a script
    Connect(connect::ConnectArgs),
    /// Prove that a recorded run does the same again
    Replay(replay::ReplayArgs),
    /// Measure what an IRC server costs, this one or another
    Bench(bench::BenchArgs),
    /// Run the server among simulated networks and faults
    Sim(Box<simulate::SimArgs>),
    /// Attack a server on this machine while others chat there, and print what became of all
    #[command(hide = true)]
    Attack(attack::AttackArgs),
    /// Write or check a configuration file
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Read a password and print its hash, for the configuration
    #[command(after_help = HASH_EXAMPLES)]
    HashPassword,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print a complete configuration that says what every key does, and changes nothing
    Example,
    /// Check a file: says the line, the key and the fix of what is wrong; if nothing is, how much memory
    /// peers can make such a server hold
    Check {
        /// The file
        file: PathBuf,
    },
}

/// What a server of such limits may come to hold, in words.
fn memory(limits: &Limits) -> String {
    // Each connection is a descriptor.
    let most = getrlimit(Resource::Nofile).maximum.and_then(|most| usize::try_from(most).ok());
    let connections = limits.connections.into_iter().chain(most).min().unwrap_or(1_000_000);
    let mebibytes = limits.memory(connections) >> 20;
    format!(
        "{connections} connections, the most there may be, can make it hold {mebibytes} MiB at most"
    )
}

const HASH_EXAMPLES: &str = "\
Examples:
  parlance hash-password                       asks twice, shows nothing
  parlance hash-password < password.txt        takes one line

Put what it prints into the configuration: password under [server] or [[oper]].";

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Connect(args) => connect::run(args),
        Command::Replay(args) => replay::run(&args),
        Command::Bench(args) => bench::run(args).map_err(Failure::from),
        Command::Sim(args) => simulate::run(&args),
        Command::Attack(args) => attack::run(&args),
        Command::Config { command } => config(command),
        Command::HashPassword => password::hash(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may read standard error; the exit code stands.
            let _ = writeln!(io::stderr(), "parlance: {failure}");
            failure.code()
        }
    }
}

fn config(command: ConfigCommand) -> Result<(), Failure> {
    let text = match command {
        ConfigCommand::Example => settings::EXAMPLE.to_owned(),
        ConfigCommand::Check { file } => {
            let settings = Settings::load(&file)?;
            settings.bans_file.as_deref().map(read_bans).transpose()?;
            format!("{}: ok\n{}\n", file.display(), memory(&settings.config.limits))
        }
    };
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::io("write", &error))
}
