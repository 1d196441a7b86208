//! The same load on several servers in turn, each a fresh process on a processor of its own.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, value_parser};
use serde_json::{Value, json};

use super::{
    ChannelArgs, Load, PaceArgs,
    error::BenchError,
    fanout, machine,
    peers::{Kind, Recipe},
    report::{self, Report, median, range},
};

/// Arguments of `parlance bench compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    #[command(flatten)]
    channel: ChannelArgs,
    #[command(flatten)]
    pace: PaceArgs,
    /// Rounds; in each, every server is started and loaded once, in alternating order
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Include the least server possible
    #[arg(long)]
    floor: bool,
    /// Include InspIRCd
    #[arg(long, value_name = "PROGRAM")]
    inspircd: Option<PathBuf>,
    /// Include ngIRCd
    #[arg(long, value_name = "PROGRAM")]
    ngircd: Option<PathBuf>,
    /// Configuration file for our own servers
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Processor of the servers
    #[arg(long, default_value_t = 0)]
    server_cpu: usize,
    /// Processor of the load
    #[arg(long, default_value_t = 1)]
    load_cpu: usize,
    /// Our own server by its runtime (mio, tokio), or NAME=COMMAND of one that prints `listening on ADDRESS`
    #[arg(value_name = "OUR-SERVER")]
    ours: Vec<Ours>,
}

/// A server named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ours {
    Runtime(String),
    Command { name: String, words: Vec<String> },
}

/// Starts, loads and ends every server in every round, then prints the table.
///
/// # Errors
/// If a server does not start, or any round gives no figure.
pub(super) fn run(args: &CompareArgs) -> Result<(), BenchError> {
    let recipes = args.recipes()?;
    // One round of a fresh server is one sample; the rounds are ours.
    let plan = args.channel.plan(1)?;
    let mut servers: Vec<(Recipe, Report)> =
        recipes.into_iter().map(|recipe| (recipe, Report::default())).collect();
    for round in 1..=args.rounds {
        // There and back, so that no server always follows the same one.
        servers.reverse();
        for (recipe, report) in &mut servers {
            eprintln!("round {round} of {}: {}", args.rounds, recipe.name);
            report.extend(args.sample(recipe, plan)?);
        }
    }
    if args.rounds % 2 == 1 {
        servers.reverse();
    }
    let servers = servers.into_iter().map(|(recipe, report)| (recipe.name, report)).collect();
    let table = Table { title: plan.shape(), servers };
    if args.pace.json {
        println!("{}", table.json());
    } else {
        print!("{}", table.text());
    }
    Ok(())
}

impl CompareArgs {
    /// The servers in the order of the table; the first is what others are compared with.
    fn recipes(&self) -> Result<Vec<Recipe>, BenchError> {
        let program =
            std::env::current_exe().map_err(|error| BenchError::io("find this program", error))?;
        let program = program.to_string_lossy();
        let announcing = |name: &str, words: &[&str]| Recipe {
            name: name.to_owned(),
            kind: Kind::Announcing(words.iter().map(|&word| word.to_owned()).collect()),
        };
        let mut recipes = Vec::new();
        if self.floor {
            recipes.push(announcing("floor", &[&program, "bench", "floor"]));
        }
        for ours in &self.ours {
            recipes.push(match ours {
                Ours::Runtime(runtime) => {
                    let mut words =
                        vec![&*program, "serve", "--listen", "127.0.0.1:0", "--runtime", runtime];
                    let config = self.config.as_ref().map(|file| file.to_string_lossy());
                    if let Some(file) = &config {
                        words.extend(["--config", file]);
                    }
                    announcing(runtime, &words)
                }
                Ours::Command { name, words } => {
                    Recipe { name: name.clone(), kind: Kind::Announcing(words.clone()) }
                }
            });
        }
        let inspircd =
            self.inspircd.iter().map(|program| ("inspircd", Kind::InspIrcd(program.clone())));
        let ngircd = self.ngircd.iter().map(|program| ("ngircd", Kind::NgIrcd(program.clone())));
        recipes.extend(
            inspircd.chain(ngircd).map(|(name, kind)| Recipe { name: name.to_owned(), kind }),
        );
        if recipes.is_empty() {
            return Err(BenchError::Usage(
                "there is nothing to compare; name a server (mio, tokio, NAME=COMMAND) or add --floor, --inspircd, --ngircd".into(),
            ));
        }
        Ok(recipes)
    }

    fn sample(&self, recipe: &Recipe, plan: fanout::Plan) -> Result<Report, BenchError> {
        // A child runs where its parent does, so this thread goes there first.
        machine::pin(self.server_cpu)?;
        let peer = recipe.start(START_TIMEOUT)?;
        machine::pin(self.load_cpu)?;
        fanout::measure(&Load::new(peer.address, self.pace), plan, Some(peer.process()?))
    }
}

