//! The same line by an independent parser, that of the `irc-proto` crate. Where the two differ, the
//! reason has a name here; any other difference is a finding.

use chat_core::wire::{Message, ParseError, is_tag_key};
use irc_proto::{Command, Message as Other};

/// Why the other parser sees something else. What the specification (Modern IRC, "Message Format";
/// IRCv3 `message-tags`) says of it is in `fuzz/README.md`.
#[derive(Debug, PartialEq)]
pub(super) enum Difference {
    /// It takes text alone.
    NotText,
    /// It takes a line with its end, and looks at no CR, LF or NUL within.
    LineEnd,
    /// Nothing is a command to it.
    NoCommand,
    /// Before the command, it takes one space for the end of each part, so that two end the next.
    SpareSpaces,
    /// With fourteen parameters before the trailing one, it tells them otherwise; it counts empty ones.
    ManyParameters,
    /// `: CMD` has a source to it.
    EmptySource,
    /// A user or host that is empty is none to it: `nick!@host` is `nick@host`.
    EmptyPart,
    /// Anything can be the key of a tag to it.
    TagKey,
}

/// How the other parser differs, each time for a known reason.
pub(super) fn compare(line: &[u8]) -> Vec<Difference> {
    let Ok(text) = str::from_utf8(line) else { return vec![Difference::NotText] };
    let message = match Message::parse_any(line) {
        Ok(message) => message,
        Err(ParseError::ForbiddenByte) => return vec![Difference::LineEnd],
        Err(_) => {
            let Ok(other) = text.parse() else { return Vec::new() };
            assert_eq!(command_of(other).0, "", "we see no command in {text:?}");
            return vec![Difference::NoCommand];
        }
    };

    // Its commands are typed. Under a name that it does not know, it tells the parameters as they are.
    let at = message.command.as_ptr().addr() - line.as_ptr().addr();
    let (header, params) = (&text[..at], &text[at + message.command.len()..]);
    let other: Other = format!("{header}X{params}").parse().expect("it refuses empty lines alone");

    let mut differences = Vec::new();
    let mut equal = |same: bool, reason: Option<Difference>| {
        if !same {
            differences.push(reason.unwrap_or_else(|| panic!("{message:?}, but {other:?}")));
        }
    };
    let (tags, keys) = (tags_of(&message), other_tags(&other));
    equal(tags.len() == keys.len(), (tags.len() < keys.len()).then_some(Difference::TagKey));
    equal(tags.iter().eq(keys.iter().filter(|(key, _)| is_tag_key(key))), None);

    if header.starts_with(' ') || header.contains("  ") {
        equal(false, Some(Difference::SpareSpaces));
        return differences;
    }
    let source = other.prefix.as_ref().map(ToString::to_string).map(String::into_bytes);
    let reason = match (message.source, &source) {
        (None, Some(source)) if source.is_empty() => Some(Difference::EmptySource),
        (Some(source), _) if has_empty_part(source) => Some(Difference::EmptyPart),
        _ => None,
    };
    equal(source.as_deref() == message.source, reason);

    let (_, others) = command_of(other.clone());
    // The space before the trailing one is one more.
    let middle = params.find(" :").map_or(params, |colon| &params[..=colon]);
    let many = middle.matches(' ').count() > OTHER_SPACES_MAX;
    equal(
        message.params().iter().copied().eq(others.iter().map(String::as_bytes)),
        many.then_some(Difference::ManyParameters),
    );
    differences
}

/// The most spaces after the command that it takes apart as parameters.
const OTHER_SPACES_MAX: usize = 14;

fn has_empty_part(source: &[u8]) -> bool {
    source.ends_with(b"!") || source.ends_with(b"@") || source.windows(2).any(|two| two == b"!@")
}

fn tags_of(message: &Message<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |(key, value): (&[u8], chat_core::wire::RawTagValue<'_>)| {
        let mut plain = Vec::new();
        value.unescape(&mut plain);
        (key.to_vec(), plain)
    };
    message.tags.iter().map(plain).collect()
}

fn other_tags(other: &Other) -> Vec<(Vec<u8>, Vec<u8>)> {
    let tags = other.tags.iter().flatten().cloned();
    tags.map(|tag| (tag.0.into_bytes(), tag.1.unwrap_or_default().into_bytes())).collect()
}

fn command_of(other: Other) -> (String, Vec<String>) {
    match other.command {
        Command::Raw(command, params) => (command, params),
        typed => (String::from(&typed), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_one() {
        for (line, difference) in [
            (&b"PRIVMSG #a :\xff"[..], Difference::NotText),
            (b"PRIVMSG #a :\0", Difference::LineEnd),
            (b"@a ", Difference::NoCommand),
            (b":alice  PING x", Difference::SpareSpaces),
            (b"C 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", Difference::ManyParameters),
            (b"C  2  4  6  8  10  12  14  16", Difference::ManyParameters),
            (b": PING x", Difference::EmptySource),
            (b":alice!@host PING x", Difference::EmptyPart),
            (b"@!=x PING x", Difference::TagKey),
        ] {
            assert_eq!(compare(line), [difference], "{}", line.escape_ascii());
        }
    }

    #[test]
    fn there_is_no_other() {
        for line in ["@a=\\:;+b/c :n!u@h.x PRIVMSG #a   b :c  d ", "PING", "@;a :s 001 :", "x ::"] {
            assert_eq!(compare(line.as_bytes()), [], "{line}");
        }
    }
}
