//! A stream of bytes: the frames depend on the stream alone, never on how it was split.

use arbitrary::Arbitrary;
use chat_core::wire::{Frame, FrameLimits, Framer};

use crate::case;

#[derive(Arbitrary, Debug)]
struct Case {
    /// Small limits are met more often.
    tags: u8,
    body: u8,
    /// Sizes of the pieces, used in a circle; zero is a piece without bytes.
    pieces: Vec<u8>,
    stream: Vec<u8>,
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
    let Some(case) = case::<Case>(data) else { return };
    let limits = FrameLimits { tags: case.tags.into(), body: case.body.into() };
    let whole = frames(limits, &case.stream, core::iter::once(case.stream.len()));
    let sizes = case.pieces.iter().map(|size| usize::from(*size)).chain([1]).cycle();
    assert_eq!(whole, frames(limits, &case.stream, sizes));
    for frame in &whole {
        if let Kept::Line(line) = frame {
            assert!(!line.is_empty());
            assert!(!line.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')));
            assert!(line.len() <= limits.tags + limits.body);
        }
    }
}

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