impl FromStr for Ours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text, "mio" | "tokio") {
            return Ok(Self::Runtime(text.to_owned()));
        }
        let (name, command) = text.split_once('=').ok_or("neither mio, tokio nor NAME=COMMAND")?;
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err("the command is empty".into());
        }
        Ok(Self::Command { name: name.to_owned(), words })
    }
}

/// What a comparison found: a report for each server, whose rounds are the rounds of the comparison.
#[derive(Debug)]
struct Table {
    title: String,
    servers: Vec<(String, Report)>,
}

impl Table {
    /// One row for each server: medians, and ratios to the first one.
    fn text(&self) -> String {
        let mut text = format!("{}\n  {:<12}", self.title, "");
        for (heading, kind) in COLUMNS {
            text += &format!(" {:>18}", format!("{heading} {}", kind.unit));
        }
        let base = self.servers.first().map_or("", |(name, _)| name);
        text += &format!(" {:>24} {:>24}\n", format!("CPU/{base}"), format!("rate/{base}"));
        for (name, report) in &self.servers {
            text += &format!("  {name:<12}");
            for (_, kind) in COLUMNS {
                text += &format!(" {:>18}", kind.show(report.median(kind)));
            }
            for kind in RATIOS {
                let (low, high) = range(self.ratios(report, kind));
                let ratio = median(self.ratios(report, kind));
                text += &format!(" {:>24}", format!("{ratio:.2} ({low:.2} to {high:.2})"));
            }
            text.push('\n');
        }
        let rounds = self.servers.first().map_or(0, |(_, report)| report.rounds.len());
        text +=
            &format!("  medians of {rounds} rounds; ratios paired by round (lowest to highest)\n");
        for (name, report) in &self.servers {
            if let Some(warning) = report.warnings.first() {
                text += &format!("  warning: {name}: {warning}\n");
            }
        }
        text
    }

    fn json(&self) -> Value {
        let servers = self.servers.iter().map(|(name, report)| {
            let mut json = report.json();
            json["name"] = json!(name);
            for kind in RATIOS {
                json["ratio_to_first"][kind.key] = json!(median(self.ratios(report, kind)));
            }
            json
        });
        json!({ "title": self.title, "servers": servers.collect::<Vec<_>>() })
    }

    /// A figure by the same figure of the first server, in each round.
    fn ratios(&self, report: &Report, kind: report::Kind) -> impl Iterator<Item = f64> {
        let first = self.servers.first().into_iter().flat_map(move |(_, first)| first.values(kind));
        report.values(kind).zip(first).map(|(figure, first)| figure / first)
    }
}

/// The columns of the table.
const COLUMNS: [(&str, report::Kind); 6] = [
    ("CPU/delivery", report::SERVER_NS),
    ("deliveries", report::DELIVERIES_PER_S),
    ("server CPU", report::SERVER_SHARE),
    ("load CPU", report::LOAD_SHARE),
    ("RSS before", report::BEFORE_BYTES),
    ("RSS after", report::AFTER_BYTES),
];

/// What is told as a ratio too.
const RATIOS: [report::Kind; 2] = [report::SERVER_NS, report::DELIVERIES_PER_S];

/// How long a server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str, costs: &[f64]) -> (String, Report) {
        let rounds = costs.iter().map(|&ns| vec![(report::SERVER_NS, ns)]).collect();
        (name.to_owned(), Report { title: name.to_owned(), rounds, warnings: vec![] })
    }

    #[test]
    fn ratios_are_paired_by_round() {
        let table = Table {
            title: "shape".into(),
            servers: vec![
                server("floor", &[50.0, 100.0, 60.0]),
                server("ours", &[100.0, 150.0, 120.0]),
            ],
        };
        let ratios = table.ratios(&table.servers[1].1, report::SERVER_NS);
        assert_eq!(ratios.collect::<Vec<_>>(), [2.0, 1.5, 2.0]);
        assert_eq!(table.json()["servers"][0]["ratio_to_first"]["server_cpu_ns_per_delivery"], 1.0);
    }

    #[test]
    fn our_servers_are_runtimes_or_named_commands() {
        assert_eq!("mio".parse(), Ok(Ours::Runtime("mio".into())));
        let words = vec!["/bin/ircd".to_owned(), "--fast".to_owned()];
        assert_eq!("old=/bin/ircd --fast".parse(), Ok(Ours::Command { name: "old".into(), words }));
        assert!("uring".parse::<Ours>().is_err());
        assert!("old=".parse::<Ours>().is_err());
    }
}
