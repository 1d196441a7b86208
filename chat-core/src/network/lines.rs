//! Texts of several lines, as one.
//!
//! A line feed stands before a line of its own, a carriage return before one that goes on with the
//! last. Neither byte can come in a line. So a message of several lines is an operation, an event
//! and an item of the history like any other.

/// Before a line of its own.
pub(crate) const NEW_LINE: u8 = b'\n';
/// Before a line that goes on with the last one.
pub(crate) const CONCAT: u8 = b'\r';

/// Whether a text has several lines.
pub(crate) fn is_multiline(text: &[u8]) -> bool {
    memchr::memchr2(NEW_LINE, CONCAT, text).is_some()
}

/// The lines of a text: whether each goes on with the last one, and its bytes.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    let mut rest = Some(text);
    let mut concat = false;
    core::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr2(NEW_LINE, CONCAT, text);
        let line = (concat, &text[..end.unwrap_or(text.len())]);
        rest = end.map(|end| &text[end + 1..]);
        concat = end.is_some_and(|end| text[end] == CONCAT);
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_text_is_cut_where_its_lines_were_joined() {
        let found: Vec<_> = lines(b"one\n\ntwo\rtwo").collect();
        let expected: [(bool, &[u8]); 4] =
            [(false, b"one"), (false, b""), (false, b"two"), (true, b"two")];
        assert_eq!(found, expected);
        assert!(lines(b"").eq([(false, &b""[..])]));
    }
}
