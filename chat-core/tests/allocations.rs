//! What allocates, and what never does.

use std::hint::black_box;

use allocation_counter::measure;
use chat_core::wire::{CaseMapping, FrameLimits, Framer, Message, Pattern};

#[path = "../benches/crowd/mod.rs"]
mod crowd;

#[test]
fn cutting_and_parsing_lines_allocates_nothing() {
    let stream = crowd::LINES.join(&b"\r\n"[..]);
    let allocated = measure(|| {
        let (mut framer, mut rest) = (Framer::new(FrameLimits::FROM_SERVER), &stream[..]);
        for _ in crowd::LINES {
            let step = framer.next(rest);
            rest = &rest[step.consumed..];
            black_box(step.frame);
        }
        for line in crowd::LINES {
            let message = Message::parse(line).expect("it is well-formed");
            black_box(message.tags.get(b"msgid"));
        }
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn comparing_names_and_matching_masks_allocates_nothing() {
    let pattern = Pattern::new(b"*!*@*.example.com", CaseMapping::Ascii);
    let allocated = measure(|| {
        assert!(CaseMapping::Ascii.eq(b"Alice", b"aLICE"));
        assert!(pattern.matches(b"alice!alice@host.Example.com"));
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn a_message_allocates_once_for_however_many() {
    for (members, modern) in [(2, false), (300, false), (1_000, true)] {
        let mut crowd = crowd::Crowd::new(members, modern);
        let turn = crowd::messages(1);
        // Until the history is full, and every table as large as it gets.
        (0..600).for_each(|_| crowd.say(&turn));
        let allocated = measure(|| crowd.say(&turn));
        // What the history keeps.
        assert_eq!(allocated.count_total, 1, "{members} members");
    }
}
