//! A run is recorded, proved, damaged, cut and altered.

extern crate std;

use alloc::{boxed::Box, vec, vec::Vec};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::{Answer, CloseWhen, Closed, Pause, UnixMillis};

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Tape for Memory {
    fn write(&mut self, bytes: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(bytes);
    }
}

/// A host that sends a few bytes at a time.
struct Host {
    server: Recorded,
    now: Now,
    leaving: Vec<ConnId>,
}

impl Host {
    fn new(tape: Option<Box<dyn Tape>>) -> Self {
        let now = Now { mono: Instant::from_micros(5), wall: UnixMillis(1_000_000) };
        let config = Config { motd: vec!["Welcome.".into()], ..Config::default() };
        let server = Recorded::new(config, [7; 32], now, tape).expect("the configuration is valid");
        Self { server, now, leaving: Vec::new() }
    }

    fn connect(&mut self) -> ConnId {
        let peer = PeerInfo { address: None, exempt: true };
        let conn = self.server.open(self.now, peer).expect("there is room");
        self.drain();
        conn
    }

    fn say(&mut self, conn: ConnId, text: &str) {
        self.input(Input::Data(conn, text.as_bytes()));
    }

    fn input(&mut self, input: Input<'_>) {
        self.now.mono = self.now.mono.after(core::time::Duration::from_millis(10));
        self.now.wall.0 += 10;
        self.server.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                Output::Flush(conn) => self.flush(conn),
                Output::Close(conn, CloseWhen::Now) => self.close(conn),
                Output::Close(conn, CloseWhen::AfterFlush) => {
                    self.leaving.push(conn);
                    self.close_if_flushed(conn);
                }
                Output::Ask(ticket, _) => {
                    self.server.handle(self.now, Input::Answer(ticket, Answer::Unavailable));
                }
                Output::SetRead(..) | Output::Cancel(_) | Output::Report(_) | Output::Stopped => {}
            }
        }
    }

    fn flush(&mut self, conn: ConnId) {
        const AT_ONCE: usize = 300;
        let waiting: usize = self.server.outbox(conn).map(|chunk| chunk.len()).sum();
        let pause = if waiting > AT_ONCE { Pause::Yield } else { Pause::Full };
        self.server.handle(self.now, Input::Sent(conn, waiting.min(AT_ONCE), pause));
        self.close_if_flushed(conn);
    }

    fn close_if_flushed(&mut self, conn: ConnId) {
        if self.leaving.contains(&conn) && self.server.outbox(conn).next().is_none() {
            self.close(conn);
        }
    }

    fn close(&mut self, conn: ConnId) {
        self.leaving.retain(|&other| other != conn);
        self.server.handle(self.now, Input::Closed(conn, Closed::Asked));
    }
}

/// A conversation of two, up to the server's end.
fn recording() -> Vec<u8> {
    let tape = Memory::default();
    let mut host = Host::new(Some(Box::new(tape.clone())));
    let alice = host.connect();
    let bob = host.connect();
    host.say(alice, "NICK alice\r\nUSER a 0 * :Alice\r\n");
    host.say(bob, "NICK bob\r\nUSER b 0 * :Bob\r\n");
    host.say(alice, "PRIVMSG #lobby :hello\r\n");
    host.say(bob, "PRIVMSG #lobby :");
    host.say(bob, "good day\r\nQUIT :bye\r\n");
    host.input(Input::Timeout);
    host.input(Input::Shutdown);
    drop(host);

    tape.0.lock().unwrap().clone()
}

/// Each record: its payload, and where it stands.
fn records(recording: &[u8]) -> Vec<(Vec<u8>, core::ops::Range<usize>)> {
    let mut at = frame::MAGIC.len();
    let mut records = Vec::new();
    while at < recording.len() {
        let frame::Opened::Record(payload, length) =
            frame::open(records.len() as u64, &recording[at..])
        else {
            panic!("record {} is whole", records.len());
        };
        records.push((payload.to_vec(), at..at + length));
        at += length;
    }
    records
}

fn sealed(payloads: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut recording = frame::MAGIC.to_vec();
    for (number, payload) in payloads.into_iter().enumerate() {
        let mut frame = vec![0; frame::HEAD];
        frame.extend_from_slice(&payload);
        assert!(frame::seal(number as u64, &mut frame));
        recording.extend_from_slice(&frame);
    }
    recording
}

#[test]
fn a_run_does_the_same_again() {
    let recording = recording();
    let summary = replay(&recording).expect("it is proved");
    assert_eq!(summary.connections, 2);
    assert_eq!(summary.bytes, recording.len() as u64);
    assert_eq!(summary.records, records(&recording).len() as u64);
    assert!(summary.turns >= 8, "{summary:?}");
    assert!(summary.bytes_sent > 500, "{summary:?}");
}

