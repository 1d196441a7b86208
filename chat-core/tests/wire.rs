//! What the wire layer promises for every input: the same frames at every split, the same message
//! after a round trip, one line out for whatever is put in.

use chat_core::wire::{
    BODY_MAX, Encoder, Frame, FrameLimits, Framer, MAX_PARAMS, Message, RawTagValue, TAGS_MAX,
    Tags, escape_into,
};
use proptest::prelude::*;
use proptest::{collection::vec, sample::select};

const SMALL: FrameLimits = FrameLimits { tags: 8, body: 5 };

/// A frame that owns its line.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Owned {
    Line(Vec<u8>),
    TooLong,
    Malformed,
}

/// A connection's receive buffer: what comes is appended, what is consumed goes.
struct Receiver {
    framer: Framer,
    limits: FrameLimits,
    kept: Vec<u8>,
    frames: Vec<Owned>,
}

impl Receiver {
    fn new(limits: FrameLimits) -> Self {
        Self { framer: Framer::new(limits), limits, kept: Vec::new(), frames: Vec::new() }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        loop {
            let step = self.framer.next(&self.kept);
            let frame = step.frame.map(|frame| match frame {
                Frame::Line(line) => Owned::Line(line.to_vec()),
                Frame::TooLong => Owned::TooLong,
                Frame::Malformed => Owned::Malformed,
            });
            self.kept.drain(..step.consumed);
            match frame {
                Some(frame) => self.frames.push(frame),
                None => break,
            }
        }
        let bound = self.limits.tags + self.limits.body + 1;
        assert!(self.kept.len() <= bound, "{} bytes are kept", self.kept.len());
    }

    fn of_chunks<'a>(limits: FrameLimits, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut receiver = Self::new(limits);
        for chunk in chunks {
            receiver.receive(chunk);
        }
        receiver
    }
}

/// The frames of a whole stream, straight from the definition.
fn frames_by_definition(limits: FrameLimits, stream: &[u8]) -> Vec<Owned> {
    let mut lines: Vec<&[u8]> = stream.split(|&byte| byte == b'\n').collect();
    lines.pop();
    let judge = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let tags = match line.iter().position(|&byte| byte == b' ') {
            _ if line.first() != Some(&b'@') => 0,
            Some(space) => space + 1,
            None => line.len(),
        };
        if tags > limits.tags || line.len() - tags > limits.body {
            Some(Owned::TooLong)
        } else if line.contains(&0) || line.contains(&b'\r') {
            Some(Owned::Malformed)
        } else {
            (!line.is_empty()).then(|| Owned::Line(line.to_vec()))
        }
    };
    lines.into_iter().filter_map(judge).collect()
}

/// Streams made of what the framer treats apart.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(vec![&b"\n"[..], b"\r\n", b"\r", b"\0", b"@", b" ", b"a", b":"]),
        1 => select(vec![&b"aaaaa"[..], b"@aaaaaa ", b"aaaaaaaaaaaaaaaaaaaaaaa"]),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn frames_are_the_same_at_every_split(stream in stream(), sizes in vec(1..9usize, 1..20)) {
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for &size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at(size.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        let expected = frames_by_definition(SMALL, &stream);
        prop_assert_eq!(&Receiver::of_chunks(SMALL, [&stream[..]]).frames, &expected);
        prop_assert_eq!(&Receiver::of_chunks(SMALL, chunks).frames, &expected);
        prop_assert_eq!(&Receiver::of_chunks(SMALL, stream.chunks(1)).frames, &expected);
        for at in 0..stream.len() {
            let (left, right) = stream.split_at(at);
            prop_assert_eq!(&Receiver::of_chunks(SMALL, [left, right]).frames, &expected);
        }
    }

    #[test]
    fn what_is_kept_does_not_depend_on_the_split(stream in stream()) {
        let whole = Receiver::of_chunks(SMALL, [&stream[..]]);
        let bytewise = Receiver::of_chunks(SMALL, stream.chunks(1));
        prop_assert_eq!(whole.kept, bytewise.kept);
    }

    #[test]
    fn a_framed_line_parses_without_forbidden_bytes(stream in vec(any::<u8>(), 0..200)) {
        for frame in Receiver::of_chunks(FrameLimits::FROM_CLIENT, [&stream[..]]).frames {
            if let Owned::Line(line) = frame {
                prop_assert!(!line.is_empty());
                prop_assert!(Message::parse(&line) != Err(chat_core::wire::ParseError::ForbiddenByte));
            }
        }
    }
}

