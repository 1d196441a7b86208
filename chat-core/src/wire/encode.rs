//! The one encoder: whatever is put in, one line comes out.

use alloc::vec::Vec;

use memchr::memchr3;

use super::message::is_command;
use super::{MAX_PARAMS, RawTagValue, escape_into, is_tag_key};

/// The longest body (a line without its tags and its end), in bytes.
pub const BODY_MAX: usize = 510;

/// The longest tag section, with its `@` and the space that ends it, in bytes.
pub const TAGS_MAX: usize = 8191;

/// Appends one line to a buffer, part by part: tags, source, command, parameters, end.
///
/// No input can end the line early, start a second one, or move into another part. Where a part
/// cannot stand as it is, each method says what is written in its place. A call that comes too
/// late for its part (a tag after the source, a parameter after the trailing one or past
/// [`MAX_PARAMS`]) is a bug of the caller: refused by a debug assertion, without effect otherwise.
///
/// [`finish`](Self::finish) ends the line. Dropping the encoder finishes it too, so that a half
/// line never stays in the buffer.
///
/// ```
/// use chat_core::wire::Encoder;
///
/// let mut out = Vec::new();
/// Encoder::new(&mut out)
///     .source(b"irc.example.com")
///     .numeric(433)
///     .param(b"alice")
///     .param(b"bob")
///     .trailing(b"Nickname is already in use")
///     .finish();
/// assert_eq!(out, b":irc.example.com 433 alice bob :Nickname is already in use\r\n");
/// ```
#[derive(Debug)]
pub struct Encoder<'b> {
    out: &'b mut Vec<u8>,
    /// Where the line starts in `out`.
    start: usize,
    /// Where its body starts; right once a source or a command is written.
    body: usize,
    params: u8,
    stage: Stage,
}

/// What was written last.
#[derive(Copy, Clone, Debug, Eq, PartialEq, PartialOrd)]
enum Stage {
    Start,
    Tags,
    Source,
    Command,
    Trailing,
    Finished,
}