#[test]
fn parts_of_any_size_do() {
    let recording = recording();
    let whole = replay(&recording);
    for size in [1, 7, 1000] {
        let mut parts = Replay::new();
        for part in recording.chunks(size) {
            parts.feed(part).expect("it is proved");
        }
        assert_eq!(parts.finish(), whole);
    }
}

#[test]
fn without_a_tape_the_server_does_the_same() {
    let tape = Memory::default();
    let said = |tape| {
        let mut host = Host::new(tape);
        let alice = host.connect();
        host.server.handle(host.now, Input::Data(alice, b"NICK alice\r\nUSER a 0 * :Alice\r\n"));
        let outputs: Vec<Output> = core::iter::from_fn(|| host.server.poll_output()).collect();
        let bytes: Vec<u8> = host.server.outbox(alice).flat_map(|chunk| chunk.to_vec()).collect();
        (outputs, bytes)
    };
    assert_eq!(said(None), said(Some(Box::new(tape))));
}

#[test]
fn a_flipped_byte_is_found_where_it_is() {
    let recording = recording();
    let records = records(&recording);
    for flipped in 0..recording.len() {
        let mut damaged = recording.clone();
        damaged[flipped] ^= 0x10;
        let found = replay(&damaged).expect_err("a byte is wrong");
        match records.iter().position(|(_, place)| place.contains(&flipped)) {
            None => assert_eq!(found, ReplayError::NotARecording),
            Some(number) => {
                let ReplayError::Damaged { at } = found else { panic!("byte {flipped}: {found}") };
                assert_eq!(at.record, number as u64);
                assert_eq!(at.offset, records[number].1.start as u64);
            }
        }
    }
}

#[test]
fn what_comes_before_a_cut_is_proved() {
    let recording = recording();
    let records = records(&recording);
    for end in 0..recording.len() {
        let found = replay(&recording[..end]).expect_err("the end is missing");
        if end < frame::MAGIC.len() {
            assert_eq!(found, ReplayError::NotARecording);
            continue;
        }
        let ReplayError::Cut { at, proved } = found else { panic!("cut at {end}: {found}") };
        let whole = records.iter().take_while(|(_, place)| place.end <= end).count();
        assert_eq!(at.record, whole as u64);
        assert_eq!(proved.records, whole as u64);
    }
}

#[test]
fn an_altered_record_is_told_by_the_first_turn_that_differs() {
    let recording = recording();
    let before = records(&recording);
    let said = before
        .iter()
        .position(|(payload, _)| payload.windows(5).any(|bytes| bytes == b"hello"))
        .expect("alice says hello");
    let altered = sealed(before.iter().enumerate().map(|(number, (payload, _))| {
        if number == said {
            let at = payload.windows(5).position(|bytes| bytes == b"hello").expect("found above");
            let mut altered = payload.clone();
            altered[at] = b'j';
            altered
        } else {
            payload.clone()
        }
    }));
    let proof = (said..before.len())
        .find(|&number| before[number].0[0] == Kind::Proof as u8)
        .expect("a proof follows");
    let ReplayError::Differs { at, what } = replay(&altered).expect_err("it was altered") else {
        panic!("it differs");
    };
    assert_eq!(what, Difference::Hash);
    assert_eq!(at.record, proof as u64);
    assert_eq!(at.offset, before[proof].1.start as u64);
    assert_eq!(at.after, core::time::Duration::from_millis(30));
}

#[test]
fn a_record_left_out_is_damage() {
    let recording = recording();
    let place = records(&recording)[3].1.clone();
    let mut shorter = recording;
    shorter.drain(place);
    assert!(matches!(replay(&shorter), Err(ReplayError::Damaged { at }) if at.record == 3));
}

#[test]
fn bytes_after_the_end_are_told() {
    let mut recording = recording();
    recording.push(0);
    assert!(matches!(replay(&recording), Err(ReplayError::Trailing { .. })));
}

/// What an attacker who knows the format may write, sealed as if it were recorded.
#[test]
fn no_byte_of_any_record_can_make_the_replay_panic() {
    let recording = recording();
    let payloads: Vec<Vec<u8>> = records(&recording).into_iter().map(|(bytes, _)| bytes).collect();
    for number in 0..payloads.len() {
        for at in 0..payloads[number].len() {
            for change in [0x01, 0x80, 0xff] {
                let mut altered = payloads.clone();
                altered[number][at] ^= change;
                let _ = replay(&sealed(altered));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_safe_to_feed(bytes: Vec<u8>, payloads: Vec<Vec<u8>>) {
        let _ = replay(&bytes);
        let mut headed = frame::MAGIC.to_vec();
        headed.extend_from_slice(&bytes);
        let _ = replay(&headed);
        let start = records(&recording()).swap_remove(0).0;
        let _ = replay(&sealed(core::iter::once(start).chain(payloads)));
    }
}
