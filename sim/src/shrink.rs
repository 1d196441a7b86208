//! Makes a failing script smaller, as long as it fails in the same way.
//!
//! Delta debugging: first steps go, in ever smaller pieces, then clients, then numbers (lengths, counts,
//! durations, the head's), then time; and again, until nothing goes. A candidate is taken if the same
//! property fails, so that no other failure is found on the way and followed.

use std::ops::ControlFlow;

use crate::{
    run::Failure,
    script::{Action, Script},
};

/// A script made smaller.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shrunk {
    /// The smallest that was found.
    pub script: Script,
    /// How it fails.
    pub failure: Failure,
    /// How many runs that took.
    pub runs: u64,
    /// Whether nothing was left to try.
    pub complete: bool,
}

/// Runs are seconds at most with this many.
pub const SHRINK_RUNS: u64 = 2_000;

/// Shrinks a script that fails, with at most so many runs; `None` if it does not fail.
///
/// `run` says how a script fails. `progress` is called after each run with what is the smallest by then,
/// and says whether to go on. The same calls give the same script.
pub fn shrink(
    script: &Script,
    most_runs: u64,
    run: impl FnMut(&Script) -> Option<Failure>,
    progress: impl FnMut(&Shrunk) -> ControlFlow<()>,
) -> Option<Shrunk> {
    let mut run = run;
    let failure = run(script)?;
    let best = Shrunk { script: script.clone(), failure, runs: 1, complete: false };
    let mut search = Search { best, most_runs, run, progress, over: false };
    search.drop_what_comes_later();
    loop {
        let before = search.best.script.clone();
        search.drop_steps();
        search.drop_clients();
        search.lower_head();
        search.lower_numbers();
        search.hurry();
        if search.over {
            break;
        }
        if search.best.script == before {
            search.best.complete = true;
            break;
        }
    }
    Some(search.best)
}

struct Search<R, P> {
    best: Shrunk,
    most_runs: u64,
    run: R,
    progress: P,
    over: bool,
}

