//! Scripts of what once went wrong, cut down to what it takes. Each must hold.

use sim::{Script, record};

fn holds(text: &str) {
    let script: Script = text.parse().expect("the script is well formed");
    let (outcome, log) = record(&script, None);
    assert_eq!(outcome.failure, None, "\n{log}");
}

#[test]
fn the_last_error_is_a_line_of_its_own() {
    holds(include_str!("scripts/torn-line.txt"));
}

#[test]
fn who_is_turned_away_is_told_why() {
    holds(include_str!("scripts/turned-away-in-silence.txt"));
}

#[test]
fn names_may_be_asked_while_they_are_told() {
    holds(include_str!("scripts/names-asked-while-told.txt"));
}

#[test]
fn who_asks_again_and_again_waits_again_and_again() {
    holds(include_str!("scripts/questions-one-after-another.txt"));
}

#[test]
fn a_kick_may_be_older_than_the_join_that_it_undoes() {
    holds(include_str!("scripts/kicked-by-an-older-kick.txt"));
}
