//! Recordings: any bytes at all, and true recordings that were changed behind right checksums.
//!
//! A replay takes them all without panicking or growing, says the same however they are cut, and names
//! the record that is wrong.

mod frame;

use std::sync::{Arc, Mutex};

use arbitrary::Arbitrary;
use chat_core::{
    CloseWhen, Closed, Input, Instant, Now, Output, Pause, PeerInfo, UnixMillis,
    host::Tape,
    record::{Recorded, Replay, ReplayError, Summary, replay},
};

use crate::{Bytes, case, setup::Setup};

#[derive(Arbitrary, Debug)]
enum Case<'a> {
    Any(Bytes<'a>),
    Changed {
        setup: Setup,
        changes: Vec<Change>,
        /// What the recorded peers send.
        lines: Bytes<'a>,
    },
}

/// One change of a recording. Records are numbers, taken modulo how many there are.
#[derive(Arbitrary, Debug)]
enum Change {
    Byte { record: u8, at: u16, by: u8 },
    Cut { record: u8, at: u16 },
    Insert { record: u8, at: u16, bytes: [u8; 9] },
    Swap { record: u8, other: u8 },
    Repeat { record: u8 },
    Drop { record: u8 },
}

/// Takes bytes, or a recording to be made and changes of it.
pub fn run(data: &[u8]) {
    match case::<Case<'_>>(data) {
        None => {}
        Some(Case::Any(bytes)) => check(bytes.0),
        Some(Case::Changed { setup, changes, lines }) => {
            let recording = record(setup, lines.0);
            let mut payloads = frame::payloads(&recording);
            assert_eq!(frame::recording(&payloads), recording);
            assert!(replay(&recording).is_ok(), "a recording is proved");
            for change in &changes {
                apply(change, &mut payloads);
            }
            check(&frame::recording(&payloads));
        }
    }
}

/// What holds for any recording.
fn check(recording: &[u8]) {
    let whole = replay(recording);
    let cut = in_pieces(recording);
    assert_eq!(whole, cut, "however it is cut");
    if let Err(error) = whole {
        let text = error.to_string();
        assert!(!text.contains('\n'), "an error is one line");
        let names_a_record = text.starts_with("record ") || error == ReplayError::NotARecording;
        assert!(names_a_record, "{text}");
    }
}

fn in_pieces(recording: &[u8]) -> Result<Summary, ReplayError> {
    let mut replay = Replay::new();
    for piece in recording.chunks(7) {
        replay.feed(piece)?;
    }
    replay.finish()
}

fn apply(change: &Change, payloads: &mut Vec<Vec<u8>>) {
    let count = payloads.len();
    let place = |record: u8| usize::from(record) % count;
    let within = |at: u16, payload: &Vec<u8>| usize::from(at) % (payload.len() + 1);
    if count == 0 {
        return;
    }
    match *change {
        Change::Byte { record, at, by } => {
            let payload = &mut payloads[place(record)];
            let at = within(at, payload);
            if let Some(byte) = payload.get_mut(at) {
                *byte = byte.wrapping_add(by);
            }
        }
        Change::Cut { record, at } => {
            let payload = &mut payloads[place(record)];
            payload.truncate(within(at, payload));
        }
        Change::Insert { record, at, bytes } => {
            let payload = &mut payloads[place(record)];
            let at = within(at, payload);
            payload.splice(at..at, bytes);
        }
        Change::Swap { record, other } => payloads.swap(place(record), place(other)),
        Change::Repeat { record } => {
            let payload = payloads[place(record)].clone();
            payloads.insert(place(record), payload);
        }
        Change::Drop { record } => drop(payloads.remove(place(record))),
    }
}

/// Records two peers who send these lines by turns, and a third who stays silent.
fn record(setup: Setup, lines: &[u8]) -> Vec<u8> {
    let tape = Shared::default();
    let now = |ms: u64| Now {
        mono: Instant::from_micros(ms * 1000),
        wall: UnixMillis(1_700_000_000_000 + ms),
    };
    let mut server = Recorded::new(setup.config(), [7; 32], now(0), Some(Box::new(tape.clone())))
        .expect("the configuration is valid");
    let peer = PeerInfo { address: Some([192, 0, 2, 1].into()), exempt: true };
    let conns = [0; 3].map(|_| server.open(now(1), peer.clone()).expect("there is room"));
    for (conn, nick) in conns.into_iter().zip(["alice", "bob"]) {
        let lines = format!("NICK {nick}\r\nUSER {nick} 0 * :x\r\nJOIN #a\r\n");
        server.handle(now(2), Input::Data(conn, lines.as_bytes()));
        drain(&mut server, now(2));
    }
    let turns = lines.split_inclusive(|byte| *byte == b'\n').take(LINES_MAX);
    for (line, (turn, conn)) in turns.zip((0..).zip(conns[..2].iter().cycle())) {
        let now = now(3 + turn * 400);
        server.handle(now, Input::Timeout);
        server.handle(now, Input::Data(*conn, &line[..line.len().min(READ_MAX)]));
        drain(&mut server, now);
    }
    drop(server);
    let tape = tape.0.lock().expect("nobody panicked");
    tape.clone()
}

/// Does what the server says.
fn drain(server: &mut Recorded, now: Now) {
    while let Some(output) = server.poll_output() {
        match output {
            Output::Flush(conn) => {
                let len = server.outbox(conn).map(|chunk| chunk.len()).sum();
                server.handle(now, Input::Sent(conn, len, Pause::Full));
            }
            Output::Close(conn, CloseWhen::Now | CloseWhen::AfterFlush) => {
                server.handle(now, Input::Closed(conn, Closed::Asked));
            }
            _ => {}
        }
    }
}

/// A tape in memory.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Tape for Shared {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
    }
}

/// The most lines of a recording.
const LINES_MAX: usize = 32;

/// What one read gives at the most.
const READ_MAX: usize = 16 << 10;