impl<R, P> Search<R, P>
where
    R: FnMut(&Script) -> Option<Failure>,
    P: FnMut(&Shrunk) -> ControlFlow<()>,
{
    /// Whether a candidate fails in the same way; then it is the best from now on.
    fn works(&mut self, candidate: Script) -> bool {
        self.over |= self.best.runs >= self.most_runs;
        if self.over || candidate == self.best.script {
            return false;
        }
        self.best.runs += 1;
        let failure = (self.run)(&candidate);
        let same = failure.filter(|failure| failure.property == self.best.failure.property);
        let works = same.is_some();
        if let Some(failure) = same {
            (self.best.script, self.best.failure) = (candidate, failure);
        }
        self.over |= (self.progress)(&self.best).is_break();
        works
    }

    /// The same for a candidate that is changed text: what does not read back is none.
    fn works_as_text(&mut self, lines: &[String]) -> bool {
        let read = lines.join("\n").parse::<Script>();
        read.is_ok_and(|script| self.works(script))
    }

    fn lines(&self) -> Vec<String> {
        self.best.script.to_string().lines().map(String::from).collect()
    }

    /// What was to happen after the failure is not its cause.
    fn drop_what_comes_later(&mut self) {
        let mut candidate = self.best.script.clone();
        candidate.steps.retain(|step| step.at_ms <= self.best.failure.at_ms);
        self.works(candidate);
    }

    fn drop_steps(&mut self) {
        let mut size = self.best.script.steps.len().div_ceil(2);
        while size > 0 && !self.over {
            let mut end = self.best.script.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut candidate = self.best.script.clone();
                candidate.steps.drain(start..end);
                self.works(candidate);
                end = start;
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// The numbers of the others close up.
    fn drop_clients(&mut self) {
        for client in (0..self.best.script.clients).rev() {
            let mut candidate = self.best.script.clone();
            if candidate.clients == 1 {
                return;
            }
            candidate.clients -= 1;
            candidate.steps.retain_mut(|step| {
                let other = addressed(&mut step.action).is_none_or(|to| *to != client);
                step.client != client && other
            });
            for step in &mut candidate.steps {
                step.client -= u32::from(step.client > client);
                if let Some(to) = addressed(&mut step.action) {
                    *to -= u32::from(*to > client);
                }
            }
            self.works(candidate);
        }
    }

    /// A line of the head that is not there leaves what it says at its default, which reads best.
    fn lower_head(&mut self) {
        for at in (0..self.lines().len()).rev() {
            let mut lines = self.lines();
            let words: Vec<&str> = lines[at].split(' ').collect();
            let [name, value] = words[..] else { continue };
            // Another seed is another run, and nothing would be learnt from it.
            if matches!(name, "parlance-sim" | "layer" | "seed") {
                continue;
            }
            let name = name.to_string();
            if name == "pieces" {
                lines[at] = "pieces whole".into();
                self.works_as_text(&lines);
            } else if matches!(&*name, "clients" | "channels") {
                // Those that nobody names.
                for fewer in 1..value.parse::<u32>().unwrap_or(0) {
                    lines[at] = format!("{name} {fewer}");
                    if self.works_as_text(&lines) {
                        break;
                    }
                }
            } else {
                lines.remove(at);
                self.works_as_text(&lines);
            }
        }
    }

    /// Every number of every step but its time: 0 if that does, or 1, or half and half again.
    fn lower_numbers(&mut self) {
        let steps = self.best.script.steps.len();
        for back in 1..=steps {
            let at = self.lines().len() - back;
            let words = self.lines()[at].split(' ').count();
            // The first is the time, the second the client.
            for word in 1..words {
                if self.lower(at, word, 0) || self.lower(at, word, 1) {
                    continue;
                }
                while let Some(number) = number(&self.lines()[at], word)
                    && number.abs() > 2
                    && self.lower(at, word, number / 2)
                {}
            }
        }
    }

    fn lower(&mut self, at: usize, word: usize, to: i64) -> bool {
        let mut lines = self.lines();
        let Some(before) = number(&lines[at], word) else { return false };
        if before.abs() <= to.abs() {
            return false;
        }
        let mut words: Vec<String> = lines[at].split(' ').map(String::from).collect();
        words[word] = to.to_string();
        lines[at] = words.join(" ");
        self.works_as_text(&lines)
    }

    /// Quiet time goes: everywhere at once if that does, else gap by gap.
    fn hurry(&mut self) {
        for gap in [1, 10, 100, 1_000, 10_000] {
            let mut candidate = self.best.script.clone();
            for (number, step) in candidate.steps.iter_mut().enumerate() {
                step.at_ms = step.at_ms.min(number as u64 * gap);
            }
            if self.works(candidate) {
                break;
            }
        }
        for at in 0..self.best.script.steps.len() {
            for left in [0, 1, 5] {
                let mut candidate = self.best.script.clone();
                let before = if at > 0 { candidate.steps[at - 1].at_ms } else { 0 };
                let gap = candidate.steps[at].at_ms - before;
                let less = gap - gap * left / 10;
                for step in &mut candidate.steps[at..] {
                    step.at_ms -= less;
                }
                if self.works(candidate) {
                    break;
                }
            }
        }
    }
}

/// The other client that an action concerns.
fn addressed(action: &mut Action) -> Option<&mut u32> {
    match action {
        Action::Tell(to, _)
        | Action::Kick(_, to)
        | Action::Invite(_, to)
        | Action::Whois(to)
        | Action::Mode(_, _, 'o' | 'v' | 'b', to) => Some(to),
        _ => None,
    }
}

/// The number that a word of a line is.
fn number(line: &str, word: usize) -> Option<i64> {
    line.split(' ').nth(word)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{layer::Layer, profile::Profile};

    fn failure(property: &'static str, script: &Script) -> Failure {
        Failure {
            property,
            at_ms: 50_000,
            detail: String::new(),
            seed: script.seed,
            profile: "",
            layer: Layer::Memory,
        }
    }

    /// A bug that takes a long stall, and afterwards something long that is said in a channel.
    fn stalled_talk(script: &Script) -> Option<Failure> {
        let stall = |step: &crate::Step| matches!(step.action, Action::StallUp(ms) if ms > 100);
        let stalled = script.steps.iter().position(stall)?;
        let said = |step: &crate::Step| matches!(step.action, Action::Say(_, len) if len > 9);
        script.steps[stalled..].iter().any(said).then(|| failure("order", script))
    }

    fn failing() -> Script {
        let scripts = (0..).map(|seed| Script::generate(seed, &Profile::quick()));
        scripts.into_iter().find(|script| stalled_talk(script).is_some()).expect("one of many")
    }

    #[test]
    fn what_is_no_part_of_the_cause_goes() {
        let shrunk = shrink(&failing(), 5_000, stalled_talk, |_| ControlFlow::Continue(()))
            .expect("it fails");
        assert!(shrunk.complete);
        let steps: Vec<String> = shrunk.script.steps.iter().map(|s| s.action.to_string()).collect();
        let [stall, say] = &steps[..] else { panic!("{}", shrunk.script) };
        assert!(number(stall, 1) <= Some(202) && stall.starts_with("stall-up"), "{stall}");
        assert!(number(say, 2) <= Some(20) && say.starts_with("say 0"), "{say}");
        assert_eq!((shrunk.script.clients, shrunk.script.channels), (1, 1));
        assert!(shrunk.script.steps.iter().all(|step| step.at_ms < 10), "{}", shrunk.script);
    }

    #[test]
    fn another_failure_is_not_followed() {
        let script = failing();
        let steps = script.steps.len();
        let run = |candidate: &Script| {
            let all = candidate.steps.len() == steps;
            Some(failure(if all { "order" } else { "panic" }, candidate))
        };
        let shrunk = shrink(&script, 500, run, |_| ControlFlow::Continue(())).expect("it fails");
        assert_eq!((shrunk.failure.property, shrunk.script.steps.len()), ("order", steps));
    }

    #[test]
    fn what_holds_is_not_shrunk_and_runs_are_bounded() {
        let script = failing();
        assert_eq!(shrink(&script, 50, |_| None, |_| ControlFlow::Continue(())), None);
        let bounded = shrink(&script, 20, stalled_talk, |_| ControlFlow::Continue(()));
        assert_eq!(bounded.map(|shrunk| (shrunk.runs, shrunk.complete)), Some((20, false)));
        let broken_off = shrink(&script, 50, stalled_talk, |shrunk| {
            if shrunk.runs < 7 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!(broken_off.map(|shrunk| shrunk.runs), Some(7));
    }
}
