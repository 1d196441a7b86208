//! What a line must look like that our own side has written, whatever it was made to say.

use chat_core::wire::{BODY_MAX, Message, Nick, Numeric, TAGS_MAX, is_tag_key};

use crate::MAPPINGS;

/// Checks a line without its end that the server of this name has written.
///
/// It starts with whom it is from, and with a command that servers send. So a second line that a peer
/// could slip into an answer is seen: it would have to begin that way too.
pub(crate) fn check_from_server(line: &[u8], server: &[u8]) {
    let message = check(line);
    let shown = line.escape_ascii();
    let numeric = str::from_utf8(message.command).ok().and_then(|code| code.parse().ok());
    match message.source {
        Some(source) => {
            let nick = source.split(|byte| *byte == b'!').next().unwrap_or_default();
            let known = |mapping| Nick::new(nick, 64, mapping).is_some();
            let is_user = MAPPINGS.into_iter().any(known) && source.contains(&b'@');
            assert!(source == server || is_user, "an unknown source: {shown}");
            match numeric {
                Some(code) => assert!(Numeric::from_code(code).is_some(), "no numeric: {shown}"),
                None => assert!(COMMANDS.contains(&message.command), "no command: {shown}"),
            }
        }
        None => assert!(SOURCELESS.contains(&message.command), "no source: {shown}"),
    }
}

/// Checks any line without its end that we have written: it is one message, within the limits, and
/// each of its tags is one.
pub(crate) fn check(line: &[u8]) -> Message<'_> {
    let shown = line.escape_ascii();
    let message = Message::parse(line).unwrap_or_else(|error| panic!("{error}: {shown}"));
    let tags = message.tags.as_bytes();
    let section = if tags.is_empty() { 0 } else { tags.len() + 2 };
    assert!(section <= TAGS_MAX && line.len() - section <= BODY_MAX, "too long: {shown}");
    let mut items = tags.split(|byte| *byte == b';').filter(|_| !tags.is_empty());
    let key = |item: &[u8]| item.split(|byte| *byte == b'=').next().is_some_and(is_tag_key);
    assert!(items.all(key), "a tag without a key: {shown}");
    message
}

/// The commands that a server sends with a source.
const COMMANDS: &[&[u8]] = &[
    b"ACK",
    b"AWAY",
    b"BATCH",
    b"CAP",
    b"CHATHISTORY",
    b"CHGHOST",
    b"FAIL",
    b"INVITE",
    b"JOIN",
    b"KICK",
    b"KILL",
    b"MARKREAD",
    b"METADATA",
    b"MODE",
    b"NICK",
    b"NOTE",
    b"NOTICE",
    b"PART",
    b"PONG",
    b"PRIVMSG",
    b"QUIT",
    b"REDACT",
    b"RENAME",
    b"SETNAME",
    b"TAGMSG",
    b"TOPIC",
    b"WALLOPS",
    b"WARN",
];

/// Those that it sends without.
const SOURCELESS: &[&[u8]] = &[b"BATCH", b"ERROR", b"PING"];
