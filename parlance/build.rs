//! Tells the program which commit it is built from, if that can be known.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=PARLANCE_COMMIT");
    let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) else { return };
    println!("cargo:rerun-if-changed={log}");
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=PARLANCE_COMMIT={commit}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|out| out.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_string())
}
