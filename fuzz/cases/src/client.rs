//! The client core and a hostile server: any bytes, in any pieces, whatever the user asks for meanwhile.
//!
//! What the client writes is lines that a client may send, of which the server chose none; what it tells
//! does not depend on how the bytes were cut; what it keeps is bounded; and it comes to an end.

use std::time::Duration;

use arbitrary::Arbitrary;
use chat_core::{
    Instant, Now, UnixMillis,
    client::{Client, Command, Event, Input, Options},
};

use crate::{Bytes, case, line::check};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    password: bool,
    key: bool,
    reconnect: bool,
    /// What comes after each piece of the stream.
    turns: Vec<Turn>,
    stream: Bytes<'a>,
}

#[derive(Arbitrary, Debug)]
struct Turn {
    /// The bytes of the piece.
    size: u8,
    then: Then,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Then {
    Nothing,
    Command {
        kind: u8,
        word: u8,
        text: u8,
    },
    Wait {
        seconds: u8,
    },
    /// The host's socket takes no more, or takes all again.
    Block(bool),
    /// The host does not look at events, or does again.
    Ignore(bool),
    Lose,
}

/// Takes options, a stream, how it is cut, and what happens after each piece.
pub fn run(data: &[u8]) {
    let Some(case) = case::<Case<'_>>(data) else { return };
    let mut whole = Host::new(&case);
    whole.receive(case.stream.0);
    let mut cut = Host::new(&case);
    let mut rest = case.stream.0;
    for turn in &case.turns {
        cut.receive(take(&mut rest, turn.size));
    }
    cut.receive(rest);
    assert_eq!(whole.written.escape_ascii().to_string(), cut.written.escape_ascii().to_string());
    assert_eq!(whole.events, cut.events, "what is told depends on the bytes alone");

    let mut host = Host::new(&case);
    let mut rest = case.stream.0;
    for turn in &case.turns {
        host.receive(take(&mut rest, turn.size));
        host.then(turn.then);
    }
    host.receive(rest);
    host.finish();
}

fn take<'a>(rest: &mut &'a [u8], size: u8) -> &'a [u8] {
    let (piece, later) = rest.split_at(usize::from(size).min(rest.len()));
    *rest = later;
    piece
}

/// A client and its host.
struct Host {
    client: Client,
    now: Now,
    /// The connection is open.
    open: bool,
    blocked: bool,
    ignores: bool,
    written: Vec<u8>,
    events: Vec<Event>,
}

impl Host {
    fn new(case: &Case<'_>) -> Self {
        let key = if case.key { " key" } else { "" };
        let options = Options {
            nick: "alice".into(),
            user: "alice".into(),
            real: "Alice".into(),
            password: case.password.then(|| "secret".into()),
            join: vec![format!("#a{key}"), "#b".into()],
            reconnect: case.reconnect,
        };
        let mut host = Self {
            client: Client::new(options, 7).expect("the options can be sent"),
            now: Now { mono: Instant::from_micros(1), wall: UnixMillis(1_700_000_000_000) },
            open: false,
            blocked: false,
            ignores: false,
            written: Vec::new(),
            events: Vec::new(),
        };
        host.settle();
        host
    }

    fn receive(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(READ_MAX) {
            if self.open {
                self.handle(Input::Data(piece));
            }
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.client.handle(self.now, input);
        self.settle();
    }

    fn then(&mut self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Command { kind, word, text } => {
                self.handle(Input::Command(command(kind, word, text)));
            }
            Then::Wait { seconds } => self.wait(Duration::from_secs(seconds.into())),
            Then::Block(on) => self.blocked = on,
            Then::Ignore(on) => self.ignores = on,
            Then::Lose => {
                self.open = false;
                self.handle(Input::Disconnected("lost"));
            }
        }
        self.settle();
    }

