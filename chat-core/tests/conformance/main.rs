//! What the specifications demand, as transcripts: each scenario of `*.txt` is a test of its own.
//!
//! `cargo test -p chat-core --test conformance -- JOIN` runs those with that word in their name.
//! `UPDATE=1` fills in each `?` and writes `INDEX.md`.

mod index;
mod pattern;
mod play;
mod scenario;
#[path = "../support/mod.rs"]
mod support;

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    play::{Edit, place, play},
    scenario::{Scenario, parse},
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let update = std::env::var_os("UPDATE").is_some();
    let mut trials = Vec::new();
    let mut scenarios = Vec::new();
    for (name, test) in pattern::tests().into_iter().chain(scenario::tests()) {
        trials.push(trial(format!("format::{name}"), move || {
            test();
            Ok(())
        }));
    }
    for file in files() {
        let read = || parse(&file, &text(&file));
        match read() {
            Ok(mut found) => {
                if update && fill(&file, &found) {
                    found = read().expect("what was filled in can be read");
                }
                scenarios.append(&mut found);
            }
            Err((line, why)) => {
                let why = format!("{}: {why}", place(&file, line));
                trials.push(trial(format!("{file}::can be read"), move || Err(why.clone())));
            }
        }
    }
    let index = index::index(&scenarios);
    if update {
        fs::write(folder().join("INDEX.md"), &index).expect("INDEX.md can be written");
    }
    trials.push(trial("index::is up to date".into(), move || {
        let found = fs::read_to_string(folder().join("INDEX.md")).unwrap_or_default();
        if found == index { Ok(()) } else { Err("INDEX.md is stale: run with UPDATE=1".into()) }
    }));
    for scenario in scenarios {
        let Scenario { file, section, title, .. } = &scenario;
        let (name, unmet) = (format!("{file}::{section}::{title}"), scenario.unmet.is_some());
        let scenario = Arc::new(scenario);
        let run = move || if unmet { Ok(()) } else { play(&scenario, false).map(|_| ()) };
        trials.push(trial(name, run).with_ignored_flag(unmet));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: String, run: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(Failed::from))
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "conformance"].iter().collect()
}

fn text(file: &str) -> String {
    fs::read_to_string(folder().join(format!("{file}.txt"))).expect("the file can be read")
}

/// The names of all files of scenarios, in order.
fn files() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder is there");
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(".txt")?.to_owned())).collect();
    files.sort();
    files
}

/// Fills in what is open in a file. Whether anything was.
fn fill(file: &str, scenarios: &[Scenario]) -> bool {
    let mut edits: Vec<Edit> = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.unmet.is_none()) {
        // One that fails is told when it runs as a test.
        edits.extend(play(scenario, true).unwrap_or_default());
    }
    let mut lines: Vec<String> = text(file).lines().map(str::to_owned).collect();
    edits.sort();
    for (number, new) in edits.iter().rev() {
        lines.splice(number - 1..*number, new.iter().cloned());
    }
    if !edits.is_empty() {
        let text = lines.join("\n") + "\n";
        fs::write(folder().join(format!("{file}.txt")), text).expect("the file can be written");
    }
    !edits.is_empty()
}
