//! The client as conversations: `<` is what the server sends, `>` what the client must answer.

use std::time::Duration;

use chat_core::client::{
    Client, Command, CommandError, Departure, Event, Input, Message, MessageKind, Options,
    OptionsError, Text,
};
use chat_core::{Instant, Now, UnixMillis};
use proptest::prelude::*;

fn options() -> Options {
    Options {
        nick: "alice".into(),
        user: "al".into(),
        real: "Alice A".into(),
        password: None,
        join: vec![],
        reconnect: true,
    }
}

/// A client, its clock, and a host that does what it must.
struct Session {
    client: Client,
    now: Now,
    events: Vec<Event>,
}

impl Session {
    /// A client that has not connected.
    fn new(options: Options) -> Self {
        let client = Client::new(options, 1).expect("these options are good");
        let now = Now { mono: Instant::from_micros(1), wall: UnixMillis(1_000_000) };
        let mut session = Self { client, now, events: vec![] };
        assert_eq!(session.take_events(), [Event::Connect]);
        session
    }

    /// A client that is registered; its capabilities are `capabilities`.
    fn online(options: Options, capabilities: &str) -> Self {
        let mut session = Self::new(options);
        session.connect();
        session.register(capabilities);
        session
    }

    fn connect(&mut self) {
        self.handle(Input::Connected);
    }

    /// Registers as alice; drops the lines and events of it.
    fn register(&mut self, capabilities: &str) {
        self.server(&format!(":irc CAP * LS :{capabilities}"));
        self.server(&format!(":irc CAP * ACK :{capabilities}"));
        self.server(":irc 001 alice :Welcome\r\n:irc 005 alice CASEMAPPING=ascii :are supported");
        self.server(":irc 376 alice :End of MOTD command");
        assert!(self.client.is_registered());
        self.take_lines();
        self.take_events();
    }

    fn handle(&mut self, input: Input<'_>) {
        self.client.handle(self.now, input);
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    fn server(&mut self, lines: &str) {
        self.handle(Input::Data(format!("{lines}\r\n").as_bytes()));
    }

    fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    /// Lets the clock reach the client's deadline.
    fn wait(&mut self) -> Duration {
        let at = self.client.poll_timeout().expect("the client waits for nothing");
        let waited = at.since(self.now.mono);
        self.now.mono = at;
        self.handle(Input::Timeout);
        waited
    }

    fn take_events(&mut self) -> Vec<Event> {
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
        std::mem::take(&mut self.events)
    }

    fn take_lines(&mut self) -> Vec<String> {
        let mut lines = String::new();
        while !self.client.outbox().is_empty() {
            lines += str::from_utf8(self.client.outbox()).expect("tests say only UTF-8");
            self.client.sent(self.client.outbox().len());
        }
        lines.lines().map(str::to_owned).collect()
    }

    /// Goes through a conversation; nothing may be sent that is not in it.
    fn converse(&mut self, conversation: &str) {
        let mut expected = vec![];
        for line in conversation.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_at(2) {
                ("> ", line) => expected.push(line.to_owned()),
                ("< ", line) => {
                    assert_eq!(self.take_lines(), std::mem::take(&mut expected), "before {line}");
                    self.server(line);
                }
                _ => panic!("neither of the server nor of the client: {line}"),
            }
        }
        assert_eq!(self.take_lines(), expected);
    }
}

fn text(text: &str) -> Text {
    text.into()
}

fn say(target: &str, words: &str) -> Command {
    Command::Message { target: target.into(), text: words.into() }
}

fn join(channel: &str, key: Option<&str>) -> Command {
    Command::Join { channel: channel.into(), key: key.map(Text::from) }
}

fn messages(events: Vec<Event>) -> Vec<Message> {
    let message = |event| if let Event::Message(message) = event { Some(message) } else { None };
    events.into_iter().filter_map(message).collect()
}

fn members(session: &Session, channel: &str) -> Vec<String> {
    let show = |text: &Text| text.to_str_lossy().into_owned();
    let members = session.client.members(channel.as_bytes());
    members.map(|member| show(&member.prefixes) + &show(&member.nick)).collect()
}