    /// Takes events and writes, as long as there is something to do.
    fn settle(&mut self) {
        loop {
            let event = if self.ignores { None } else { self.client.poll_event() };
            if let Some(event) = event {
                self.told(event);
                continue;
            }
            let outbox = self.client.outbox();
            // A bit more than the client promises itself: the answer to the last line.
            assert!(outbox.len() <= OUTBOX_MAX, "{} bytes wait", outbox.len());
            if outbox.is_empty() || self.blocked {
                break;
            }
            for line in outbox.split_inclusive(|byte| *byte == b'\n') {
                check_from_client(line);
            }
            let len = outbox.len();
            self.written.extend_from_slice(outbox);
            self.client.sent(len);
        }
        self.check();
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Connect => {
                self.open = true;
                self.client.handle(self.now, Input::Connected);
            }
            Event::Disconnected { .. } => self.open = false,
            _ => {}
        }
        self.events.push(event);
    }

    /// What must hold at any time.
    fn check(&self) {
        assert!(self.client.channels().len() <= CHANNELS_MAX);
        let sendable = |name: &[u8]| !name.is_empty() && !name.iter().any(u8::is_ascii_control);
        assert!(sendable(self.client.nick()), "{:?} is no nick", self.client.nick());
        for channel in self.client.channels() {
            assert!(channel.name().len() <= NAME_MAX);
            assert!(channel.members().all(|member| member.nick.len() <= NAME_MAX));
        }
    }

    /// Time passes; what is due is done.
    fn wait(&mut self, time: Duration) {
        let end = self.now.mono.after(time);
        let mut turns = 0;
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.move_to(at.max(self.now.mono));
            self.handle(Input::Timeout);
            turns += 1;
            assert!(turns < TURNS_MAX, "timers come to an end");
        }
        self.move_to(end);
    }

    fn move_to(&mut self, mono: Instant) {
        self.now.wall.0 += mono.since(self.now.mono).as_millis() as u64;
        self.now.mono = mono;
    }

    /// The user quits: the client ends, though the server says nothing any more.
    fn finish(&mut self) {
        self.blocked = false;
        self.ignores = false;
        self.settle();
        self.handle(Input::Command(Command::Quit { reason: None }));
        self.wait(Duration::from_secs(60));
        assert!(self.client.is_done(), "a client that quits comes to an end");
        assert!(self.client.poll_timeout().is_none() && self.client.outbox().is_empty());
        let done = self.events.iter().position(|event| *event == Event::Done);
        let mut later = self.events.iter().skip(done.expect("the end is told") + 1);
        assert!(later.all(|event| matches!(event, Event::Refused(_))), "nothing happens any more");
    }
}

/// Checks a line that a client has written.
fn check_from_client(line: &[u8]) {
    let shown = line.escape_ascii();
    let content = line.strip_suffix(b"\r\n").unwrap_or_else(|| panic!("no CRLF: {shown}"));
    let message = check(content);
    assert!(message.source.is_none(), "a client names no source: {shown}");
    assert!(COMMANDS.contains(&message.command), "no command of ours: {shown}");
}

/// What the client sends by itself, and what the user may have it send: any line, words of a text too.
const COMMANDS: &[&[u8]] = &[
    b"a", b"hello", b"AWAY", b"CAP", b"JOIN", b"LIST", b"MODE", b"NAMES", b"NICK", b"NOTICE",
    b"PART", b"PASS", b"PING", b"PONG", b"PRIVMSG", b"QUIT", b"TOPIC", b"USER", b"WHO", b"WHOIS",
];

fn command(kind: u8, word: u8, text: u8) -> Command {
    let word = || WORDS[usize::from(word) % WORDS.len()].into();
    let text = || TEXTS[usize::from(text) % TEXTS.len()].into();
    match kind % 15 {
        0 => Command::Message { target: word(), text: text() },
        1 => Command::Action { target: word(), text: text() },
        2 => Command::Notice { target: word(), text: text() },
        3 => Command::Join { channel: word(), key: Some(text()) },
        4 => Command::Join { channel: word(), key: None },
        5 => Command::Part { channel: word(), reason: Some(text()) },
        6 => Command::Nick { nick: word() },
        7 => Command::Names { channel: word() },
        8 => Command::Topic { channel: word(), topic: Some(text()) },
        9 => Command::Who { mask: word() },
        10 => Command::Whois { nick: word() },
        11 => Command::List { mask: Some(word()) },
        12 => Command::Away { reason: Some(text()) },
        13 => Command::Ping { token: word() },
        _ => Command::Raw(text()),
    }
}

const WORDS: &[&str] = &["#a", "#B", "bob", "alice", "", "a b", ":a", "a,b", "a\r\nQUIT", "a\0"];

const TEXTS: &[&str] = &[
    "hello",
    "",
    "\r\n",
    "two\r\nlines\n",
    "MODE #a +b *!*@*",
    "@+x=y PRIVMSG #a :hello, all",
    ":bob PRIVMSG #a :as somebody else",
    "PRIVMSG #a :one\r\nQUIT :two",
    "\u{1}ACTION waves\u{1}",
    "a text of more than one line: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
     0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
     0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 \
     0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 ñandú ñandú ñandú",
];

/// How many timers may be due in one wait.
const TURNS_MAX: usize = 1_000;

/// What one read gives at the most.
const READ_MAX: usize = 64 << 10;

/// What a client keeps unsent at the most.
const OUTBOX_MAX: usize = (1 << 20) + (64 << 10);

/// How many channels it follows at the most, and how long a name is at the most.
const CHANNELS_MAX: usize = 256;
const NAME_MAX: usize = 200;
