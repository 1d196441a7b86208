//! Cuts a byte stream into lines, in linear time and bounded memory.

use core::fmt;

use memchr::{memchr, memchr2};

use super::Escaped;

/// How long a line may be. Both parts count bytes and are judged apart.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct FrameLimits {
    /// The tag section, with its `@` and the space that ends it.
    pub tags: usize,
    /// All that follows the tag section, without the line end.
    pub body: usize,
}

impl FrameLimits {
    /// What a server takes from a client: 4096 for tags, 510 for the rest.
    pub const FROM_CLIENT: Self = Self { tags: 4096, body: 510 };
    /// What a client takes from a server: 8191 for tags (the server's and the sender's together),
    /// 510 for the rest.
    pub const FROM_SERVER: Self = Self { tags: 8191, body: 510 };

    /// Whether `content`, a line without its end, is over a limit.
    ///
    /// Once a prefix is over, the whole line is.
    fn exceeded_by(self, content: &[u8]) -> bool {
        if content.len() <= self.body && content.len() <= self.tags {
            return false;
        }
        let tags = match content.first() {
            Some(b'@') => memchr(b' ', content).map_or(content.len(), |space| space + 1),
            _ => 0,
        };
        tags > self.tags || content.len() - tags > self.body
    }

    /// The length past which a line starting like `content` is over a limit, whatever it holds.
    fn longest(self, content: &[u8]) -> usize {
        match content.first() {
            Some(b'@') => self.tags.saturating_add(self.body),
            _ => self.body,
        }
    }
}

/// One line of the stream, or what was there in its place.
#[derive(Copy, Clone, Eq, PartialEq)]
pub enum Frame<'a> {
    /// A line without its end. Never empty, and free of NUL, CR and LF.
    Line(&'a [u8]),
    /// A line over a limit. None of it was kept.
    TooLong,
    /// A line within the limits that holds a NUL, or a CR which is not part of its end.
    Malformed,
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.debug_tuple("Line").field(&Escaped(line)).finish(),
            Self::TooLong => f.write_str("TooLong"),
            Self::Malformed => f.write_str("Malformed"),
        }
    }
}

/// What one call of [`Framer::next`] made of the bytes.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Step<'a> {
    /// How many bytes the caller drops from the front before the next call.
    pub consumed: usize,
    /// The frame found, or `None` when more bytes are needed.
    pub frame: Option<Frame<'a>>,
}

/// Finds the lines of one stream.
///
/// The caller keeps the bytes. It presents those not yet consumed, drops as many as the [`Step`]
/// says, and calls again: at once after a frame, with more bytes appended after `None`. An
/// over-long line is consumed while it comes, so a caller never holds more than
/// `tags + body + 1` bytes between calls that returned `None`.
///
/// Lines end in LF or CRLF. Empty lines are consumed silently. The frames depend on the stream
/// alone, never on how it was split. A line that is both over-long and malformed is over-long.
///
/// The work is linear in the stream's length, even when it comes byte by byte.
#[derive(Clone, Debug)]
pub struct Framer {
    limits: FrameLimits,
    /// How many bytes at the front of the kept rest are known to hold no LF.
    scanned: u32,
    /// The current line is over a limit: drop up to its LF.
    skipping: bool,
}

impl Framer {
    /// A framer at the start of a line.
    #[must_use]
    pub const fn new(limits: FrameLimits) -> Self {
        Self { limits, scanned: 0, skipping: false }
    }

    /// Takes at most one frame from the front of `bytes`.
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        let mut start = 0;
        while let Some(end) = self.find_line_end(&bytes[start..]) {
            let line = &bytes[start..start + end];
            start += end + 1;
            if let Some(frame) = self.judge(line) {
                return Step { consumed: start, frame: Some(frame) };
            }
        }
        Step { consumed: start + self.keep(&bytes[start..]), frame: None }
    }

    /// The index of the first LF, looked for only where it was not before.
    fn find_line_end(&mut self, rest: &[u8]) -> Option<usize> {
        let known = self.scanned + mutant!(LineEndAtBoundaryMissed => self.scanned.min(1), else 0);
        let from = (known as usize).min(rest.len());
        let end = memchr(b'\n', &rest[from..])? + from;
        self.scanned = 0;
        Some(end)
    }

    /// What a line is that ended in LF; nothing for an empty one.
    fn judge<'a>(&mut self, line: &'a [u8]) -> Option<Frame<'a>> {
        let line = without_cr(line);
        if core::mem::take(&mut self.skipping) || self.limits.exceeded_by(line) {
            Some(Frame::TooLong)
        } else if line.is_empty() {
            None
        } else if memchr2(0, b'\r', line).is_some() {
            Some(Frame::Malformed)
        } else {
            Some(Frame::Line(line))
        }
    }

    /// How much to drop of a line that has not ended: all of it once it is over-long, else nothing.
    fn keep(&mut self, partial: &[u8]) -> usize {
        self.skipping = self.skipping || without_cr(partial).len() > self.limits.longest(partial);
        if self.skipping {
            self.scanned = 0;
            return partial.len();
        }
        // Should limits be absurd, scanning less is slower and still right.
        self.scanned = u32::try_from(partial.len()).unwrap_or(u32::MAX);
        0
    }
}