#[test]
fn it_negotiates_registers_and_joins() {
    let mut session = Session::new(Options {
        password: Some("se cret".into()),
        join: vec!["#rust".into(), "#core key".into()],
        ..options()
    });
    session.connect();
    session.converse(
        "> CAP LS 302
         > PASS :se cret
         > NICK alice
         > USER al 0 * :Alice A
         < :irc CAP * LS * :multi-prefix sasl=PLAIN message-tags
         < :irc CAP * LS :server-time unknown
         > CAP REQ :message-tags server-time multi-prefix
         < :irc CAP alice ACK :message-tags server-time multi-prefix
         > CAP END
         < :irc 001 alice :Welcome to the Test network
         < :irc 005 alice NETWORK=Test\\x20Net CASEMAPPING=ascii :are supported by this server
         < :irc 375 alice :- Message of the day
         < :irc 376 alice :End of MOTD command
         > JOIN #rust
         > JOIN #core key",
    );
    let events = session.take_events();
    let registered = Event::Registered { nick: text("alice"), network: Some(text("Test Net")) };
    assert_eq!(events.first(), Some(&Event::Connected));
    assert_eq!(events.last(), Some(&registered));
}

#[test]
fn a_server_without_capabilities_is_fine() {
    let mut session = Session::new(options());
    session.connect();
    session.take_lines();
    session.converse(
        "< :irc 421 * CAP :Unknown command
         < PING :cookie
         > PONG :cookie
         < :irc 001 alice :Welcome
         < :irc 422 alice :MOTD File is missing",
    );
    assert!(session.client.is_registered());
}

#[test]
fn a_server_that_says_only_welcome_is_taken_after_a_while() {
    let mut session = Session::new(options());
    session.connect();
    session.server(":irc 001 alice :Welcome");
    assert!(!session.client.is_registered());
    session.wait();
    assert!(session.client.is_registered());
}

#[test]
fn a_taken_nick_is_followed_by_others() {
    let mut session = Session::new(options());
    session.connect();
    session.take_lines();
    session.converse(
        "< :irc 433 * alice :Nickname is already in use
         > NICK alice_
         < :irc 433 * alice_ :Nickname is already in use
         > NICK alice__
         < :irc 433 * alice__ :Nickname is already in use
         > NICK alice1
         < :irc 001 alice1 :Welcome",
    );
    assert_eq!(*session.client.nick(), "alice1");
}

#[test]
fn a_client_whose_every_nick_is_taken_gives_up() {
    let mut session = Session::new(options());
    session.connect();
    for _ in 0..100 {
        session.server(":irc 433 * x :Nickname is already in use");
    }
    assert!(session.client.is_done());
    assert_eq!(session.take_events().last(), Some(&Event::Done));
}

#[test]
fn a_wrong_password_is_not_tried_again() {
    let mut session = Session::new(Options { password: Some("x".into()), ..options() });
    session.connect();
    session.server(":irc 464 * :Password incorrect\r\nERROR :Closing link");
    session.handle(Input::Disconnected("closed"));
    let events = session.take_events();
    assert!(events.iter().any(Event::is_error_reply));
    assert!(events.contains(&Event::Disconnected { why: text("closed"), retry_at: None }));
    assert!(session.client.is_done());
}

#[test]
fn commands_wait_until_we_are_registered() {
    let mut session = Session::new(options());
    session.command(join("#rust", None));
    session.command(say("#rust", "hello"));
    session.connect();
    session.take_lines();
    session.converse(
        "< :irc 001 alice :Welcome
         < :irc 376 alice :End of MOTD command
         > JOIN #rust
         > PRIVMSG #rust :hello",
    );
}

#[test]
fn commands_that_wait_are_bounded() {
    let mut session = Session::new(options());
    for _ in 0..256 {
        assert!(session.client.wants_commands());
        session.command(say("#rust", "hello"));
    }
    assert!(!session.client.wants_commands());
    session.command(say("#rust", "hello"));
    assert_eq!(session.take_events(), [Event::Refused(CommandError::QueueFull)]);
}

