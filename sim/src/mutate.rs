//! The mutants: bugs put between the core's outbox and the client, to see whether the oracle sees them.

use crate::{profile::Mutant, rng::Rng};

/// What a mutant makes of bytes that begin at a line's start; `Some` once it has struck.
pub(crate) fn strike(mutant: Mutant, bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    if !matches!(mutant, Mutant::DuplicateLine | Mutant::LoseLine | Mutant::SwapLines) {
        return None;
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let said = |at: usize| lines.get(at).is_some_and(|line| is_message(line));
    let at = (0..lines.len()).find(|at| match mutant {
        Mutant::SwapLines => said(*at) && said(at + 1),
        _ => said(*at),
    })?;
    if !rng.chance(20) {
        return None;
    }
    let mut mutated = lines.clone();
    match mutant {
        Mutant::DuplicateLine => mutated.insert(at, lines[at]),
        Mutant::SwapLines => mutated.swap(at, at + 1),
        _ => {
            mutated.remove(at);
        }
    }
    Some(mutated.concat())
}

/// The first whole message to a channel among bytes that begin at a line's start.
pub(crate) fn channel_message(bytes: &[u8]) -> Option<&[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .find(|line| is_message(line) && line.windows(2).any(|two| two == b" #"))
}

fn is_message(line: &[u8]) -> bool {
    line.ends_with(b"\n") && line.windows(9).any(|word| word == b" PRIVMSG ")
}
