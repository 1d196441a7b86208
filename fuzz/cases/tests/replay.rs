//! All inputs that are kept, played again on stable Rust: a test for each target.
//!
//! `cargo test -p fuzz-cases -- contract` plays those of one target. With `FUZZ_INPUT=file` it plays
//! that file alone, and with `FUZZ_SHOW=1` prints the case that its bytes stand for.

use std::{
    collections::BTreeSet,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::ExitCode,
};

use fuzz_cases::TARGETS;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("each folder has a target", each_folder_has_a_target),
        Trial::test("each target is built", each_target_is_built),
    ];
    for &(name, run) in TARGETS {
        trials.push(Trial::test(name, move || replay(name, run)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Plays the inputs of a target; tells which of them do not pass.
fn replay(name: &str, run: fn(&[u8])) -> Result<(), Failed> {
    let inputs = match env::var_os("FUZZ_INPUT") {
        Some(file) => vec![PathBuf::from(file)],
        None => {
            let seeds = files(&fuzz().join("seeds").join(name));
            if seeds.is_empty() {
                return Err("it has no seeds".into());
            }
            [seeds, files(&fuzz().join("regressions").join(name))].concat()
        }
    };
    let mut failed = Vec::new();
    for input in inputs {
        let data = fs::read(&input)?;
        if catch_unwind(AssertUnwindSafe(|| run(&data))).is_err() {
            failed.push(input.display().to_string());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

fn each_folder_has_a_target() -> Result<(), Failed> {
    let known: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for kind in ["seeds", "regressions"] {
        for folder in files(&fuzz().join(kind)) {
            if !known.contains(stem(&folder)) {
                return Err(format!("{} has no target", folder.display()).into());
            }
        }
    }
    Ok(())
}

/// The workspace that needs nightly Rust has a target for each name, and no other.
fn each_target_is_built() -> Result<(), Failed> {
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let sources = files(&fuzz().join("fuzz_targets"));
    let built: Vec<&str> = sources.iter().map(|source| stem(source)).collect();
    if built == known { Ok(()) } else { Err(format!("{known:?}, but built: {built:?}").into()) }
}

/// What is in a folder, by name; nothing if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be read").path());
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