#[test]
fn a_long_line_byte_by_byte_is_held_only_up_to_the_limits() {
    for start in [&b"@"[..], b"@ ", b"x"] {
        let mut receiver = Receiver::new(FrameLimits::FROM_CLIENT);
        receiver.receive(start);
        for _ in 0..20_000 {
            receiver.receive(b"a");
        }
        assert_eq!(receiver.frames, []);
        receiver.receive(b"\r\nPING\r\n");
        assert_eq!(receiver.frames, [Owned::TooLong, Owned::Line(b"PING".to_vec())]);
    }
}

/// Lines near enough to messages that most of them parse.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let spaces = || select(vec![" ", "  ", "   "]);
    let tags =
        prop_oneof![Just(String::new()), "@[a+/=;\\\\:-]{0,12} {1,3}".prop_map(|tags| tags),];
    let source = prop_oneof![Just(String::new()), ":[a!@.:]{0,6} {1,3}".prop_map(|source| source)];
    let command = select(vec!["PRIVMSG", "x", "001", "999"]);
    let param = prop_oneof![4 => "[a:@#,]{0,4}", 1 => ":[a :]{0,6}"];
    let params = vec((spaces(), param), 0..20)
        .prop_map(|params| params.into_iter().map(|(space, param)| format!("{space}{param}")));
    (tags, source, command, params, select(vec!["", " ", "  "])).prop_map(
        |(tags, source, command, params, end)| {
            let params: String = params.collect();
            format!("{tags}{source}{command}{params}{end}").into_bytes()
        },
    )
}

fn emitted(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.emit(&mut out);
    assert_eq!(out.split_off(out.len() - 2), b"\r\n");
    out
}

proptest! {
    #[test]
    fn emitting_is_the_inverse_of_parsing(line in line()) {
        if let Ok(message) = Message::parse(&line) {
            let canonical = emitted(&message);
            prop_assert!(canonical.len() <= line.len() + 1, "a colon for the 15th at most");
            prop_assert_eq!(Message::parse(&canonical), Ok(message));
            prop_assert_eq!(emitted(&Message::parse(&canonical).unwrap()), canonical);
        }
    }

    #[test]
    fn emitting_is_the_inverse_of_parsing_any_bytes(line in vec(any::<u8>(), 0..500)) {
        if let Ok(message) = Message::parse(&line) {
            let canonical = emitted(&message);
            prop_assert_eq!(Message::parse(&canonical), Ok(message));
        }
    }

    #[test]
    fn any_tag_section_is_kept_as_it_is(tags in "@[a-c+=;\\\\/\u{e9}]{0,300}") {
        let line = format!("{tags} TAGMSG x");
        let message = Message::parse(line.as_bytes()).unwrap();
        prop_assert_eq!(message.tags.as_bytes(), &tags.as_bytes()[1..]);
        let canonical = emitted(&message);
        prop_assert_eq!(Message::parse(&canonical), Ok(message));
    }

    #[test]
    fn a_tag_value_comes_back_as_it_was(value in vec(any::<u8>(), 0..40)) {
        let mut out = Vec::new();
        Encoder::new(&mut out).tag(b"k", &value).command(b"C").finish();
        let message = Message::parse(out.strip_suffix(b"\r\n").unwrap()).unwrap();
        let mut back = Vec::new();
        message.tags.get(b"k").unwrap().unescape(&mut back);
        let without_nul: Vec<u8> = value.into_iter().filter(|&byte| byte != 0).collect();
        prop_assert_eq!(back, without_nul);
    }

    #[test]
    fn unescaping_never_grows_and_escaping_again_is_stable(raw in "[a\\\\:srn]{0,20}") {
        let section = format!("k={raw}");
        let value: RawTagValue<'_> = Tags::new(section.as_bytes()).get(b"k").unwrap();
        let mut plain = Vec::new();
        value.unescape(&mut plain);
        prop_assert!(plain.len() <= raw.len());
        let mut escaped = b"k=".to_vec();
        escape_into(&plain, &mut escaped);
        let mut again = Vec::new();
        Tags::new(&escaped).get(b"k").unwrap().unescape(&mut again);
        prop_assert_eq!(again, plain);
    }
}

