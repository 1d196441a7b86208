//! What a comparison found, side by side: for a terminal, for a document, for programs.

use serde_json::{Map, Value, json};

use super::report::{Kind, Report, median, range};

/// A report for each server, of the same rounds.
#[derive(Debug)]
pub(super) struct Table {
    /// What was measured, on one line.
    pub(super) title: String,
    /// The figures that are compared; the first above all.
    pub(super) columns: &'static [Kind],
    /// In the order in which they were asked for.
    pub(super) servers: Vec<Report>,
}

impl Table {
    /// The server that others are compared with: the floor, or else the first that was measured.
    pub(super) fn base(&self) -> Option<&Report> {
        let measured = || self.servers.iter().filter(|report| !report.rounds.is_empty());
        measured().find(|report| report.name == "floor").or_else(|| measured().next())
    }

    /// For a terminal: a table, or all figures if there is one server.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        match self.servers.as_slice() {
            [only] => text += &details(only),
            _ => text += &aligned(&self.cells()),
        }
        for note in self.notes() {
            text += &format!("  {note}\n");
        }
        text
    }

    /// For a document.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        for (number, row) in self.cells().iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if number == 0 {
                text += &format!("|{}\n", " --- |".repeat(row.len()));
            }
        }
        text + &format!("\n{}. {}.\n", capital(&self.title), self.notes().join(". "))
    }

    /// For programs: `title`, and of each server `name`, `median`, `ratio` to the base, `rounds`, `threads`
    /// of the last round in percent of a processor, `warnings`, `failed`.
    pub(super) fn json(&self) -> Value {
        let servers = self.servers.iter().map(|report| {
            let of_kinds = |value: &dyn Fn(Kind) -> Option<f64>| {
                report.kinds().map(|kind| (kind.key.to_owned(), json!(value(kind)))).collect::<Map<_, _>>()
            };
            let ratio = |kind| self.base().and_then(|base| median(report.ratios(base, kind)));
            let rounds = report.rounds.iter().map(|round| {
                let figures = round.figures.iter();
                figures.map(|(kind, value)| (kind.key.to_owned(), json!(value))).collect::<Map<_, _>>()
            });
            json!({
                "name": report.name,
                "median": of_kinds(&|kind| report.median(kind)),
                "ratio": of_kinds(&ratio),
                "rounds": rounds.collect::<Vec<_>>(),
                "threads": report.rounds.last().map(|round| &round.threads),
                "warnings": report.rounds.iter().flat_map(|round| &round.warnings).collect::<Vec<_>>(),
                "failed": report.failed,
            })
        });
        json!({ "title": self.title, "servers": servers.collect::<Vec<_>>() })
    }

    /// The heading and a row for each server that was measured: of each figure the median, and how many
    /// times the base's that is.
    fn cells(&self) -> Vec<Vec<String>> {
        let mut heading = vec![String::new()];
        heading.extend(self.columns.iter().map(|kind| kind.heading()));
        let measured = self.servers.iter().filter(|report| !report.rounds.is_empty());
        let row = |report: &Report| {
            let mut row = vec![report.name.clone()];
            row.extend(self.columns.iter().enumerate().map(|(place, &kind)| {
                let Some(value) = report.median(kind) else { return "-".to_owned() };
                let ratios = || self.base().into_iter().flat_map(|base| report.ratios(base, kind));
                let itself = self.base().is_some_and(|base| base.name == report.name);
                match median(ratios()).filter(|ratio| !itself && ratio.is_finite()) {
                    Some(ratio) if place == 0 && report.rounds.len() > 1 => {
                        let (low, high) = range(ratios());
                        format!("{} ({ratio:.2}×, {low:.2} to {high:.2})", kind.show(value))
                    }
                    Some(ratio) => format!("{} ({ratio:.2}×)", kind.show(value)),
                    None => kind.show(value),
                }
            }));
            row
        };
        [heading].into_iter().chain(measured.map(row)).collect()
    }

    /// What has to be said beside the figures.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(base) = self.base() {
            let rounds = base.rounds.len();
            notes.push(match self.servers.len() {
                1 => counted(rounds),
                _ => format!(
                    "medians of {}; × is the median of paired ratios to {} (lowest to highest)",
                    counted(rounds),
                    base.name
                ),
            });
        }
        for report in &self.servers {
            let warning = report.rounds.iter().find_map(|round| round.warnings.first());
            notes.extend(warning.map(|warning| format!("{}: {warning}", report.name)));
            notes
                .extend(report.failed.as_ref().map(|why| format!("{} failed: {why}", report.name)));
        }
        notes
    }
}

