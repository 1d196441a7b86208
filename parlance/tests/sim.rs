//! `parlance sim` as people run it: what holds, what fails, and what a failure leaves behind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A run of the command in a folder of its own.
fn sim(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_parlance"))
        .arg("sim")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn what_holds_says_so_and_is_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let (code, out, err) = sim(folder.path(), args);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("8 seeds from 4") && out.contains("; 0 failed"), "{out}");
        out.lines().find(|line| line.contains("trace")).unwrap().to_string()
    };
    let args = ["--seeds", "8", "--from", "4", "--profile", "calm"];
    let alone = run(&[&args[..], &["--jobs", "1"]].concat());
    assert_eq!(alone, run(&[&args[..], &["--jobs", "2", "--twice", "0"]].concat()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_failure_leaves_a_small_script_that_fails_again_and_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let bug = ["--mutant", "lose-line"];
    let args = [&bug[..], &["--seeds", "30", "--shrink-runs", "60", "--out", "small.txt"]].concat();
    let (code, out, err) = sim(folder.path(), &args);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("parlance sim replay small.txt --mutant lose-line"), "{out}");
    let again = out.lines().find(|line| line.starts_with("to see it again:")).unwrap();
    let again: Vec<&str> = again.split_whitespace().skip_while(|word| *word != "sim").collect();
    let again: Vec<&str> = again[1..].iter().copied().take_while(|w| !w.starts_with('(')).collect();
    assert_eq!(sim(folder.path(), &[&again[..], &["--shrink-runs", "1"]].concat()).0, 1);

    let replay = |more: &[&str]| sim(folder.path(), &[&["replay", "small.txt"], more].concat());
    let (code, _, err) = replay(&bug);
    assert_eq!((code, err.lines().count()), (1, 1), "{err}");
    assert!(err.contains("does not hold"), "{err}");
    let (code, out, _) = replay(&[]);
    assert_eq!(code, 0);
    assert!(out.contains("holds"), "{out}");

    let (code, out, _) = sim(folder.path(), &[&["show", "small.txt"], &bug[..]].concat());
    assert_eq!(code, 0);
    assert!(out.contains("timeline.html"), "{out}");
    let page = fs::read_to_string(folder.path().join("timeline.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("PRIVMSG"));
    let (_, out, _) = sim(folder.path(), &[&["show", "small.txt", "--text"], &bug[..]].concat());
    assert!(out.lines().last().unwrap().contains("DOES NOT HOLD"), "{out}");

    let shrink = ["shrink", "small.txt", "--runs", "20", "--out", "smaller.txt"];
    assert_eq!(sim(folder.path(), &[&shrink[..], &bug[..]].concat()).0, 0);
    let (code, _, _) = sim(folder.path(), &[&["replay", "smaller.txt"], &bug[..]].concat());
    assert_eq!(code, 1);
}

#[test]
fn what_makes_no_sense_is_said_and_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.txt"), "seed 1\nclients 1\n5 0 dance\n").unwrap();
    fs::write(folder.path().join("good.txt"), "seed 1\n5 0 connect\n").unwrap();
    for (args, words) in [
        (&["replay", "none.txt"][..], &["none.txt", "cannot read"][..]),
        (&["replay", "bad.txt"], &["bad.txt", "line 3", "5 0 dance"]),
        (&["shrink", "good.txt"], &["good.txt", "holds"]),
        (&["show"], &["--seed"]),
        (&["show", "--seed", "1", "--layer", "all"], &["one layer"]),
        (&["--layer", "cloud"], &["cloud", "memory", "all"]),
        (&["--profile", "mad"], &["mad", "quick"]),
        (&["--mutant", "none"], &["lose-line"]),
        (&["--minutes", "0"], &["minutes"]),
        (&["--minutes", "1", "--seed", "1"], &["--seed"]),
    ] {
        let (code, _, err) = sim(folder.path(), args);
        assert_eq!(code, 2, "{args:?}: {err}");
        for word in words {
            assert!(err.contains(word), "{args:?}, {word:?} is missing: {err}");
        }
    }
}