impl<'b> Encoder<'b> {
    /// Starts a line at the end of `out`.
    #[inline]
    #[must_use]
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start, body: start, params: 0, stage: Stage::Start }
    }

    /// Writes a tag, escaping its value. An empty value writes the key alone.
    ///
    /// A tag with an invalid key, or one that would make the section longer than [`TAGS_MAX`], is
    /// left out.
    pub fn tag(&mut self, key: &[u8], value: &[u8]) -> &mut Self {
        self.tag_with(key, value.is_empty(), |out| escape_into(value, out))
    }

    /// Writes a tag whose value is escaped already, as [`Tags::iter`](super::Tags::iter) gives it.
    /// Left out as in [`tag`](Self::tag).
    pub fn raw_tag(&mut self, key: &[u8], value: RawTagValue<'_>) -> &mut Self {
        self.tag_with(key, value.is_empty(), |out| {
            push_without_breaks(value.as_bytes(), out);
        })
    }

    /// Writes tags in their raw form, `a=b;c`, as [`Tags::as_bytes`](super::Tags::as_bytes) gives
    /// it.
    ///
    /// Spaces, NUL, CR and LF in it are left out; all of it is, if it would make the section longer
    /// than [`TAGS_MAX`].
    pub fn raw_tags(&mut self, tags: &[u8]) -> &mut Self {
        if !tags.is_empty() && self.may_write(Stage::Tags) {
            self.tag_item(|out| push_without_breaks(tags, out));
        }
        self
    }

    /// Writes the source: a server's name, a nick, or `nick!user@host`. An empty one writes
    /// nothing; one with a space, NUL, CR or LF is written `*`.
    #[inline]
    pub fn source(&mut self, source: &[u8]) -> &mut Self {
        if !source.is_empty() && self.start_body(Stage::Source) {
            self.out.push(b':');
            self.word(source);
            self.out.push(b' ');
        }
        self
    }

    /// Writes the source of a user, `nick!user@host`. Each part that is empty or has a space, NUL,
    /// CR or LF is written `*`.
    #[inline]
    pub fn source_user(&mut self, nick: &[u8], user: &[u8], host: &[u8]) -> &mut Self {
        if self.start_body(Stage::Source) {
            for (before, part) in b":!@".iter().zip([nick, user, host]) {
                self.out.push(*before);
                self.word(part);
            }
            self.out.push(b' ');
        }
        self
    }

    /// Writes the command. What is neither letters nor three digits is written `*`, which no
    /// receiver takes for a command. A source that leaves no room for it is taken back.
    #[inline]
    pub fn command(&mut self, command: &[u8]) -> &mut Self {
        if self.start_body(Stage::Command) {
            if self.out.len() - self.body + command.len() > BODY_MAX {
                self.out.truncate(self.body);
            }
            self.out.extend_from_slice(if is_command(command) { command } else { b"*" });
        }
        self
    }

    /// Writes a numeric as the command: three digits. Codes past 999 do not exist, and are written
    /// `999`.
    #[inline]
    pub fn numeric(&mut self, code: u16) -> &mut Self {
        debug_assert!(code <= 999, "numeric {code} has more than three digits");
        let code = code.min(999);
        let digit = |unit: u16| b'0' + (code / unit % 10) as u8;
        self.command(&[digit(100), digit(10), digit(1)])
    }

    /// Writes a parameter that is one word. What cannot be one (empty, with a leading colon, or
    /// with a space, NUL, CR or LF in it) is written `*`.
    #[inline]
    pub fn param(&mut self, param: &[u8]) -> &mut Self {
        if self.start_param(Stage::Command) {
            self.out.push(b' ');
            self.word(if param.first() == Some(&b':') { b"*" } else { param });
        }
        self
    }

    /// Writes the last parameter, always after a colon. NUL, CR and LF in it become spaces.
    #[inline]
    pub fn trailing(&mut self, text: &[u8]) -> &mut Self {
        if self.start_param(Stage::Trailing) {
            self.out.extend_from_slice(b" :");
            self.text(text);
        }
        self
    }

    /// Writes the last parameter, after a colon only if it needs one: if it is empty, begins with a
    /// colon or has a space, NUL, CR or LF in it. The latter three become spaces.
    #[inline]
    pub fn last(&mut self, text: &[u8]) -> &mut Self {
        if is_word(text) && text.first() != Some(&b':') {
            if self.start_param(Stage::Trailing) {
                self.out.push(b' ');
                self.out.extend_from_slice(text);
            }
            return self;
        }
        self.trailing(text)
    }

    /// How many bytes of the body are still free.
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        if self.stage < Stage::Source {
            return BODY_MAX;
        }
        BODY_MAX.saturating_sub(self.out.len() - self.body)
    }

    /// Ends the line with CRLF. A line without a command is taken back as a whole.
    ///
    /// A body over [`BODY_MAX`] bytes is cut; inside a UTF-8 character, before it.
    #[inline]
    pub fn finish(&mut self) {
        match self.stage {
            Stage::Finished => return,
            Stage::Start | Stage::Tags | Stage::Source => self.out.truncate(self.start),
            Stage::Command | Stage::Trailing => {
                if self.out.len() - self.body > BODY_MAX {
                    let cut = floor_char_boundary(&self.out[self.body..], BODY_MAX);
                    self.out.truncate(self.body + cut);
                }
                self.out.extend_from_slice(b"\r\n");
            }
        }
        self.stage = Stage::Finished;
    }

    fn tag_with(&mut self, key: &[u8], bare: bool, value: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if is_tag_key(key) && self.may_write(Stage::Tags) {
            self.tag_item(|out| {
                out.extend_from_slice(key);
                if !bare {
                    out.push(b'=');
                    value(out);
                }
            });
        }
        self
    }

    /// Writes an item with what goes before it, unless the section gets too long.
    fn tag_item(&mut self, item: impl FnOnce(&mut Vec<u8>)) {
        let before = self.out.len();
        self.out.push(if self.stage == Stage::Start { b'@' } else { b';' });
        item(self.out);
        // The space is still to come.
        if self.out.len() == before + 1 || self.out.len() - self.start + 1 > TAGS_MAX {
            self.out.truncate(before);
        } else {
            self.stage = Stage::Tags;
        }
    }

    /// Whether a part of this stage may still come.
    #[inline]
    fn may_write(&self, part: Stage) -> bool {
        debug_assert!(self.stage <= part, "{part:?} cannot follow {:?} in a line", self.stage);
        self.stage <= part
    }

    /// Moves to the source or the command, of which there is at most one; ends the tags.
    #[inline]
    fn start_body(&mut self, part: Stage) -> bool {
        let possible = self.may_write(part) && self.stage < part;
        debug_assert!(possible, "a line has one {part:?}");
        if possible {
            if self.stage == Stage::Tags {
                self.out.push(b' ');
            }
            if self.stage < Stage::Source {
                self.body = self.out.len();
            }
            self.stage = part;
        }
        possible
    }

    /// Counts a parameter; the stage says whether more may follow.
    #[inline]
    fn start_param(&mut self, part: Stage) -> bool {
        let possible = self.stage == Stage::Command && usize::from(self.params) < MAX_PARAMS;
        debug_assert!(possible, "parameter {} cannot follow {:?}", self.params, self.stage);
        if possible {
            self.params += 1;
            self.stage = part;
        }
        possible
    }

    /// Writes one word, or `*`.
    #[inline]
    fn word(&mut self, word: &[u8]) {
        self.out.extend_from_slice(if is_word(word) { word } else { b"*" });
    }

    /// Writes text up to the end of the line.
    #[inline]
    fn text(&mut self, text: &[u8]) {
        let from = self.out.len();
        self.out.extend_from_slice(text);
        if memchr3(0, b'\r', b'\n', text).is_some() {
            for byte in &mut self.out[from..] {
                if is_break(*byte) {
                    *byte = b' ';
                }
            }
        }
    }
}

