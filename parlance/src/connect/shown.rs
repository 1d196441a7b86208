//! Makes what a peer sent fit to be shown: on one line, with nothing in it that acts on a terminal.

use std::fmt::Write as _;

/// The text as UTF-8 without formatting codes; control characters are shown as escapes.
///
/// Formatting codes are those that IRC clients use for bold, colours and the like. Characters that
/// turn the direction of a line are left out, since they could show it as another one.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        match char {
            // Formatting, and what turns the direction of the text.
            '\x02'
            | '\x0f'
            | '\x11'
            | '\x16'
            | '\x1d'
            | '\x1e'
            | '\x1f'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            '\x03' => skip_colours(&mut rest, 2, |char| char.is_ascii_digit()),
            '\x04' => skip_colours(&mut rest, 6, |char| char.is_ascii_hexdigit()),
            '\t' => out.push(' '),
            // The line and paragraph separators are no control characters to Unicode.
            char if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\x{:02x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out
}

/// Skips `12` or `12,34` after a colour code: one or two numbers of at most `max` digits.
fn skip_colours(rest: &mut std::str::Chars<'_>, max: usize, is_digit: impl Fn(char) -> bool) {
    let skip = |rest: &mut std::str::Chars<'_>| {
        let digits = rest.as_str().chars().take(max).take_while(|&char| is_digit(char)).count();
        // Digits are one byte each.
        *rest = rest.as_str()[digits..].chars();
        digits
    };
    if skip(rest) == 0 {
        return;
    }
    let mut after = rest.clone();
    if after.next() == Some(',') && skip(&mut after) > 0 {
        *rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(shown(b"a\x1b[2J\x07\x7f\r\n"), r"a\x1b[2J\x07\x7f\x0d\x0a");
        assert_eq!(shown("\u{9b}31m\u{2028}".as_bytes()), r"\x9b31m\x2028");
        assert_eq!(shown(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(shown("\u{202e}txt.exe\u{202c}".as_bytes()), "txt.exe");
    }

    #[test]
    fn formatting_is_left_out() {
        assert_eq!(shown(b"\x02bold\x02 \x034,12red\x03 \x0399 \x031,x"), "bold red  ,x");
        assert_eq!(shown(b"\x04ff0000hex\x0f 1,2"), "hex 1,2");
    }

    #[test]
    fn other_text_stays() {
        assert_eq!(shown("añ🦀\tb".as_bytes()), "añ🦀 b");
    }
}