#[test]
fn every_command_has_its_line() {
    let mut session = Session::online(options(), "");
    let some = |words| Some(text(words));
    for (command, line) in [
        (Command::Part { channel: text("#a"), reason: some("so long") }, "PART #a :so long"),
        (Command::Part { channel: text("#a"), reason: None }, "PART #a"),
        (Command::Nick { nick: text("al") }, "NICK al"),
        (Command::Names { channel: text("#a") }, "NAMES #a"),
        (Command::Topic { channel: text("#a"), topic: None }, "TOPIC #a"),
        (Command::Topic { channel: text("#a"), topic: some("") }, "TOPIC #a :"),
        (Command::Who { mask: text("*.org") }, "WHO *.org"),
        (Command::Whois { nick: text("bob") }, "WHOIS bob bob"),
        (Command::List { mask: None }, "LIST"),
        (Command::List { mask: some("#a*") }, "LIST #a*"),
        (Command::Away { reason: some("tea") }, "AWAY :tea"),
        (Command::Away { reason: None }, "AWAY"),
        (Command::Ping { token: text("1") }, "PING 1"),
        (Command::Notice { target: text("bob"), text: text("psst") }, "NOTICE bob :psst"),
        (
            Command::Action { target: text("bob"), text: text("waves") },
            "PRIVMSG bob :\u{1}ACTION waves\u{1}",
        ),
        (Command::Raw(text(":me mode #a +i")), "mode #a +i"),
    ] {
        session.command(command);
        assert_eq!(session.take_lines(), [line]);
    }
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut session = Session::online(options(), "");
    let long = "x".repeat(Command::TEXT_MAX + 1);
    for (command, error) in [
        (say("#a b", "x"), CommandError::NotAWord(text("#a b"))),
        (say("#a,#b", "x"), CommandError::NotAWord(text("#a,#b"))),
        (say("", "x"), CommandError::NotAWord(text(""))),
        (say("#a", "\r\n"), CommandError::NoText),
        (say("#a", &long), CommandError::TextTooLong),
        (Command::Raw(text("123456")), CommandError::NotALine),
        (Command::Raw(text("A\r\nB")), CommandError::NotALine),
        (Command::Raw(text(&format!("A {long}"))), CommandError::NotALine),
    ] {
        session.command(command);
        assert_eq!(session.take_events(), [Event::Refused(error)]);
        assert_eq!(session.take_lines(), [""; 0]);
    }
}

#[test]
fn a_long_text_is_cut_so_that_others_get_all_of_it() {
    let mut session = Session::online(options(), "");
    session.server(":alice!~al@a.rather.long.host.example.org JOIN #rust");
    let words = "⸘Parlez-vous? ".repeat(100);
    session.command(say("#rust", &words));
    let lines = session.take_lines();
    let prefix = ":alice!~al@a.rather.long.host.example.org ";
    assert!(lines.iter().all(|line| prefix.len() + line.len() <= 510), "{lines:?}");
    let said = |line: &String| line.strip_prefix("PRIVMSG #rust :").unwrap().to_owned();
    assert_eq!(lines.iter().map(said).collect::<String>(), words);
    // Lines are as long as they can be, to a word.
    assert_eq!(lines.len(), words.len().div_ceil(510 - prefix.len() - 15 - 15));
}

#[test]
fn each_line_of_a_text_is_a_message() {
    let mut session = Session::online(options(), "");
    session.command(say("#rust", "one\n\ntwo\n"));
    assert_eq!(session.take_lines(), ["PRIVMSG #rust :one", "PRIVMSG #rust :two"]);
}

#[test]
fn our_own_words_come_back_once() {
    let mut session = Session::online(options(), "");
    session.command(say("#rust", "hi"));
    let without_echo = messages(session.take_events());

    let mut session = Session::online(options(), "echo-message");
    session.command(say("#rust", "hi"));
    assert_eq!(session.take_events(), []);
    session.server(":alice!al@host PRIVMSG #rust :hi");
    let with_echo = messages(session.take_events());

    assert_eq!(without_echo, with_echo);
    assert!(with_echo[0].me);
}