impl Drop for Encoder<'_> {
    #[inline]
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether a byte ends a word or a line.
#[inline]
const fn is_break(byte: u8) -> bool {
    (byte == b' ') | (byte == 0) | (byte == b'\r') | (byte == b'\n')
}

/// Whether the bytes are one word: looked at eight at a time, and closer where some are so low that
/// a break may be among them.
#[inline]
fn is_word(bytes: &[u8]) -> bool {
    let (eights, rest) = bytes.as_chunks();
    !bytes.is_empty()
        && eights.iter().all(|eight| !has_low(*eight) || !eight.iter().any(|byte| is_break(*byte)))
        && !rest.iter().any(|byte| is_break(*byte))
}

/// Whether a byte up to the space is among them: it alone has the highest bit only once what is above
/// the space is taken from it.
#[inline]
const fn has_low(eight: [u8; 8]) -> bool {
    const EACH: u64 = u64::MAX / 0xff;
    let bytes = u64::from_le_bytes(eight);
    bytes.wrapping_sub(EACH * (b' ' as u64 + 1)) & !bytes & (EACH << 7) != 0
}

fn push_without_breaks(bytes: &[u8], out: &mut Vec<u8>) {
    if is_word(bytes) {
        out.extend_from_slice(bytes);
    } else {
        out.extend(bytes.iter().filter(|&&byte| !is_break(byte)));
    }
}