/// Every figure of one server, and its threads.
fn details(report: &Report) -> String {
    let mut text = String::new();
    for kind in report.kinds() {
        let shown = kind.show(report.median(kind).unwrap_or_default());
        text += &format!("  {:<24} {shown:>14} {}", kind.name, kind.unit);
        if report.rounds.len() > 1 {
            let (low, high) = range(report.values(kind));
            text += &format!("  ({} to {})", kind.show(low), kind.show(high));
        }
        text = format!("{}\n", text.trim_end());
    }
    for (name, percent) in report.rounds.last().into_iter().flat_map(|round| &round.threads) {
        text += &format!("  thread {name:<17} {percent:>14.1} %\n");
    }
    text
}

/// Rows with their columns under one another.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("  {cell:<0$}", width(column)),
            _ => format!("  {cell:>0$}", width(column)),
        });
        text += cells.collect::<String>().trim_end();
        text.push('\n');
    }
    text
}

fn counted(rounds: usize) -> String {
    if rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::{
        super::report::{DELIVERIES_PER_S, Round, SERVER_NS},
        *,
    };

    fn server(name: &str, costs: &[f64]) -> Report {
        let figures = |ns| vec![(SERVER_NS, ns), (DELIVERIES_PER_S, 1e9 / ns)];
        let round = |&ns| Round { figures: figures(ns), ..Round::default() };
        Report { name: name.into(), rounds: costs.iter().map(round).collect(), failed: None }
    }

    fn table(servers: Vec<Report>) -> Table {
        Table { title: "fanout".into(), columns: &[SERVER_NS, DELIVERIES_PER_S], servers }
    }

    fn floor_and_ours() -> Table {
        table(vec![server("ours", &[100.0, 150.0, 120.0]), server("floor", &[50.0, 100.0, 60.0])])
    }

    #[test]
    fn servers_are_compared_with_the_floor() {
        assert_eq!(
            floor_and_ours().markdown(),
            "|  | CPU per delivery, ns | deliveries, /s |\n| --- | --- | --- |\n\
             | ours | 120.0 (2.00×, 1.50 to 2.00) | 8,333,333 (0.50×) |\n\
             | floor | 60.0 | 16,666,667 |\n\n\
             Fanout. medians of 3 rounds; × is the median of paired ratios to floor (lowest to highest).\n"
        );
        assert!(floor_and_ours().text().contains("\n  ours   120.0 (2.00×, 1.50 to 2.00) "));
    }

    #[test]
    fn one_server_alone_is_told_in_full() {
        let text = table(vec![server("ours", &[100.0, 200.0, 120.0])]).text();
        assert!(
            text.contains("  CPU per delivery                  120.0 ns  (100.0 to 200.0)\n"),
            "{text}"
        );
    }

    #[test]
    fn a_server_that_failed_is_told_with_the_reason() {
        let failed = Report { failed: Some("it would not".into()), ..server("theirs", &[]) };
        let table = table(vec![server("ours", &[1.0]), failed]);
        assert!(table.text().ends_with("  theirs failed: it would not\n"), "{}", table.text());
        assert_eq!(table.json()["servers"][1]["failed"], "it would not");
        assert_eq!(table.base().map(|base| base.name.as_str()), Some("ours"));
    }

    #[test]
    fn json_keeps_every_round() {
        let json = floor_and_ours().json();
        assert_eq!(json["servers"][0]["ratio"]["server_cpu_ns_per_delivery"], 2.0);
        assert_eq!(json["servers"][1]["rounds"][1]["server_cpu_ns_per_delivery"], 100.0);
    }
}