#[test]
fn messages_say_how_when_and_from_whom() {
    let mut session = Session::online(options(), "message-tags server-time");
    session.server("@time=1970-01-01T00:00:07.000Z;msgid=m1 :bob!b@h PRIVMSG #a :hi there");
    session.server(":bob!b@h PRIVMSG alice :\u{1}ACTION waves\u{1}");
    session.server(":irc NOTICE alice :beware");
    session.server(":bob PRIVMSG alice :\u{1}VERSION\u{1}");
    let all = messages(session.take_events());
    let kinds: Vec<_> = all.iter().map(|message| message.kind).collect();
    assert_eq!(
        kinds,
        [MessageKind::Privmsg, MessageKind::Action, MessageKind::Notice, MessageKind::Ctcp]
    );
    assert_eq!(
        all[0],
        Message {
            from: text("bob"),
            target: text("#a"),
            text: text("hi there"),
            kind: MessageKind::Privmsg,
            time: UnixMillis(7000),
            me: false,
            msgid: Some(text("m1")),
            history: false,
        }
    );
    assert_eq!((all[1].text.to_str_lossy(), all[1].time), ("waves".into(), session.now.wall));
}

#[test]
fn history_is_marked_and_nothing_is_told_twice() {
    let mut session = Session::online(options(), "message-tags batch");
    session.server("@msgid=2 :bob PRIVMSG #a :live");
    session.server(":irc BATCH +h chathistory #a");
    session.server("@batch=h;msgid=1 :bob PRIVMSG #a :missed");
    session.server("@batch=h;msgid=2 :bob PRIVMSG #a :live");
    session.server("@batch=h :bob JOIN #a");
    session.server(":irc BATCH -h");
    let told: Vec<_> = messages(session.take_events())
        .iter()
        .map(|message| (message.text.to_str_lossy().into_owned(), message.history))
        .collect();
    assert_eq!(told, [("live".into(), false), ("missed".into(), true)]);
}

#[test]
fn members_are_followed() {
    let mut session = Session::online(options(), "multi-prefix userhost-in-names extended-join");
    session.server(":alice!al@h JOIN #a * :Alice A");
    session.server(":irc 353 alice = #a :@+bob!b@h alice!al@h +carol!c@h");
    session.server(":irc 366 alice #a :End of /NAMES list");
    assert_eq!(members(&session, "#A"), ["alice", "@+bob", "+carol"]);
    session.server(":dave!d@h JOIN #a account :Dave");
    session.server(":bob!b@h MODE #a +ov-v+k alice dave carol key");
    assert_eq!(members(&session, "#a"), ["@alice", "@+bob", "carol", "+dave"]);
    session.server(":bob!b@h NICK Bert");
    session.server(":dave!d@h PART #a :bye");
    session.server(":carol!c@h QUIT :gone");
    assert_eq!(members(&session, "#a"), ["@alice", "@+Bert"]);
    session.server(":Bert!b@h KICK #a alice :out");
    assert_eq!(session.client.channels().len(), 0);

    let events = session.take_events();
    let left = |nick, me, by, reason| Event::Left {
        channel: text("#a"),
        nick: text(nick),
        me,
        by,
        reason: text(reason),
    };
    for expected in [
        Event::Joined { channel: text("#a"), nick: text("alice"), me: true },
        Event::Joined { channel: text("#a"), nick: text("dave"), me: false },
        Event::NickChanged { old: text("bob"), new: text("Bert"), me: false },
        left("dave", false, Departure::Part, "bye"),
        Event::Quit { nick: text("carol"), channels: vec![text("#a")], reason: text("gone") },
        left("alice", true, Departure::Kick { by: text("Bert") }, "out"),
    ] {
        assert!(events.contains(&expected), "{expected:?} is not among {events:#?}");
    }
    let listed = events.iter().find_map(|event| match event {
        Event::Names { members, .. } => Some(members.len()),
        _ => None,
    });
    assert_eq!(listed, Some(3));
}

#[test]
fn a_change_of_our_own_nick_is_followed() {
    let mut session = Session::online(options(), "");
    session.server(":alice!al@h NICK :al");
    assert_eq!(*session.client.nick(), "al");
    session.server(":al!al@h JOIN #a");
    assert_eq!(members(&session, "#a"), ["al"]);
}

