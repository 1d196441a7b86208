//! A document that says which commands its tables and plots come from, and is renewed by running them.

use std::{fs, path::Path};

use clap::Parser;

use super::{BenchArgs, BenchError, chart, table::Table, target::words};

/// What `--help` says of documents.
pub(super) const HELP: &str = "\
A section of the document stands between two comments:
  <!-- bench fanout-100: fanout --members 100 --rounds 5 floor mio tokio -->
  <!-- end -->
What is between them is replaced by a plot, a table and the command; the plot goes to fanout-100.svg and
every figure to fanout-100.json, beside the document.";

/// Runs the sections of these names, or all, one after another; the document is written after each.
///
/// # Errors
/// If the document cannot be read or written, has no such section, or a command gives no figure.
pub(super) fn renew(file: &Path, names: &[String]) -> Result<(), BenchError> {
    let text = read(file)?;
    let all: Vec<String> = sections(&text).map(|section| section.name.to_owned()).collect();
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        return Err(BenchError::Usage(format!(
            "{} has no section {unknown}; it has: {}",
            file.display(),
            all.join(", ")
        )));
    }
    for name in all.iter().filter(|name| names.is_empty() || names.contains(name)) {
        eprintln!("section {name}");
        // Read again, since it may have been edited meanwhile.
        let text = read(file)?;
        let Some(section) = sections(&text).find(|section| section.name == name) else { continue };
        let table = section.run()?;
        let beside = |ending: &str| file.with_file_name(format!("{name}.{ending}"));
        if let Some(svg) = chart::svg(&table) {
            write(&beside("svg"), &svg)?;
        }
        write(&beside("json"), &format!("{:#}\n", table.json()))?;
        write(file, &section.renewed(&text, &table))?;
    }
    Ok(())
}

/// A part of a document that is made by a command.
#[derive(Debug, PartialEq, Eq)]
struct Section<'a> {
    name: &'a str,
    /// The command, without `parlance bench`.
    command: &'a str,
    /// Where in the document its content begins and ends.
    begin: usize,
    end: usize,
}

/// A command as it stands in a document.
#[derive(Debug, Parser)]
#[command(name = "parlance bench")]
struct Line {
    #[command(flatten)]
    bench: BenchArgs,
}

impl Section<'_> {
    fn run(&self) -> Result<Table, BenchError> {
        let wrong = |why: String| {
            BenchError::Usage(format!("section {}: {}", self.name, why.trim().replace('\n', " ")))
        };
        let line = ["parlance bench".to_owned()].into_iter().chain(words(self.command));
        let line = Line::try_parse_from(line).map_err(|error| wrong(error.to_string()))?;
        let (scenario, compare) =
            line.bench.command.comparison().ok_or_else(|| wrong("it compares nothing".into()))?;
        compare.compare(scenario)
    }

    fn renewed(&self, text: &str, table: &Table) -> String {
        let (before, rest) = text.split_at(self.begin);
        let (_, after) = rest.split_at(self.end - self.begin);
        let plot = table.columns.first().map(|kind| kind.heading()).unwrap_or_default();
        format!(
            "{before}\n![{plot}]({name}.svg)\n\n{}\n```sh\nparlance bench {}\n```\n{after}",
            table.markdown(),
            self.command,
            name = self.name
        )
    }
}

/// The sections of a document, in order.
fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    text.match_indices(BEGIN).filter_map(|(at, _)| {
        let (head, _) = text.get(at + BEGIN.len()..)?.split_once(" -->\n")?;
        let (name, command) = head.split_once(": ")?;
        let begin = at + BEGIN.len() + head.len() + " -->\n".len();
        let end = begin + text.get(begin..)?.find(END)?;
        Some(Section { name, command, begin, end })
    })
}

const BEGIN: &str = "<!-- bench ";
const END: &str = "<!-- end -->";

fn read(file: &Path) -> Result<String, BenchError> {
    fs::read_to_string(file).map_err(|error| BenchError::File { path: file.to_owned(), error })
}

fn write(file: &Path, text: &str) -> Result<(), BenchError> {
    fs::write(file, text).map_err(|error| BenchError::File { path: file.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::{
        super::report::{Report, Round, SERVER_NS},
        *,
    };

    const TEXT: &str = "# Title\n<!-- bench one: fanout \"mio --x 1\" -->\nold\n<!-- end -->\nbetween\n\
                        <!-- bench two: rooms floor -->\n<!-- end -->\n";

    #[test]
    fn a_section_has_a_name_and_a_command() {
        let found: Vec<_> = sections(TEXT).map(|section| (section.name, section.command)).collect();
        assert_eq!(found, [("one", "fanout \"mio --x 1\""), ("two", "rooms floor")]);
    }

    #[test]
    fn renewing_replaces_what_is_between_the_comments_and_nothing_else() {
        let round = Round { figures: vec![(SERVER_NS, 5.0)], ..Round::default() };
        let report = Report { name: "floor".into(), rounds: vec![round], failed: None };
        let table = Table { title: "t".into(), columns: &[SERVER_NS], servers: vec![report] };
        let section = sections(TEXT).next().expect("there are two");
        let renewed = section.renewed(TEXT, &table);
        let head = "# Title\n<!-- bench one: fanout \"mio --x 1\" -->\n\n![CPU per delivery, ns](one.svg)\n\n";
        assert!(renewed.starts_with(head), "{renewed}");
        let tail = "\n```sh\nparlance bench fanout \"mio --x 1\"\n```\n<!-- end -->\nbetween\n";
        assert!(renewed.contains(tail) && !renewed.contains("old"), "{renewed}");
        assert_eq!(sections(&renewed).count(), 2);
    }
}
