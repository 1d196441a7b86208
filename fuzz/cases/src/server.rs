//! Whole runs of the simulator, made up by the fuzzer: honest clients, strangers and faults around a
//! server in memory, and the simulator's judge of all that the clients are told.
//!
//! Any bytes are a script. With `FUZZ_SHOW` in the environment it is printed, in the form that
//! `parlance sim replay`, `shrink` and `show` read.

use sim::{Action, Pieces, Profile, Script, run_script};

/// Lines at once where the network cuts everything into bytes: more would take seconds.
const BYTEWISE_FLOOD: u32 = 10;

/// Plays a script; panics with it if the judge finds that something does not hold.
pub fn run(data: &[u8]) {
    #[cfg(feature = "mutants")]
    activate_mutant();
    let script = script(data);
    crate::show(format_args!("{script}"));
    if let Some(failure) = run_script(&script, None).failure {
        panic!("`{}` does not hold: {}\n{script}", failure.property, failure.detail);
    }
}

/// The bytes of the script that a seed is: to begin with.
#[must_use]
pub fn seed(number: u64) -> Vec<u8> {
    Script::bytes(number, &Profile::quick())
}

/// The script that the bytes are, which is one of milliseconds.
fn script(data: &[u8]) -> Script {
    let mut script = Script::from_bytes(data, &Profile::quick());
    if script.pieces == Pieces::Bytes {
        for step in &mut script.steps {
            if let Action::Flood(_, lines) = &mut step.action {
                *lines = (*lines).min(BYTEWISE_FLOOD);
            }
        }
    }
    script
}

/// Switches on the known bug that `MUTANT` in the environment names, to see that it is found.
#[cfg(feature = "mutants")]
fn activate_mutant() {
    use chat_core::mutants::{Mutant, activate};
    let name = std::env::var("MUTANT").unwrap_or_default();
    activate(Some(Mutant::by_name(&name).expect("MUTANT names a known bug")));
}