#[test]
fn silence_is_asked_about_and_then_given_up() {
    let mut session = Session::online(options(), "");
    assert_eq!(session.wait(), Duration::from_secs(60));
    session.converse(
        "> PING keepalive
         < :irc PONG irc :keepalive",
    );
    assert_eq!(session.take_events(), []);
    session.wait();
    assert_eq!(session.take_lines(), ["PING keepalive"]);
    assert_eq!(session.wait(), Duration::from_secs(30));
    let events = session.take_events();
    assert!(matches!(&events[..], [Event::Disconnected { retry_at: Some(_), .. }]), "{events:?}");
}

#[test]
fn a_server_that_takes_lines_slowly_is_not_given_up() {
    let mut session = Session::online(options(), "");
    session.command(say("#a", &"x".repeat(Command::TEXT_MAX)));
    assert_eq!(session.wait(), Duration::from_secs(60));
    session.now.mono = session.now.mono.after(Duration::from_secs(20));
    session.handle(Input::Timeout);
    session.client.sent(100);
    assert_eq!(session.wait(), Duration::from_secs(30));
    assert!(!session.client.is_registered());
}

#[test]
fn a_ping_of_the_user_is_answered_to_the_user() {
    let mut session = Session::online(options(), "");
    session.command(Command::Ping { token: text("end") });
    session.converse("> PING end\n< :irc PONG irc end");
    assert_eq!(session.take_events(), [Event::Pong { token: text("end") }]);
}

#[test]
fn after_a_lost_connection_all_is_as_before() {
    let mut session = Session::online(options(), "");
    session.command(join("#secret", Some("key")));
    session.take_lines();
    session.server(":alice!al@h JOIN #secret");
    session.server(":alice!al@h JOIN #left");
    session.server(":alice!al@h PART #left");
    session.server(":alice!al@h JOIN #given");
    session.handle(Input::Disconnected("reset"));
    session.command(say("#given", "I am back"));
    session.take_events();
    assert_eq!(session.client.channels().len(), 0);

    assert!(session.wait() <= Duration::from_secs(2));
    assert_eq!(session.take_events(), [Event::Connect]);
    session.connect();
    session.take_lines();
    session.converse(
        "< :irc 001 alice :Welcome
         < :irc 376 alice :End of MOTD command
         > JOIN #secret key
         > JOIN #given
         > PRIVMSG #given :I am back",
    );
}

#[test]
fn attempts_become_rarer() {
    let mut session = Session::new(options());
    let mut waits = vec![];
    for _ in 0..10 {
        session.handle(Input::Disconnected("refused"));
        waits.push(session.wait().as_secs_f64());
    }
    assert!(waits.iter().all(|wait| (1.0..=60.0).contains(wait)), "{waits:?}");
    assert!(waits[0] <= 2.0 && waits[9] >= 30.0, "{waits:?}");
}

#[test]
fn without_reconnect_the_first_loss_is_the_end() {
    let mut session = Session::new(Options { reconnect: false, ..options() });
    session.handle(Input::Disconnected("refused"));
    assert_eq!(
        session.take_events(),
        [Event::Disconnected { why: text("refused"), retry_at: None }, Event::Done]
    );
    session.command(say("#a", "x"));
    assert_eq!(session.take_events(), [Event::Refused(CommandError::Over)]);
}

#[test]
fn quit_sends_what_waits_and_ends() {
    let mut session = Session::online(options(), "");
    session.command(say("#a", "last words"));
    session.command(Command::Quit { reason: Some(text("bye")) });
    session.converse(
        "> PRIVMSG #a :last words
         > QUIT :bye
         < ERROR :Closing link",
    );
    session.handle(Input::Disconnected("closed"));
    assert_eq!(session.take_events().last(), Some(&Event::Done));
    assert_eq!(session.client.poll_timeout(), None);
}

#[test]
fn quit_ends_even_if_the_server_does_not_close() {
    let mut session = Session::online(options(), "");
    session.command(Command::Raw(text("quit :bye")));
    assert_eq!(session.take_lines(), ["QUIT :bye"]);
    session.wait();
    assert!(session.client.is_done());
}

