//! The hot paths of the core, each once alone in `measured`, for `scripts/instructions` to count.
//!
//! A row of its output is the name of a scenario and how many times it does its work; the counts come
//! from callgrind, in the same order.

use std::hint::black_box;

use chat_core::wire::{CaseMapping, Message, Pattern};

use self::crowd::{Crowd, LINES, messages};

#[path = "../benches/crowd/mod.rs"]
mod crowd;

fn main() {
    let repeat = || 0..100;
    scenario("parse a line", 400, &mut || {
        for line in repeat().flat_map(|_| LINES) {
            _ = black_box(Message::parse(black_box(line)));
        }
    });
    let parsed = LINES.map(|line| Message::parse(line).expect("it is well-formed"));
    let mut out = Vec::with_capacity(1024);
    scenario("emit a line", 400, &mut || {
        for message in repeat().flat_map(|_| black_box(&parsed)) {
            out.clear();
            message.emit(&mut out);
        }
    });
    scenario("compare names", 100, &mut || {
        let (one, other) = (b"Long[Nick]Of-24_letters^", b"lonG[nicK]oF-24_letterS^");
        for _ in repeat() {
            black_box(CaseMapping::Ascii.eq(black_box(one), black_box(other)));
        }
    });
    let pattern = Pattern::new(b"*!*spam*@*.example.com", CaseMapping::Ascii);
    scenario("match a mask", 100, &mut || {
        for _ in repeat() {
            black_box(pattern.matches(black_box(b"alice!alice@host-17.dialin.example.com")));
        }
    });
    for modern in [false, true] {
        let with = if modern { "with capabilities" } else { "plain" };
        for members in [100, 1_000] {
            let mut crowd = Crowd::new(members, modern);
            for lines in [1, 16] {
                let turn = messages(lines);
                // Until the history is full, and every table as large as it gets.
                (0..400 / lines).for_each(|_| crowd.say(&turn));
                let name = format!("message to {members}, {lines} a turn, {with}");
                let turns = if lines == 1 { 20 } else { 2 };
                scenario(&name, turns * lines, &mut || (0..turns).for_each(|_| crowd.say(&turn)));
            }
            if members == 1_000 {
                scenario(&format!("register, {with}"), 1, &mut || crowd.register());
                scenario(&format!("join {members}, {with}"), 1, &mut || crowd.join());
            }
        }
    }
}

/// Does something that is so many times one thing, and says so.
fn scenario(name: &str, times: usize, work: &mut dyn FnMut()) {
    measured(work);
    println!("{times} {name}");
}

/// Instructions are counted in here alone.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    // Not the last call: callgrind would lose it.
    black_box(());
}
