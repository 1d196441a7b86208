//! Scripts of what once went wrong, cut down to what it takes. Each must hold.

use sim::{Script, run_script};

fn holds(text: &str) {
    let script: Script = text.parse().expect("the script is well formed");
    assert_eq!(run_script(&script).failure, None, "\n{}", sim::timeline(&script, None).1);
}

#[test]
fn the_last_error_is_a_line_of_its_own() {
    holds(include_str!("scripts/torn-line.txt"));
}
