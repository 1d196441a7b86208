//! A run that fails because of a known bug is cut down to what it takes.

use std::ops::ControlFlow;

use sim::{Layer, Mutant, Profile, Script, Shrunk, run_script, shrink};

/// The first of the seeds that the bug makes fail.
fn failing(mutant: Mutant) -> Script {
    let profile = Profile::quick().with(mutant);
    let scripts = (0..200).map(|seed| Layer::Memory.script(seed, &profile));
    let mut failing = scripts.filter(|script| run_script(script, Some(mutant)).failure.is_some());
    failing.next().expect("the bug is seen in 200 seeds")
}

fn shrunk(mutant: Mutant, script: &Script) -> Shrunk {
    let run = |script: &Script| run_script(script, Some(mutant)).failure;
    shrink(script, 400, run, |_| ControlFlow::Continue(())).expect("it fails")
}

#[test]
fn a_run_with_a_known_bug_becomes_a_few_steps_with_the_same_failure() {
    for mutant in [Mutant::LoseLine, Mutant::DuplicateLine, Mutant::DeafToTime] {
        let script = failing(mutant);
        let property = run_script(&script, Some(mutant)).failure.expect("it fails").property;
        let shrunk = shrunk(mutant, &script);
        let again = run_script(&shrunk.script, Some(mutant)).failure;
        assert_eq!(again.as_ref(), Some(&shrunk.failure), "{mutant:?}");
        assert_eq!(shrunk.failure.property, property, "{mutant:?}");
        assert!(shrunk.script.steps.len() <= 10, "{mutant:?}:\n{}", shrunk.script);
        assert_eq!(shrunk.script.to_string().parse(), Ok(shrunk.script), "{mutant:?}");
    }
}

#[test]
fn shrinking_is_the_same_again() {
    let script = failing(Mutant::SwapLines);
    let shrunk_at = |runs| {
        let run = |script: &Script| run_script(script, Some(Mutant::SwapLines)).failure;
        shrink(&script, runs, run, |_| ControlFlow::Continue(()))
    };
    assert_eq!(shrunk_at(60), shrunk_at(60));
}
