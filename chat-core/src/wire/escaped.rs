//! Shows bytes from a peer without letting them act on a terminal or a log.

use core::fmt;

/// Bytes shown with everything but printable ASCII escaped, as [`u8::escape_ascii`] does it.
///
/// `Display` writes the escaped bytes alone, `Debug` puts them in quotes. One value never spans
/// two lines.
#[derive(Copy, Clone, Eq, PartialEq)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn control_bytes_are_shown_not_sent() {
        let text = Escaped(b"a\r\n\x1b[2J\"\xff");
        assert_eq!(format!("{text}"), r#"a\r\n\x1b[2J\"\xff"#);
        assert_eq!(format!("{text:?}"), r#""a\r\n\x1b[2J\"\xff""#);
    }
}
