//! `parlance bench`: every scenario on the servers of this program, and what is told when there is no figure.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlance");

fn bench(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("bench").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The table of a comparison that succeeds.
fn table(arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What is said of a comparison that gives no figure.
fn failure(code: i32, arguments: &[&str]) -> String {
    let output = bench(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    assert!(output.stdout.is_empty());
    said(&output)
}

/// Runs a scenario on the floor and on both of our runtimes, and sees a row of figures of each.
fn runs(scenario: &[&str]) {
    let table = table(&[scenario, &["floor", "mio", "tokio"]].concat());
    for server in ["floor", "mio", "tokio"] {
        let row = table.lines().find(|line| line.trim_start().starts_with(server));
        assert!(row.is_some_and(|row| row.contains(|c: char| c.is_ascii_digit())), "{table}");
    }
    assert!(!table.contains("failed"), "{table}");
}

/// A server that a script makes.
fn script(folder: &Path, text: &str) -> String {
    let file = folder.join("server");
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn fanout_runs_on_all() {
    runs(&["fanout", "--members", "10", "--senders", "2", "--deliveries", "3000", "--rounds", "2"]);
}

#[test]
fn rooms_run_on_all() {
    runs(&["rooms", "--connections", "12", "--channels", "3", "--deliveries", "3000"]);
}

#[test]
fn latency_runs_on_all() {
    runs(&["latency", "--members", "5", "--rate", "300", "--seconds", "1"]);
}

#[test]
fn idle_runs_on_all() {
    runs(&["idle", "--connections", "20", "--hold", "0"]);
    runs(&["idle", "--connections", "20", "--hold", "0", "--full"]);
}

#[test]
fn storm_runs_on_all() {
    runs(&["storm", "--clients", "50"]);
}

#[test]
fn join_quit_runs_on_all() {
    runs(&["join-quit", "--members", "10", "--visitors", "30"]);
}

#[test]
fn tags_run_on_all() {
    runs(&["tags", "--receivers", "10", "--senders", "2", "--deliveries", "3000"]);
}

#[test]
fn slow_readers_run_on_all() {
    runs(&["slow-readers", "--members", "4", "--slow", "2", "--deliveries", "3000"]);
}

#[test]
fn bursts_run_on_all() {
    runs(&["burst", "--members", "20", "--lines", "16", "--bursts", "3"]);
}

#[test]
fn slow_readers_who_are_owed_too_much_are_ended_and_the_others_do_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("small.toml");
    let limits =
        "[limits]\nlines_per_second = \"none\"\nsendq_hard = \"64 KiB\"\nsendq_soft = \"32 KiB\"\n";
    fs::write(&config, format!("[server]\ndefault_channels = []\n{limits}")).unwrap();
    let server = format!("mio --config {}", config.display());
    // More for each than a socket of this system takes.
    let scenario =
        ["slow-readers", "--members", "2", "--slow", "2", "--payload", "350", "--window", "16"];
    let table = table(&[&scenario[..], &["--deliveries", "60000", &server]].concat());
    let ended = table.lines().find(|line| line.contains("slow readers ended")).unwrap();
    assert!(ended.trim_end().ends_with(" 2"), "{table}");
}

#[test]
fn json_has_every_round_and_every_thread() {
    let arguments = ["fanout", "--members", "5", "--deliveries", "2000", "--rounds", "3"];
    let table = table(&[&arguments[..], &["--format", "json", "mio", "floor"]].concat());
    let json: serde_json::Value = serde_json::from_str(&table).unwrap();
    assert_eq!(json["servers"][0]["name"], "mio");
    assert_eq!(json["servers"][0]["rounds"].as_array().unwrap().len(), 3);
    assert!(json["servers"][0]["ratio"]["server_cpu_ns_per_delivery"].as_f64().unwrap() > 0.0);
    assert!(json["servers"][0]["threads"].is_array());
}

#[test]
fn a_server_that_ends_in_the_middle_is_told_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    // It says where it listens, and ends.
    let mortal = script(folder.path(), "echo listening on 127.0.0.1:1; exit 3");
    let mortal = format!("mortal={mortal}");
    let table = table(&["fanout", "--members", "5", "--deliveries", "2000", &mortal, "floor"]);
    assert!(
        table.contains(
            "\n  mortal failed: mortal ended in the middle: exit status: 3; it said: nothing\n"
        ),
        "{table}"
    );
    assert!(table.contains("\n  floor "), "{table}");
}

#[test]
fn nobody_listening_is_told() {
    let error = failure(1, &["fanout", "127.0.0.1:1"]);
    assert!(error.contains("cannot connect to 127.0.0.1:1: Connection refused"), "{error}");
    assert!(error.contains("start the server or correct its address"), "{error}");
}

#[test]
fn a_server_that_is_not_installed_is_told_with_the_way_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = format!("gone={}", folder.path().join("ircd").display());
    let error = failure(1, &["fanout", &server]);
    assert!(error.contains("cannot start gone: No such file"), "{error}");
}

#[test]
fn memory_of_a_server_that_runs_needs_its_process() {
    let error = failure(2, &["idle", "127.0.0.1:1"]);
    assert!(error.contains("name it with --pid"), "{error}");
}

#[test]
fn too_few_descriptors_are_told_before_anything_is_measured() {
    let command = format!("ulimit -n 200; exec {PROGRAM} bench fanout --members 300 floor");
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    let error = said(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("descriptors are needed but 200 allowed; raise the hard limit"),
        "{error}"
    );
}

#[test]
fn an_unknown_scenario_or_server_is_told() {
    assert!(failure(2, &["fan-out", "mio"]).contains("unrecognized subcommand 'fan-out'"));
    assert!(failure(2, &["fanout", "uring"]).contains("neither floor, mio, tokio, inspircd"));
    assert!(failure(2, &["fanout"]).contains("<SERVER>..."));
}

#[test]
fn a_document_is_renewed_by_its_own_commands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("README.md");
    let begin = "<!-- bench small: fanout --members 5 --deliveries 2000 floor mio -->\n";
    fs::write(&file, format!("before\n{begin}old\n<!-- end -->\nafter\n")).unwrap();
    let name = file.to_str().unwrap();

    assert_eq!(table(&["document", name, "small"]), "");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with(&format!("before\n{begin}\n![CPU per delivery, ns](small.svg)\n")),
        "{text}"
    );
    assert!(text.contains("\n| mio | ") && !text.contains("old"), "{text}");
    assert!(text.ends_with("```\n<!-- end -->\nafter\n"), "{text}");
    assert!(fs::read_to_string(folder.path().join("small.svg")).unwrap().starts_with("<svg "));
    assert!(fs::read_to_string(folder.path().join("small.json")).unwrap().contains("\"rounds\""));

    let error = failure(2, &["document", name, "large"]);
    assert!(error.contains("has no section large; it has: small"), "{error}");
}