/// Bytes as a hostile peer would choose them.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(select(b"\r\n\0 :;=@!*\\,+/a\xc3\xa9\xff".to_vec()), 0..8),
        vec(any::<u8>(), 0..40),
        (select(vec![b'a', b' ', b'\n', 0xC3, 0xA9]), 400..600usize)
            .prop_map(|(byte, len)| vec![byte; len]),
        Just(b"x\r\nQUIT".to_vec()),
    ]
}

proptest! {
    #[test]
    fn one_line_comes_out_whatever_is_put_in(
        tags in vec((hostile(), hostile()), 0..4),
        raw in hostile(),
        source in prop::option::of([hostile(), hostile(), hostile()]),
        command in prop_oneof![Just(b"PRIVMSG".to_vec()), Just(b"001".to_vec()), hostile()],
        params in vec(hostile(), 0..MAX_PARAMS),
        trailing in prop::option::of((any::<bool>(), hostile())),
    ) {
        let mut out = b"PING\r\n".to_vec();
        let mut encoder = Encoder::new(&mut out);
        for (key, value) in &tags {
            encoder.tag(key, value);
        }
        encoder.raw_tags(&raw);
        match &source {
            Some([nick, user, host]) if !user.is_empty() => encoder.source_user(nick, user, host),
            Some([server, ..]) => encoder.source(server),
            None => &mut encoder,
        };
        encoder.command(&command);
        for param in &params {
            encoder.param(param);
        }
        match &trailing {
            Some((true, text)) => encoder.trailing(text),
            Some((false, text)) => encoder.last(text),
            None => &mut encoder,
        };
        drop(encoder);

        let line = out.strip_prefix(b"PING\r\n").expect("what was in the buffer stays");
        let line = line.strip_suffix(b"\r\n").expect("the line has an end");
        prop_assert!(!line.iter().any(|byte| b"\r\n\0".contains(byte)), "there is one line");
        let limits = FrameLimits { tags: TAGS_MAX, body: BODY_MAX };
        let framed = Receiver::of_chunks(limits, [&out[..]]).frames;
        prop_assert_eq!(framed, [Owned::Line(b"PING".to_vec()), Owned::Line(line.to_vec())]);

        match Message::parse(line) {
            Ok(message) => {
                // Each part is where it was put; a cut may only shorten.
                prop_assert!(message.command == command || command.starts_with(message.command));
                let sent = params.len() + usize::from(trailing.is_some());
                prop_assert!(message.params().len() <= sent);
                for (sent, received) in params.iter().zip(message.params()) {
                    prop_assert!(*received == b"*" || sent.starts_with(received));
                }
            }
            Err(error) => {
                prop_assert_eq!(error, chat_core::wire::ParseError::BadCommand);
                prop_assert!(!command.iter().all(u8::is_ascii_alphabetic) || command.is_empty());
            }
        }
    }

    #[test]
    fn remaining_is_what_the_text_may_still_take(
        command in "[A-Z]{1,9}", middle in "[a-z]{1,40}", text in "[a-zé€😀 ]{0,600}",
    ) {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out);
        encoder.command(command.as_bytes()).param(middle.as_bytes()).trailing(b"");
        let room = encoder.remaining();
        drop(encoder);
        let mut out = Vec::new();
        Encoder::new(&mut out)
            .command(command.as_bytes())
            .param(middle.as_bytes())
            .trailing(text.as_bytes());
        let body = std::str::from_utf8(&out).unwrap().trim_end_matches("\r\n");
        let received = &body[command.len() + middle.len() + 3..];
        prop_assert!(text.starts_with(received));
        prop_assert_eq!(received.len(), text.floor_char_boundary(room));
    }
}