#[test]
fn quit_before_a_connection_ends_at_once() {
    let mut session = Session::new(options());
    session.command(Command::Quit { reason: None });
    assert!(session.client.is_done());
    assert_eq!(session.take_events().last(), Some(&Event::Done));
}

#[test]
fn bytes_of_an_old_connection_are_ignored() {
    let mut session = Session::online(options(), "");
    session.handle(Input::Disconnected("reset"));
    session.take_events();
    session.server(":irc 001 mallory :Welcome");
    session.handle(Input::Connected);
    assert_eq!(session.take_events(), []);
    assert_eq!(*session.client.nick(), "alice");
}

#[test]
fn a_server_that_floods_and_does_not_read_is_given_up() {
    let mut session = Session::online(options(), "");
    let pings = format!("PING :{}\r\n", "x".repeat(400)).repeat(100);
    for _ in 0..100 {
        session.server(&pings);
    }
    assert!(!session.client.is_registered());
    assert_eq!(session.client.outbox(), b"");
}

#[test]
fn options_that_cannot_be_sent_are_refused() {
    let refused = |options| Client::new(options, 0).unwrap_err();
    let nick = |nick: &str| refused(Options { nick: nick.into(), ..options() });
    assert_eq!(nick("a b"), OptionsError::Nick("a b".into()));
    assert_eq!(nick(""), OptionsError::Nick("".into()));
    let join = |join: &str| refused(Options { join: vec![join.into()], ..options() });
    assert_eq!(join("#a b c"), OptionsError::Channel("#a b c".into()));
    assert_eq!(refused(Options { real: "a\nb".into(), ..options() }), OptionsError::Real);
    let password = Some("a\rb".into());
    assert_eq!(refused(Options { password, ..options() }), OptionsError::Password);
}

/// Lines such as a confused or hostile server might send.
fn hostile_line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "alice",
        "alice!a@h",
        "#a",
        "+",
        "-",
        "*",
        "=",
        "+h",
        "-h",
        "chathistory",
        "LS",
        "ACK",
        "NAK",
        "NEW",
        "DEL",
        ":batch echo-message",
        "+ov-k",
        "@+bob",
        "PREFIX=(ov)@+",
        "PREFIX=",
        "CASEMAPPING=ascii",
        "CHANTYPES=",
        "NICKLEN=1",
        "CHANMODES=",
        ":",
        ":\u{1}ACTION",
        "",
    ]);
    let command = prop::sample::select(vec![
        "PING", "PONG", "CAP", "BATCH", "PRIVMSG", "NOTICE", "JOIN", "PART", "KICK", "QUIT",
        "NICK", "TOPIC", "MODE", "INVITE", "AWAY", "ERROR", "001", "005", "332", "353", "366",
        "376", "432", "433", "464", "WAT",
    ]);
    let tags = prop::sample::select(vec!["", "@batch=h ", "@time=x;msgid=1 "]);
    let source = prop::sample::select(vec!["", ":alice!a@h ", ":bob!b@h ", ":! "]);
    (tags, source, command, prop::collection::vec(word, 0..5)).prop_map(
        |(tags, source, command, words)| {
            format!("{tags}{source}{command} {}\r\n", words.join(" ")).into_bytes()
        },
    )
}

proptest! {
    #[test]
    fn no_server_makes_it_panic(
        inputs in prop::collection::vec(prop_oneof![hostile_line(), any::<Vec<u8>>()], 0..60),
        commands in prop::collection::vec(0..60_usize, 0..5),
    ) {
        let mut session = Session::new(options());
        session.connect();
        for (at, bytes) in inputs.iter().enumerate() {
            session.handle(Input::Data(bytes));
            if commands.contains(&at) {
                session.command(say("#a", "hello"));
                session.command(Command::Nick { nick: text("al") });
                session.client.sent(at);
            }
            if session.client.poll_timeout().is_some() && at % 16 == 15 {
                session.wait();
                session.connect();
            }
        }
        for line in session.take_lines() {
            prop_assert!(line.len() <= 510, "{} bytes in one line", line.len());
        }
    }
}