/// The largest length up to `max` that does not split a UTF-8 character; `max` where the bytes are
/// not UTF-8.
fn floor_char_boundary(bytes: &[u8], max: usize) -> usize {
    let first = max.saturating_sub(3);
    for at in (first..max).rev() {
        let width = match bytes[at] {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => return max,
        };
        let whole = bytes.get(at..at + width).is_some_and(|char| str::from_utf8(char).is_ok());
        return if whole && at + width > max { at } else { max };
    }
    max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
        let mut out = b"before\r\n".to_vec();
        write(&mut Encoder::new(&mut out));
        out.split_off(8)
    }

    #[test]
    fn a_whole_line() {
        let out = line(|l| {
            l.tag(b"time", b"12:00").tag(b"+reply", b"a b;").tag(b"bot", b"").raw_tags(b"x=y;+z");
            l.source_user(b"n", b"u", b"h")
                .command(b"PRIVMSG")
                .param(b"#c")
                .trailing(b"hi")
                .finish();
        });
        assert_eq!(out, b"@time=12:00;+reply=a\\sb\\:;bot;x=y;+z :n!u@h PRIVMSG #c :hi\r\n");
    }

    #[test]
    fn dropping_ends_the_line_once() {
        assert_eq!(line(|l| _ = l.command(b"PING")), b"PING\r\n");
        assert_eq!(line(|l| l.command(b"PING").finish()), b"PING\r\n");
    }

    #[test]
    fn without_a_command_nothing_is_written() {
        assert_eq!(line(|_| ()), b"");
        assert_eq!(line(|l| _ = l.tag(b"a", b"b").source(b"s")), b"");
    }

    #[test]
    fn numerics_have_three_digits() {
        assert_eq!(line(|l| l.numeric(1).finish()), b"001\r\n");
        assert_eq!(line(|l| l.numeric(433).finish()), b"433\r\n");
    }

    #[test]
    fn what_cannot_be_a_word_is_a_star() {
        for bad in [&b""[..], b":x", b"a b", b"a\0", b"\ra", b"a\nQUIT"] {
            assert_eq!(line(|l| l.command(b"C").param(bad).finish()), b"C *\r\n");
        }
        assert_eq!(line(|l| l.command(b"C").param(b"a:b").finish()), b"C a:b\r\n");
        assert_eq!(line(|l| l.source(b"a\nb").command(b"C").finish()), b":* C\r\n");
        assert_eq!(line(|l| l.source(b"").command(b"C").finish()), b"C\r\n");
        let user = line(|l| l.source_user(b"n", b"", b"h\r").command(b"C").finish());
        assert_eq!(user, b":n!*@* C\r\n");
    }

    #[test]
    fn what_is_no_command_is_a_star() {
        for bad in [&b""[..], b"A B", b"12", b"A\r\n", b"PRIV-MSG"] {
            assert_eq!(line(|l| l.command(bad).finish()), b"*\r\n");
        }
    }

    #[test]
    fn line_breaks_in_text_become_spaces() {
        let out = line(|l| l.command(b"C").trailing(b"a\r\nQUIT\0").finish());
        assert_eq!(out, b"C :a  QUIT \r\n");
        assert_eq!(line(|l| l.command(b"C").last(b"a\nb").finish()), b"C :a b\r\n");
    }

    #[test]
    fn the_last_parameter_has_a_colon_only_if_it_needs_one() {
        for (text, expected) in
            [("word", "C word\r\n"), ("", "C :\r\n"), (":x", "C ::x\r\n"), ("a b", "C :a b\r\n")]
        {
            assert_eq!(
                line(|l| l.command(b"C").last(text.as_bytes()).finish()),
                expected.as_bytes()
            );
        }
    }

    #[test]
    fn tags_cannot_break_out() {
        let out = line(|l| {
            l.tag(b"a b", b"x").tag(b"", b"x").tag(b"k", b" ;\r\n\0\\").raw_tags(b"r=\r\n x\0;s");
            l.command(b"C").finish();
        });
        assert_eq!(out, b"@k=\\s\\:\\r\\n\\\\;r=x;s C\r\n");
        assert_eq!(line(|l| l.raw_tags(b" \r\n").command(b"C").finish()), b"C\r\n");
        assert_eq!(line(|l| l.raw_tags(b"").command(b"C").finish()), b"C\r\n");
    }

    #[test]
    fn a_raw_tag_is_relayed_as_it_came() {
        let tags = super::super::Tags::new(b"a=1;+b=x\\sy;+c");
        let out = line(|l| {
            for (key, value) in tags.client_only() {
                l.raw_tag(key, value);
            }
            l.command(b"TAGMSG").finish();
        });
        assert_eq!(out, b"@+b=x\\sy;+c TAGMSG\r\n");
    }

    #[test]
    fn a_tag_past_the_limit_is_left_out_whole() {
        // '@', 'k', '=', the value, the space.
        let fits = [b'v'; TAGS_MAX - 4];
        let out = line(|l| l.tag(b"k", &fits).tag(b"x", b"").command(b"C").finish());
        assert_eq!(out.len(), TAGS_MAX + 3);
        let over = [b'v'; TAGS_MAX - 3];
        assert_eq!(line(|l| l.tag(b"k", &over).tag(b"x", b"").command(b"C").finish()), b"@x C\r\n");
    }

    #[test]
    fn remaining_counts_the_body_alone() {
        line(|l| {
            l.tag(b"a", &[b'x'; 1000]);
            assert_eq!(l.remaining(), BODY_MAX);
            l.command(b"PING").param(b"12");
            assert_eq!(l.remaining(), BODY_MAX - b"PING 12".len());
            l.trailing(&[b'x'; BODY_MAX]);
            assert_eq!(l.remaining(), 0);
        });
    }

    #[test]
    fn a_long_body_is_cut() {
        let out = line(|l| {
            l.tag(b"a", b"b").command(b"C").trailing(&[b'x'; 600]).finish();
        });
        assert_eq!(out.len(), b"@a=b ".len() + BODY_MAX + 2);
        assert!(out.ends_with(b"xx\r\n"));
    }

    #[test]
    fn a_cut_spares_whole_characters() {
        // "C :" and a text whose characters straddle the limit in each possible way.
        for char in ["\u{e9}", "\u{20ac}", "\u{1f600}"] {
            for pad in 0..4 {
                let mut text = alloc::vec![b'x'; pad];
                text.extend_from_slice(char.repeat(300).as_bytes());
                let out = line(|l| l.command(b"C").trailing(&text).finish());
                let body = out.strip_suffix(b"\r\n").unwrap();
                assert!(str::from_utf8(body).is_ok());
                assert!(body.len() <= BODY_MAX && body.len() + char.len() > BODY_MAX);
            }
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_cut_at_the_limit() {
        for byte in [0x80, 0xE9, 0xF0, 0xFF] {
            let out = line(|l| l.command(b"C").trailing(&[byte; 600]).finish());
            assert_eq!(out.len(), BODY_MAX + 2, "{byte:#x}");
        }
    }

    #[test]
    fn a_source_that_leaves_no_room_for_the_command_is_taken_back() {
        let out = line(|l| {
            l.tag(b"a", b"").source(&[b's'; 505]).command(b"PING").finish();
        });
        assert_eq!(out, b"@a PING\r\n");
        let out = line(|l| l.source(&[b's'; 504]).command(b"PING").finish());
        assert_eq!(out.len(), BODY_MAX + 2);
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn parts_out_of_order_have_no_effect() {
        let out = line(|l| {
            l.param(b"x").command(b"C").tag(b"a", b"").source(b"s").command(b"D").last(b"p");
            l.param(b"q").trailing(b"r").finish();
            l.param(b"t").finish();
        });
        assert_eq!(out, b"C p\r\n");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "Tags cannot follow Command")]
    fn parts_out_of_order_are_refused() {
        line(|l| _ = l.command(b"C").tag(b"a", b""));
    }
}
