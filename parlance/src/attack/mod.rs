//! `parlance attack`: attacks made for real on a server of this machine, while a hundred others chat there.
//!
//! Each attack meets a fresh server on each runtime, in three phases: quiet, attack, after. What the
//! honest clients got, what memory and descriptors the server took and gave back, and what the attacker
//! got, is one row of a table; a row in which a bound is broken is an error.
//!
//! - `kinds`: the attacks, a file for each topic, and the table of them.
//! - `trial`: one attack on one server, from its start to its row.
//! - `honest`, `ledger`: those who chat, and the proof that nothing was lost, repeated or overtaken.
//! - `crowd`, `watcher`: the attackers' connections, and our own client, who looks on.
//! - `gauge`, `target`: memory and descriptors of the server, and its configuration and bounds.
//! - `row`, `table`: what is judged, and how it is printed.

mod crowd;
mod gauge;
mod honest;
mod kinds;
mod ledger;
mod row;
mod table;
mod target;
mod trial;
mod watcher;

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, builder::PossibleValuesParser, value_parser};

use self::{kinds::ATTACKS, trial::Plan};
use crate::{Failure, bench::machine};

/// Arguments of `parlance attack`.
#[derive(Debug, Args)]
pub(crate) struct AttackArgs {
    /// Attacks to make; all of them if none is named
    #[arg(value_parser = PossibleValuesParser::new(ATTACKS.iter().map(|attack| attack.name)))]
    names: Vec<String>,
    /// What drives the server; both, if none is named
    #[arg(long, value_parser = ["mio", "tokio"])]
    runtime: Vec<String>,
    /// Write the table into this file, in place of what stands between its two marks
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Milliseconds without an attack, and then with one
    #[arg(long, default_value_t = 3000, value_parser = value_parser!(u32).range(100..=60_000))]
    phase_ms: u32,
    /// Clients who chat
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u16).range(2..=500))]
    honest: u16,
    /// Share of the attackers' connections, in percent
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u8).range(1..=100))]
    scale: u8,
    /// Judge neither latency nor memory: for a machine that does other work
    #[arg(long)]
    no_measures: bool,
    /// The server to attack, a build of this program
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// Makes each attack on each runtime and prints the table.
///
/// # Errors
/// If a bound was broken, or an attack could not be made.
pub(crate) fn run(args: &AttackArgs) -> Result<(), Failure> {
    machine::allow_all_descriptors()?;
    let program = match &args.program {
        Some(program) => program.clone(),
        None => {
            std::env::current_exe().map_err(|error| Failure::io("find this program", &error))?
        }
    };
    let plan = Plan {
        program,
        phase: Duration::from_millis(args.phase_ms.into()),
        honest: args.honest.into(),
        scale: args.scale.into(),
        measures: !args.no_measures,
    };
    let runtimes = match args.runtime.as_slice() {
        [] => &["mio".to_owned(), "tokio".to_owned()][..],
        named => named,
    };
    let mut rows = Vec::new();
    for attack in ATTACKS {
        if !args.names.is_empty() && !args.names.iter().any(|name| name == attack.name) {
            continue;
        }
        for runtime in runtimes {
            eprintln!("{} on {runtime}: {}", attack.name, attack.what);
            let row = trial::run(&plan, attack, runtime)?;
            eprint!("{}", table::text(std::slice::from_ref(&row)));
            rows.push(row);
        }
    }
    // Nobody may read it; the exit code stands.
    let _ = io::stdout().write_all(table::text(&rows).as_bytes());
    if let Some(path) = &args.markdown {
        let doing = |what: &str| format!("{what} {}", path.display());
        let old = fs::read_to_string(path).map_err(|error| Failure::io(doing("read"), &error))?;
        let new = table::replaced(&old, &table::markdown(&rows)).ok_or_else(|| {
            Failure::new(format!("{} has no marks to write between", path.display()))
        })?;
        fs::write(path, new).map_err(|error| Failure::io(doing("write"), &error))?;
    }
    match rows.iter().filter(|row| !row.broken.is_empty()).count() {
        0 => Ok(()),
        broken => Err(Failure::new(format!("{broken} of {} rows break a bound", rows.len()))),
    }
}
