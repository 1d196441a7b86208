//! One line: parsing takes whatever comes, what it yields can be written and parsed again, and an
//! independent parser sees the same.

mod other;

use chat_core::wire::{MAX_PARAMS, Message, ParseError};

/// Takes a line without its end.
pub fn run(line: &[u8]) {
    other::compare(line);
    let forbidden = |byte: &u8| matches!(byte, 0 | b'\r' | b'\n');
    let message = match Message::parse(line) {
        Ok(message) => message,
        Err(error) => {
            let has_forbidden = line.iter().any(forbidden);
            return assert_eq!(has_forbidden, error == ParseError::ForbiddenByte);
        }
    };
    assert!(!message.command.is_empty());
    assert!(message.params().len() <= MAX_PARAMS);
    for (_, value) in message.tags.iter() {
        let mut plain = Vec::new();
        value.unescape(&mut plain);
        assert!(plain.len() <= value.as_bytes().len());
    }

    let mut once = Vec::new();
    message.emit(&mut once);
    let emitted = once.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!emitted.iter().any(forbidden));

    let again = Message::parse(emitted).expect("an emitted line parses");
    // Above the bounds, what is emitted is cut.
    if line.len() <= 500 {
        assert_eq!(message, again);
        let mut twice = Vec::new();
        again.emit(&mut twice);
        assert_eq!(once, twice, "what is emitted is in its canonical form");
    }
}
