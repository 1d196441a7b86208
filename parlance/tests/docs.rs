//! What the documents name is there: tests, and the crates that we depend on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use toml::Table;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The spans of a text that stand between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The tests that a document names, as in `path/file.rs::name` or `path/file.txt::title`.
fn tests_named_in(text: &str) -> Vec<(&str, &str)> {
    code(text)
        .filter_map(|span| span.split_once("::"))
        .filter(|(file, _)| file.contains('/') && (file.ends_with(".rs") || file.ends_with(".txt")))
        .collect()
}

#[test]
fn each_test_that_a_document_names_exists() {
    let mut documents = vec!["SECURITY.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Folders hold what is made, and say so themselves.
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    for document in documents {
        let text = read(&document);
        for (file, name) in tests_named_in(&text) {
            let found = match file.ends_with(".rs") {
                true => read(file).contains(&format!("fn {name}(")),
                false => read(file).lines().any(|line| line == format!("== {name}")),
            };
            assert!(found, "{document} names {file}::{name}, which is not there");
        }
    }
}

#[test]
fn each_class_of_bugs_has_a_test() {
    let text = read("docs/cve-classes.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() > 10, "the table is gone");
    for row in rows {
        assert!(!tests_named_in(row).is_empty(), "no test is named: {row}");
    }
}

/// The cells of the rows of a document's tables.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn each_limit_is_told_with_its_default() {
    let example = read("parlance/src/config.example.toml");
    let limits = example.split("[limits]").nth(1).unwrap();
    let limits: BTreeMap<&str, &str> = limits
        .lines()
        .take_while(|line| !line.starts_with("#[["))
        .filter_map(|line| line.split_once(" = "))
        .collect();
    let text = read("docs/limits.md");
    let told: BTreeMap<&str, &str> = rows(&text)
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
fn each_limit_has_a_test() {
    let text = read("docs/limits.md");
    for row in rows(&text).filter(|row| row.last() != Some(&"shown by")) {
        let shown = row.last().unwrap();
        let named = tests_named_in(shown).len();
        assert!(named > 0 && named == code(shown).count(), "{}: no test is named: {shown}", row[0]);
    }
}

#[test]
fn each_direct_dependency_is_accounted_for() {
    let members = ["chat-core", "runtime", "runtime-mio", "runtime-tokio", "parlance", "sim"];
    let others = ["fuzz", "fuzz/cases", "chat-core/no-std-proof"];
    let mut used = BTreeSet::new();
    for member in members.iter().chain(&others) {
        let manifest: Table = read(&format!("{member}/Cargo.toml")).parse().unwrap();
        let targets = manifest.get("target").and_then(|all| all.as_table());
        let of_targets = targets.into_iter().flatten().filter_map(|(_, table)| table.as_table());
        for table in of_targets.chain([&manifest]) {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let found = table.get(kind).and_then(|found| found.as_table());
                for (name, value) in found.into_iter().flatten() {
                    if value.get("path").is_none() && value.get("workspace").is_none() {
                        used.insert(name.clone());
                    }
                }
            }
        }
    }
    let text = read("DEPENDENCIES.md");
    let direct = text.split("\n## Behind them").next().unwrap();
    let rows = direct.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<String> =
        rows.filter_map(|row| code(row).next()).map(str::to_owned).collect();
    assert_eq!(listed, used, "DEPENDENCIES.md (left) and the manifests differ");
}

/// `deny.toml` says so too, but not every machine has cargo-deny.
#[test]
fn everything_comes_from_the_registry() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        let Some(source) = package.get("source") else { continue };
        assert!(source.as_str().unwrap().ends_with("/crates.io-index"), "{package}");
        assert!(package.get("checksum").is_some(), "{package}");
    }
}

#[test]
fn overflow_is_checked_in_releases() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["profile"]["release"]["overflow-checks"].as_bool(), Some(true));
    assert_eq!(manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("deny"));
}
