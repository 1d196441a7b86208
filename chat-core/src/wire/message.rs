//! One line taken apart: tags, source, command, parameters.

use alloc::vec::Vec;
use core::fmt;

use memchr::{memchr, memchr3};

use super::{Encoder, Escaped, Tags};

/// The most parameters that a message has.
pub const MAX_PARAMS: usize = 15;

/// A parsed line, borrowed from it.
///
/// ```
/// use chat_core::wire::Message;
///
/// let message = Message::parse(b":dan!d@localhost PRIVMSG #chan :Hey what's up!")?;
/// assert_eq!(message.source, Some(&b"dan!d@localhost"[..]));
/// assert_eq!(message.command, b"PRIVMSG");
/// assert_eq!(message.params(), [&b"#chan"[..], b"Hey what's up!"]);
/// # Ok::<(), chat_core::wire::ParseError>(())
/// ```
#[derive(Copy, Clone, Eq, PartialEq)]
pub struct Message<'a> {
    /// The tag section, empty if there was none.
    pub tags: Tags<'a>,
    /// Whom the message is from, without the colon. Never empty in a parsed message.
    pub source: Option<&'a [u8]>,
    /// Letters, in the case they came in, or three digits; any word, if that was asked for.
    pub command: &'a [u8],
    params: [&'a [u8]; MAX_PARAMS],
    len: u8,
}

impl<'a> Message<'a> {
    /// Takes a line (without its end) apart.
    ///
    /// Tolerated: spaces before the source or the command, several spaces between parts, spaces at
    /// the end, an empty tag section or source (the same as none). Tags begin at the line's first
    /// byte or not at all. The fifteenth parameter is the rest of the line, with or without colon.
    ///
    /// # Errors
    ///
    /// When there is no valid command, or the line holds a NUL, CR or LF.
    #[inline(always)]
    pub fn parse(line: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(line, is_command)
    }

    /// Takes a line apart as [`parse`](Self::parse) does, whatever word stands where the command
    /// belongs: so that a server can tell who sent it that there is no such command.
    ///
    /// # Errors
    ///
    /// When there is no command, or the line holds a NUL, CR or LF.
    #[inline(always)]
    pub fn parse_any(line: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(line, |_| true)
    }

    /// A message to be emitted, without tags or source; set those fields afterwards.
    ///
    /// Only the first [`MAX_PARAMS`] parameters are taken. Nothing is checked here: the
    /// [`Encoder`] writes what cannot stand as it is in a form that can.
    #[must_use]
    pub fn new(command: &'a [u8], params: &[&'a [u8]]) -> Self {
        let mut message = Self {
            tags: Tags::default(),
            source: None,
            command,
            params: [b""; MAX_PARAMS],
            len: 0,
        };
        for &param in params.iter().take(MAX_PARAMS) {
            message.push(param);
        }
        message
    }

    /// The parameters; the last one may hold spaces, or be empty.
    #[must_use]
    pub fn params(&self) -> &[&'a [u8]] {
        // `push` keeps `len` within the array.
        &self.params[..usize::from(self.len)]
    }

    /// The parameter at `index`, counted from 0.
    #[must_use]
    pub fn param(&self, index: usize) -> Option<&'a [u8]> {
        self.params().get(index).copied()
    }

    /// Appends the message to `out` as one line with CRLF.
    ///
    /// What [`parse`](Self::parse) yielded, it yields again from the line, without the CRLF,
    /// unless the body was over [`BODY_MAX`](super::BODY_MAX) or the tags over
    /// [`TAGS_MAX`](super::TAGS_MAX) bytes: those the [`Encoder`] cuts or leaves out.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut line = Encoder::new(out);
        line.raw_tags(self.tags.as_bytes());
        if let Some(source) = self.source {
            line.source(source);
        }
        line.command(self.command);
        if let Some((last, middles)) = self.params().split_last() {
            for middle in middles {
                line.param(middle);
            }
            line.last(last);
        }
        line.finish();
    }

    /// Takes a line apart whose command is one that `is_command` accepts.
    ///
    /// Always inlined: a message is large, and costs less if it is built where it is used.
    #[inline(always)]
    fn parse_with(
        line: &'a [u8],
        is_command: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Self, ParseError> {
        if memchr3(0, b'\r', b'\n', line).is_some() {
            return Err(ParseError::ForbiddenByte);
        }
        let mut rest = line;
        let mut tags = Tags::default();
        if let Some(b'@') = rest.first() {
            tags = Tags::new(&take_word(&mut rest)[1..]);
        }
        skip_spaces(&mut rest);
        let mut source = None;
        if let Some(b':') = rest.first() {
            source = Some(&take_word(&mut rest)[1..]).filter(|source| !source.is_empty());
            skip_spaces(&mut rest);
        }
        let command = take_word(&mut rest);
        if command.is_empty() {
            return Err(ParseError::NoCommand);
        }
        if !is_command(command) {
            return Err(ParseError::BadCommand);
        }
        let mut message = Self { tags, source, command, params: [b""; MAX_PARAMS], len: 0 };
        while let Some(param) = take_param(&mut rest, message.params().len()) {
            message.push(param);
        }
        Ok(message)
    }

    /// Adds a parameter; there must be room.
    fn push(&mut self, param: &'a [u8]) {
        self.params[usize::from(self.len)] = param;
        self.len += 1;
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = self.params.map(Escaped);
        f.debug_struct("Message")
            .field("tags", &self.tags)
            .field("source", &self.source.map(Escaped))
            .field("command", &Escaped(self.command))
            .field("params", &&params[..usize::from(self.len)])
            .finish()
    }
}

