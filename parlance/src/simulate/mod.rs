//! `parlance sim`: the server among simulated networks and faults, judged from outside.

mod failing;
mod many;
mod meter;
mod one;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, Subcommand};
use signal_hook::{consts::SIGINT, flag};
use sim::{Layer, Mutant, Profile, Script};

use crate::Failure;

/// Arguments of `parlance sim`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct SimArgs {
    #[command(subcommand)]
    command: Option<SimCommand>,
    #[command(flatten)]
    many: ManyArgs,
}

const EXAMPLES: &str = "\
Examples:
  parlance sim                                     1000 small runs with the core in memory
  parlance sim --layer all --minutes 10            ten minutes, on every layer in turn
  parlance sim --profile wide --seeds 500          larger runs
  parlance sim --seed 59                           one run
  parlance sim show --seed 59                      one run as a picture: timeline.html
  parlance sim replay sim-failure-loss-59.txt      does it still fail?

The same seed is the same run on any machine, in any process. A seed that fails
is made as small as it goes, and written to a file.

Exit codes: 0 everything held, 1 something did not, 2 the command line or a
file is wrong.";

#[derive(Debug, Subcommand)]
enum SimCommand {
    /// Run a script from a file and say whether it holds
    Replay(one::ReplayArgs),
    /// Make a failing script as small as it goes
    Shrink(one::ShrinkArgs),
    /// Show a run: as a page for a browser, or as text
    Show(one::ShowArgs),
}

/// Which seeds, and how.
#[derive(Debug, Args)]
struct ManyArgs {
    #[command(flatten)]
    kind: Kind,
    /// Run so many seeds
    #[arg(long, value_name = "N", default_value_t = 1000, conflicts_with_all = ["seed", "minutes"])]
    seeds: u64,
    /// Run this seed alone
    #[arg(long, value_name = "SEED", conflicts_with_all = ["minutes", "from"])]
    seed: Option<u64>,
    /// Run seeds for so many minutes (0.5 is half of one)
    #[arg(long, value_name = "M", value_parser = minutes)]
    minutes: Option<f64>,
    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Threads; as many as there are cores if not given
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Run so many percent of the seeds twice, and compare
    #[arg(long, value_name = "PERCENT", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(0..=100))]
    twice: u32,
    /// Fail as well if a counter stays at zero: what never happens is not tested
    #[arg(long)]
    strict: bool,
    /// The file for the smallest script that fails [default: sim-failure-PROPERTY-SEED.txt]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Make failing scripts smaller with at most so many runs
    #[arg(long, value_name = "N", default_value_t = sim::SHRINK_RUNS)]
    shrink_runs: u64,
}

/// What a run is like, whatever its seed.
#[derive(Clone, Debug, Args)]
struct Kind {
    /// What stands for the server: memory (the core alone), mio or turmoil (the real runtimes, on
    /// simulated networks), or all, one after another
    #[arg(long, value_name = "NAME", default_value = "memory", value_parser = layers)]
    layer: Layers,
    /// What the runs are like: quick (2 to 5 clients), standard (8 clients, 60 steps
    /// each), wide (6 to 16 clients), calm (no faults)
    #[arg(long, value_name = "NAME", default_value = "quick", value_parser = profile)]
    profile: Profile,
    /// Build a known bug into the server's host, to see that it is found
    #[arg(long, value_name = "NAME", value_parser = mutant)]
    mutant: Option<Mutant>,
}

/// One layer, or all of them.
#[derive(Clone, Debug)]
struct Layers(Vec<Layer>);

fn layers(name: &str) -> Result<Layers, String> {
    let all = (name == "all").then(|| Layer::all().collect());
    let one = || name.parse().map(|layer| vec![layer]);
    all.map_or_else(one, Ok).map(Layers).map_err(|unknown| format!("{unknown}, or all"))
}

fn profile(name: &str) -> Result<Profile, String> {
    let names = Profile::all().map(|profile| profile.name).join(", ");
    Profile::by_name(name).ok_or_else(|| format!("there is {names}"))
}

fn mutant(name: &str) -> Result<Mutant, String> {
    let known = Mutant::ALL.into_iter().find(|mutant| mutant.name() == name);
    known.ok_or_else(|| format!("there is {}", Mutant::ALL.map(Mutant::name).join(", ")))
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| *minutes > 0.0 && *minutes <= 1e6);
    minutes.ok_or_else(|| "it takes a number of minutes above 0".to_string())
}

impl Kind {
    /// The profile with the bug that was asked for.
    fn profile(&self) -> Profile {
        Profile { mutant: self.mutant, ..self.profile.clone() }
    }

    /// What of this a command line has to say again for the same run.
    fn mutant_words(&self) -> String {
        self.mutant.map_or_else(String::new, |mutant| format!(" --mutant {}", mutant.name()))
    }
}

/// Simulates.
///
/// # Errors
/// Something did not hold, which was told; or a file can't be read or written.
pub(crate) fn run(args: &SimArgs) -> Result<(), Failure> {
    match &args.command {
        None => many::run(&args.many),
        Some(SimCommand::Replay(args)) => one::replay(args),
        Some(SimCommand::Shrink(args)) => one::shrink(args),
        Some(SimCommand::Show(args)) => one::show(args),
    }
}

/// Becomes true with the first Ctrl-C; the second ends the process at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    flag::register_conditional_shutdown(SIGINT, 130, stop.clone())
        .and_then(|_| flag::register(SIGINT, stop.clone()))
        .map_err(|error| Failure::io("catch signals", &error))?;
    Ok(stop)
}

/// The script that a file holds.
fn read(file: &Path) -> Result<Script, Failure> {
    let named = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read {named}: {error}")))?;
    text.parse().map_err(|bad| Failure::usage(format!("{named}: {bad}")))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text)
        .map_err(|error| Failure::io(format_args!("write {}", file.display()), &error))
}

fn written(error: &io::Error) -> Failure {
    Failure::io("write", error)
}

/// What made this program, so that a failure can be seen again with the same.
fn build() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match option_env!("PARLANCE_COMMIT") {
        Some(commit) => format!("parlance {version}, commit {commit}"),
        None => format!("parlance {version}"),
    }
}
