//! The parts of a line that a load has to know: command, parameters, and the line as people may see it.

use memchr::memchr;

/// The command or numeric of a line that may begin with tags and a source.
pub(crate) fn command(line: &[u8]) -> &[u8] {
    let rest = after_source(line);
    rest.split(|&byte| byte == b' ').next().unwrap_or_default()
}

/// All that follows the command.
pub(crate) fn parameters(line: &[u8]) -> &[u8] {
    after_word(after_source(line))
}

/// The nick in the source of a line; nothing if it has none.
pub(super) fn source_nick(line: &[u8]) -> &[u8] {
    let source = untagged(line).strip_prefix(b":").unwrap_or_default();
    source.split(|&byte| byte == b'!' || byte == b' ').next().unwrap_or_default()
}

/// The tags before a line, and the line itself.
pub(super) fn split_tags(line: &[u8]) -> (&[u8], &[u8]) {
    match (line.first(), memchr(b' ', line)) {
        (Some(b'@'), Some(space)) => {
            let (tags, rest) = line.split_at(space);
            (tags, rest.get(1..).unwrap_or_default())
        }
        _ => (b"", line),
    }
}

/// A line for people: no control characters, since it came from outside.
pub(crate) fn text(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn untagged(line: &[u8]) -> &[u8] {
    split_tags(line).1
}

fn after_source(line: &[u8]) -> &[u8] {
    let line = untagged(line);
    if line.first() == Some(&b':') { after_word(line) } else { line }
}

fn after_word(line: &[u8]) -> &[u8] {
    memchr(b' ', line).and_then(|space| line.get(space + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_with_or_without_tags_and_source() {
        assert_eq!(command(b":irc.test 366 bob #bench :End"), b"366");
        assert_eq!(command(b"@time=now :irc.test 366 bob #bench :End"), b"366");
        assert_eq!(command(b"@time=now PING :irc.test"), b"PING");
        assert_eq!(command(b"PING :irc.test"), b"PING");
        assert_eq!(command(b":irc.test"), b"");
        assert_eq!(command(b"@time=now"), b"@time=now");
        assert_eq!(command(b""), b"");
    }

    #[test]
    fn the_answer_to_ping_keeps_its_parameters() {
        assert_eq!(parameters(b"PING :irc.test"), b":irc.test");
        assert_eq!(parameters(b":irc.test PING a b"), b"a b");
        assert_eq!(parameters(b"PING"), b"");
    }

    #[test]
    fn the_source_is_known_by_its_nick() {
        assert_eq!(source_nick(b":bob!u@h JOIN #bench"), b"bob");
        assert_eq!(source_nick(b"@time=now :irc.test 001 bob"), b"irc.test");
        assert_eq!(source_nick(b"PING x"), b"");
    }

    #[test]
    fn an_error_line_cannot_play_with_the_terminal() {
        assert_eq!(text(b"ERROR :\x1b[2J"), "ERROR :\u{fffd}[2J");
    }
}