/// Why a line is not a message.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum ParseError {
    /// Nothing follows the tags and the source.
    NoCommand,
    /// The command is neither letters only nor exactly three digits.
    BadCommand,
    /// The line holds a NUL, CR or LF. A [`Framer`](super::Framer) lets no such line through.
    ForbiddenByte,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCommand => "the line has no command: send one after the tags and the source",
            Self::BadCommand => "the command is not valid: send only letters, or three digits",
            Self::ForbiddenByte => "the line holds a NUL, CR or LF byte: leave it out",
        })
    }
}

impl core::error::Error for ParseError {}

/// Whether `command` is letters only or exactly three digits.
pub(super) fn is_command(command: &[u8]) -> bool {
    match command {
        [] => false,
        [a, b, c] if a.is_ascii_digit() => b.is_ascii_digit() && c.is_ascii_digit(),
        letters => letters.iter().all(u8::is_ascii_alphabetic),
    }
}

/// Removes what is before the first space.
fn take_word<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (word, after) = rest.split_at(memchr(b' ', rest).unwrap_or(rest.len()));
    *rest = after;
    word
}

fn skip_spaces(rest: &mut &[u8]) {
    while let Some((b' ', after)) = rest.split_first() {
        *rest = after;
    }
}

/// Removes the next parameter, of which there have been `taken`.
fn take_param<'a>(rest: &mut &'a [u8], taken: usize) -> Option<&'a [u8]> {
    skip_spaces(rest);
    match rest.split_first()? {
        (b':', trailing) => {
            *rest = b"";
            Some(trailing)
        }
        _ if taken == MAX_PARAMS - 1 => Some(core::mem::take(rest)),
        _ => Some(take_word(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};

    fn parse(line: &str) -> Message<'_> {
        Message::parse(line.as_bytes()).unwrap()
    }

    fn canonical(line: &str) -> Vec<u8> {
        let mut out = Vec::new();
        parse(line).emit(&mut out);
        out
    }

    #[test]
    fn all_four_parts() {
        let message = parse("@id=234AB;+a :dan!d@localhost PRIVMSG #chan :Hey what's up!");
        assert_eq!(message.tags.as_bytes(), b"id=234AB;+a");
        assert_eq!(message.source, Some(&b"dan!d@localhost"[..]));
        assert_eq!(message.command, b"PRIVMSG");
        assert_eq!(message.params(), [&b"#chan"[..], b"Hey what's up!"]);
        assert_eq!(message.param(1), Some(&b"Hey what's up!"[..]));
        assert_eq!(message.param(2), None);
    }

    #[test]
    fn the_last_parameter_may_have_a_colon() {
        for (line, params) in [
            ("CAP * LIST :", vec!["*", "LIST", ""]),
            ("CAP * LS :multi-prefix sasl", vec!["*", "LS", "multi-prefix sasl"]),
            ("PRIVMSG #chan :Hey!", vec!["#chan", "Hey!"]),
            ("PRIVMSG #chan Hey!", vec!["#chan", "Hey!"]),
            ("PRIVMSG #chan ::-)", vec!["#chan", ":-)"]),
            ("PRIVMSG #chan a:b", vec!["#chan", "a:b"]),
            ("PRIVMSG #chan :  a  ", vec!["#chan", "  a  "]),
            ("LIST", vec![]),
        ] {
            let params: Vec<_> = params.into_iter().map(str::as_bytes).collect();
            assert_eq!(parse(line).params(), params, "{line}");
        }
    }

    #[test]
    fn spare_spaces_change_nothing() {
        let spare = parse("@a=b   :src   CMD   x   y   ");
        assert_eq!(spare, parse("@a=b :src CMD x y"));
        assert_eq!(parse("   PING x"), parse("PING x"));
        assert_eq!(parse("   :src PING x"), parse(":src PING x"));
    }

    #[test]
    fn an_empty_tag_section_or_source_is_none() {
        assert_eq!(parse("@ PING"), parse("PING"));
        assert_eq!(parse(": PING"), parse("PING"));
    }

    #[test]
    fn the_fifteenth_parameter_is_the_rest() {
        let fourteen = "C 1 2 3 4 5 6 7 8 9 10 11 12 13 14";
        for (rest, last) in [(" 15 16 ", "15 16 "), (" :15 16", "15 16"), ("  15", "15")] {
            let line = format!("{fourteen}{rest}");
            assert_eq!(parse(&line).params().len(), MAX_PARAMS);
            assert_eq!(parse(&line).param(14), Some(last.as_bytes()));
        }
        assert_eq!(parse(&format!("{fourteen}  ")).params().len(), 14);
    }

    #[test]
    fn a_command_is_letters_or_three_digits() {
        assert_eq!(parse("001 x").command, b"001");
        assert_eq!(parse("pRiVmSg x").command, b"pRiVmSg");
        for line in ["", "   ", "@a=b", "@a=b ", ":src", ":src  ", "@a :src "] {
            assert_eq!(Message::parse(line.as_bytes()), Err(ParseError::NoCommand), "{line:?}");
        }
        for line in ["01", "0001", "0a1", "PRIV-MSG", "a1b", "\u{e9}", " @a=b PING", "G\u{c9}T"] {
            assert_eq!(Message::parse(line.as_bytes()), Err(ParseError::BadCommand), "{line:?}");
        }
    }

    #[test]
    fn any_word_may_stand_for_a_command_if_that_is_asked_for() {
        let message = Message::parse_any(b"@a=b NO_SUCH x :y z").unwrap();
        assert_eq!(message.command, b"NO_SUCH");
        assert_eq!(message.params(), [&b"x"[..], b"y z"]);
        assert_eq!(Message::parse_any(b"@a=b "), Err(ParseError::NoCommand));
    }

    #[test]
    fn nul_cr_and_lf_are_refused_anywhere() {
        for line in ["PING a\0", "\rPING", "@a=\n PING", "PING :a\r"] {
            assert_eq!(Message::parse(line.as_bytes()), Err(ParseError::ForbiddenByte));
        }
    }

    #[test]
    fn emitting_writes_the_one_canonical_form() {
        assert_eq!(canonical("@a=b   :s   CMD   x   :y   "), b"@a=b :s CMD x :y   \r\n");
        assert_eq!(canonical("  CMD x :y"), b"CMD x y\r\n");
        assert_eq!(canonical("CMD :"), b"CMD :\r\n");
        assert_eq!(canonical("CMD ::x"), b"CMD ::x\r\n");
        assert_eq!(canonical("LIST"), b"LIST\r\n");
    }

    #[test]
    fn a_new_message_takes_the_first_fifteen_parameters() {
        let message = Message::new(b"C", &[b"x".as_slice(); 20]);
        assert_eq!(message.params().len(), MAX_PARAMS);
        assert_eq!(Message { source: Some(b"s"), ..Message::new(b"C", &[b"x"]) }, parse(":s C x"));
    }

    #[test]
    fn debug_output_is_escaped_and_errors_say_what_to_do() {
        let debug = format!("{:?}", parse(":\u{1b} C \u{7}"));
        assert_eq!(
            debug,
            r#"Message { tags: Tags(""), source: Some("\x1b"), command: "C", params: ["\x07"] }"#
        );
        assert!(ParseError::BadCommand.to_string().contains("three digits"));
    }
}
