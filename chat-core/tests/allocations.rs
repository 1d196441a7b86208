//! What allocates, and what never does.

use std::hint::black_box;

use allocation_counter::measure;
use chat_core::wire::{CaseMapping, FrameLimits, Framer, Message, Pattern};

/// Lines as clients and servers send them.
const LINES: [&[u8]; 3] = [
    b"PRIVMSG #rust :has anybody seen the new release?",
    b":alice!alice@host.example.com PRIVMSG #rust :yes",
    b"@time=2026-01-01T12:00:00.000Z;msgid=0000000000001 :bob!b@10.0.0.1 JOIN #rust * :Bob",
];

#[test]
fn cutting_and_parsing_lines_allocates_nothing() {
    let stream = LINES.join(&b"\r\n"[..]);
    let allocated = measure(|| {
        let (mut framer, mut rest) = (Framer::new(FrameLimits::FROM_SERVER), &stream[..]);
        for _ in LINES {
            let step = framer.next(rest);
            rest = &rest[step.consumed..];
            black_box(step.frame);
        }
        for line in LINES {
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
