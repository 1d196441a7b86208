//! The mutants: bugs put between the core's outbox and the client, to see whether the judge sees them.

use std::borrow::Cow;

use crate::{
    client::Client,
    judge::LifeId,
    pipe::Pipe,
    profile::Mutant,
    rng::{Concern, Rng},
};

/// One mutant at work.
pub(crate) struct Saboteur {
    mutant: Mutant,
    rng: Rng,
}

impl Saboteur {
    pub(crate) fn new(mutant: Mutant, seed: u64) -> Self {
        Self { mutant, rng: Rng::new(seed, Concern::Mutant) }
    }

    /// Changes bytes that are written to `life`; `partial`: the socket takes no more of them. What
    /// goes astray by it, and to whom.
    pub(crate) fn strike(
        &mut self,
        bytes: &mut Cow<'_, [u8]>,
        partial: bool,
        life: LifeId,
        clients: &[Client],
        pipes: &[Pipe],
    ) -> Option<(LifeId, Vec<u8>)> {
        if self.mutant == Mutant::LoseByteOnPartialWrite && partial {
            bytes.to_mut().pop();
        }
        if !pipes[life].at_line {
            return None;
        }
        if let Some(mutated) = strike(self.mutant, bytes, &mut self.rng) {
            *bytes = mutated.into();
        }
        if self.mutant != Mutant::DeliverToNonMember || !self.rng.chance(20) {
            return None;
        }
        let line = channel_message(bytes)?;
        let text = String::from_utf8_lossy(line);
        let channel = text.split(" #").nth(1)?.get(2..)?.split(' ').next()?.parse::<u32>().ok()?;
        let victim = clients.iter().find(|client| {
            !client.wanted.contains(&channel)
                && client.ready().is_some_and(|other| other != life && pipes[other].at_line)
        });
        Some((victim?.ready()?, line.to_vec()))
    }
}

/// What a mutant makes of bytes that begin at a line's start; `Some` once it has struck.
fn strike(mutant: Mutant, bytes: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
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
fn channel_message(bytes: &[u8]) -> Option<&[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .find(|line| is_message(line) && line.windows(2).any(|two| two == b" #"))
}

fn is_message(line: &[u8]) -> bool {
    line.ends_with(b"\n") && line.windows(9).any(|word| word == b" PRIVMSG ")
}
