//! The real Tokio runtime on simulated hosts: many seeds hold, and each is the same in any process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use sim::{Layer, Profile, run_seed};

#[test]
fn runs_hold() {
    let profile = Profile::quick();
    for seed in 0..25 {
        assert_eq!(run_seed(seed, Layer::Turmoil, &profile).failure, None, "seed {seed}");
    }
}

#[test]
fn a_seed_is_the_same_run_in_another_process() {
    let process = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let told =
            command.args(["--ignored", "--nocapture", "tells_trace_hashes"]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let hashes: Vec<String> =
            told.lines().filter(|line| line.starts_with("trace ")).map(str::to_owned).collect();
        assert_eq!(hashes.len(), 5, "{told}");
        hashes
    };
    assert_eq!(process(), process());
}

#[test]
#[ignore = "other processes run it, to be compared"]
fn tells_trace_hashes() {
    let profile = Profile::quick();
    println!();
    for seed in 1_000..1_005 {
        println!("trace {:016x}", run_seed(seed, Layer::Turmoil, &profile).trace_hash);
    }
}
