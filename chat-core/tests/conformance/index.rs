//! `INDEX.md`: each demand, and whether it is met.

use std::{collections::BTreeMap, fmt::Write};

use crate::scenario::Scenario;

const HEAD: &str = "# What the specifications demand, and what is met\n\n\
    Made from the scenarios in this folder; `UPDATE=1 cargo test -p chat-core --test conformance` \
    writes it anew.\n\n";

/// The whole file.
pub(crate) fn index(scenarios: &[Scenario]) -> String {
    let mut sections: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        sections.entry(&scenario.section).or_default().push(scenario);
    }
    let count = |all: &[&Scenario]| {
        let unmet = all.iter().filter(|scenario| scenario.unmet.is_some()).count();
        (all.len() - unmet, unmet)
    };
    let all: Vec<&Scenario> = scenarios.iter().collect();
    let mut out = HEAD.to_owned();
    let (met, unmet) = count(&all);
    row(&mut out, &["section", "met", "not met"]);
    row(&mut out, &["---", "---", "---"]);
    for (section, scenarios) in &sections {
        let (met, unmet) = count(scenarios);
        row(&mut out, &[section, &met.to_string(), &unmet.to_string()]);
    }
    row(&mut out, &["**all**", &met.to_string(), &unmet.to_string()]);
    for (section, scenarios) in &sections {
        write!(out, "\n## {section}\n\n").expect("a string takes all");
        row(&mut out, &["demand", "scenario", "met"]);
        row(&mut out, &["---", "---", "---"]);
        for scenario in scenarios {
            let met = match &scenario.unmet {
                None => "yes".to_owned(),
                Some(why) => format!("no: {why}"),
            };
            let name = format!("{}: {}", scenario.file, scenario.title);
            row(&mut out, &[&scenario.demand, &name, &met]);
        }
    }
    out
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(out, "| {} |", cells.join(" | ")).expect("a string takes all");
}
