//! One connection of a server: any bytes, at any times, in any pieces.
//!
//! What it is answered is lines that a server may send, and depends on the bytes alone, not on how they
//! were cut. Queues stay bounded. A peer that says nothing more is gone in the end.

use arbitrary::Arbitrary;

use crate::{
    Bytes, case,
    setup::Setup,
    stage::Stage,
    words::{NICKS, arrival},
};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    setup: Setup,
    /// The peer has arrived before, with these capabilities.
    caps: Option<u64>,
    /// Whether its passwords are right.
    right: Option<bool>,
    /// How the stream is cut, and for how long the peer waits after each piece.
    pieces: Vec<(u8, u16)>,
    stream: Bytes<'a>,
}

/// Takes a configuration, a stream, how it is cut, and how long the peer waits in between.
pub fn run(data: &[u8]) {
    let Some(case) = case::<Case<'_>>(data) else { return };
    if !case.pieces.is_empty() {
        let whole = play(&case, []);
        let cut = play(&case, case.pieces.iter().map(|(size, _)| (usize::from(*size), 0)));
        let (whole, cut) = (whole.heard().escape_ascii(), cut.heard().escape_ascii());
        assert_eq!(whole.to_string(), cut.to_string(), "answers depend on the bytes alone");
    }

    let pieces = case.pieces.iter().map(|(size, wait)| (usize::from(*size), u64::from(*wait)));
    let mut stage = play(&case, pieces);
    for _ in 0..MINUTES_MAX {
        if stage.is_empty() {
            break;
        }
        stage.wait(60_000);
        stage.check();
    }
    assert!(stage.is_empty(), "a peer that says nothing is gone in the end");
    stage.finish();
}

/// Minutes that a queue full of lines may take, at the rate that flood control leaves to them.
const MINUTES_MAX: usize = 1_500;

/// Plays the stream in pieces of so many bytes, waiting so many milliseconds after each; what is left
/// comes at once.
fn play(case: &Case<'_>, pieces: impl IntoIterator<Item = (usize, u64)>) -> Stage {
    let mut stage = Stage::new(case.setup.config());
    stage.open(PEER);
    if let Some(caps) = case.caps {
        receive(&mut stage, case, arrival(NICKS[0], caps).as_bytes());
    }
    let mut rest = case.stream.0;
    for (size, wait) in pieces {
        let (piece, later) = rest.split_at(size.min(rest.len()));
        receive(&mut stage, case, piece);
        if wait > 0 {
            stage.wait(wait);
        }
        rest = later;
    }
    receive(&mut stage, case, rest);
    stage
}

/// The peer sends bytes; what the server asks is answered at once.
fn receive(stage: &mut Stage, case: &Case<'_>, bytes: &[u8]) {
    stage.receive(PEER, bytes);
    stage.drain();
    while stage.answer(case.right) {
        stage.drain();
    }
    stage.check();
}

/// The peer that counts for no bound on connections.
const PEER: u8 = 0;
