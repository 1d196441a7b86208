//! docs/limits.md: every limit is there as it is, with a test that is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: impl AsRef<Path>) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// The cells of the rows of its tables.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_limit_is_there_with_its_default() {
    let example = read("parlance/src/config.example.toml");
    let limits = example.split("[limits]").nth(1).expect("there are limits");
    let limits: BTreeMap<&str, &str> = limits
        .lines()
        .take_while(|line| !line.starts_with("#[["))
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let document = read("docs/limits.md");
    let told: BTreeMap<&str, &str> = rows(&document)
        .filter_map(|row| Some((row[0].strip_prefix('`')?.strip_suffix('`')?, row[1])))
        .collect();
    for (key, value) in limits.iter().filter(|(key, _)| **key != "exempt") {
        assert_eq!(told.get(key), Some(value), "{key} in docs/limits.md");
    }
    for key in told.keys() {
        assert!(limits.contains_key(key), "{key} of docs/limits.md is no limit");
    }
}

#[test]
fn every_limit_is_shown_by_a_test_that_is_there() {
    let mut tests = BTreeSet::new();
    for folder in ["chat-core", "runtime-mio", "runtime-tokio", "parlance", "sim"] {
        collect(&root().join(folder), &mut tests);
    }
    let document = read("docs/limits.md");
    for row in rows(&document).filter(|row| row.last() != Some(&"shown by")) {
        let shown: Vec<&str> = row.last().into_iter().flat_map(|cell| quoted(cell)).collect();
        assert!(!shown.is_empty(), "{} is shown by nothing", row[0]);
        for test in shown {
            assert!(tests.contains(test), "{}: there is no test {test:?}", row[0]);
        }
    }
}

/// The names of functions, and the titles of transcripts.
fn collect(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            collect(&path, into);
        } else if let Some("rs" | "txt") = kind {
            let text = fs::read_to_string(&path).expect("it is text");
            for line in text.lines().map(str::trim) {
                let test = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
                into.extend(test.or_else(|| line.strip_prefix("== ")).map(str::to_owned));
            }
        }
    }
}