/// One CR at the end belongs to the line end, or may yet.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    const SMALL: FrameLimits = FrameLimits { tags: 8, body: 5 };

    fn frames(mut bytes: &[u8]) -> Vec<Frame<'_>> {
        let mut framer = Framer::new(SMALL);
        let mut frames = Vec::new();
        loop {
            let Step { consumed, frame } = framer.next(bytes);
            bytes = &bytes[consumed..];
            match frame {
                Some(frame) => frames.push(frame),
                None => return frames,
            }
        }
    }

    #[test]
    fn lines_end_in_lf_or_crlf_and_empty_ones_are_skipped() {
        let expected = vec![Frame::Line(b"A"), Frame::Line(b"B"), Frame::Line(b" ")];
        assert_eq!(frames(b"A\r\n\r\n\n\nB\n \nrest"), expected);
    }

    #[test]
    fn nul_and_a_stray_cr_make_a_line_malformed() {
        for line in [&b"a\0b\n"[..], b"a\rb\n", b"\r\r\n", b"a\r\r\n", b"\0\n", b"\ra\n"] {
            assert_eq!(frames(line), [Frame::Malformed], "{}", Escaped(line));
        }
    }

    #[test]
    fn the_body_limit_does_not_count_the_line_end() {
        assert_eq!(frames(b"12345\r\n"), [Frame::Line(b"12345")]);
        assert_eq!(frames(b"12345\n"), [Frame::Line(b"12345")]);
        assert_eq!(frames(b"123456\n"), [Frame::TooLong]);
        assert_eq!(frames(b"123456\r\n"), [Frame::TooLong]);
    }

    #[test]
    fn the_tag_limit_counts_the_at_sign_and_the_space() {
        assert_eq!(frames(b"@a=bcde 12345\n"), [Frame::Line(b"@a=bcde 12345")]);
        assert_eq!(frames(b"@a=bcdef 1\n"), [Frame::TooLong]);
        assert_eq!(frames(b"@a=bcde 123456\n"), [Frame::TooLong]);
    }

    #[test]
    fn unused_room_for_tags_is_not_given_to_the_body() {
        assert_eq!(frames(b"@a 123456\n"), [Frame::TooLong]);
    }

    #[test]
    fn over_long_comes_before_malformed() {
        assert_eq!(frames(b"\0\r3456\n"), [Frame::TooLong]);
        assert_eq!(frames(b"1234\r\r\n"), [Frame::Malformed]);
        assert_eq!(frames(b"12345\r\r\n"), [Frame::TooLong]);
    }

    #[test]
    fn an_over_long_line_is_dropped_while_it_comes_and_told_once_at_its_end() {
        let mut framer = Framer::new(SMALL);
        assert_eq!(framer.next(b"12345\r"), Step { consumed: 0, frame: None });
        assert_eq!(framer.next(b"12345\r6"), Step { consumed: 7, frame: None });
        assert_eq!(framer.next(b"789"), Step { consumed: 3, frame: None });
        assert_eq!(framer.next(b"\r\nA\n"), Step { consumed: 2, frame: Some(Frame::TooLong) });
        assert_eq!(framer.next(b"A\n"), Step { consumed: 2, frame: Some(Frame::Line(b"A")) });
    }

    #[test]
    fn the_standard_limits_are_those_of_message_tags() {
        let line = |tags: usize, body: usize| {
            let mut line = vec![b'@'];
            line.resize(tags - 1, b'a');
            line.push(b' ');
            line.resize(tags + body, b'b');
            line.extend_from_slice(b"\r\n");
            line
        };
        let verdict = |limits, line: &[u8]| {
            matches!(Framer::new(limits).next(line).frame, Some(Frame::Line(_)))
        };
        assert!(verdict(FrameLimits::FROM_CLIENT, &line(4096, 510)));
        assert!(!verdict(FrameLimits::FROM_CLIENT, &line(4097, 510)));
        assert!(!verdict(FrameLimits::FROM_CLIENT, &line(4096, 511)));
        assert!(verdict(FrameLimits::FROM_SERVER, &line(8191, 510)));
        assert!(!verdict(FrameLimits::FROM_SERVER, &line(8192, 510)));
    }

    #[test]
    fn a_caller_who_presents_fewer_bytes_than_before_is_no_danger() {
        let mut framer = Framer::new(SMALL);
        assert_eq!(framer.next(b"1234"), Step { consumed: 0, frame: None });
        assert_eq!(framer.next(b""), Step { consumed: 0, frame: None });
        assert_eq!(framer.next(b"A\n"), Step { consumed: 2, frame: Some(Frame::Line(b"A")) });
    }
}
