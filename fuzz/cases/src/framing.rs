//! A stream of bytes: the frames are those of the definition, and depend on the stream alone, never on how
//! it was split.

use arbitrary::Arbitrary;
use chat_core::wire::{Frame, FrameLimits, Framer};

use crate::{Bytes, case};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    limits: Limits,
    /// Each byte of this kind comes so many times: the limits of the protocol are far away.
    stretched: u8,
    times: u16,
    /// Sizes of the pieces, used in a circle; zero is a piece without bytes.
    pieces: Vec<u8>,
    stream: Bytes<'a>,
}

#[derive(Arbitrary, Debug)]
enum Limits {
    FromClient,
    FromServer,
    /// Small limits are met more often.
    Small {
        tags: u8,
        body: u8,
    },
}

/// A frame that is kept.
#[derive(Debug, PartialEq)]
enum Kept {
    Line(Vec<u8>),
    TooLong,
    Malformed,
}

/// Takes limits, a stream, and how it is cut.
pub fn run(data: &[u8]) {
    let Some(case) = case::<Case<'_>>(data) else { return };
    let limits = match case.limits {
        Limits::FromClient => FrameLimits::FROM_CLIENT,
        Limits::FromServer => FrameLimits::FROM_SERVER,
        Limits::Small { tags, body } => FrameLimits { tags: tags.into(), body: body.into() },
    };
    let mut stream = Vec::new();
    for &byte in case.stream.0.iter().take(STREAM_MAX) {
        let times = if byte == case.stretched { case.times.into() } else { 1 };
        stream.extend(std::iter::repeat_n(byte, times).take(STREAM_MAX - stream.len()));
    }

    let whole = frames(limits, &stream, std::iter::once(stream.len()));
    assert_eq!(whole, by_definition(limits, &stream));
    let sizes = case.pieces.iter().map(|size| usize::from(*size)).chain([1]).cycle();
    assert_eq!(whole, frames(limits, &stream, sizes), "frames depend on the stream alone");
}

/// The most bytes of a stream.
const STREAM_MAX: usize = 32 << 10;

/// The frames of a stream that comes in pieces.
fn frames(limits: FrameLimits, stream: &[u8], mut sizes: impl Iterator<Item = usize>) -> Vec<Kept> {
    let mut framer = Framer::new(limits);
    let (mut frames, mut kept, mut rest) = (Vec::new(), Vec::new(), stream);
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
        kept.extend_from_slice(piece);
        rest = later;
        let mut read = 0;
        loop {
            let step = framer.next(&kept[read..]);
            read += step.consumed;
            frames.push(match step.frame {
                Some(Frame::Line(line)) => Kept::Line(line.to_vec()),
                Some(Frame::TooLong) => Kept::TooLong,
                Some(Frame::Malformed) => Kept::Malformed,
                None => break,
            });
        }
        kept.drain(..read);
        assert!(kept.len() <= limits.tags + limits.body + 1, "an over-long line is not kept");
    }
    frames
}

/// The frames of a whole stream, straight from what the limits mean.
fn by_definition(limits: FrameLimits, stream: &[u8]) -> Vec<Kept> {
    let mut lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    lines.pop();
    let judge = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let space = line.iter().position(|byte| *byte == b' ');
        let tags = match line.first() {
            Some(b'@') => space.map_or(line.len(), |space| space + 1),
            _ => 0,
        };
        if tags > limits.tags || line.len() - tags > limits.body {
            Some(Kept::TooLong)
        } else if line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            Some(Kept::Malformed)
        } else {
            (!line.is_empty()).then(|| Kept::Line(line.to_vec()))
        }
    };
    lines.into_iter().filter_map(judge).collect()
}
