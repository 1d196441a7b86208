//! The client's side: it connects, chats, comes back and quits, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpListener},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use chat_core::client::{self, Command, Event, Message};
use runtime_tokio::{ClientHandle, ClientOptions, SystemClock, SystemNet};
use support::{ManualClock, Running, options, talkative};

/// A client in a thread of its own.
struct User {
    handle: ClientHandle,
    events: Receiver<Event>,
    thread: JoinHandle<()>,
}

impl User {
    /// Its clock jumps to whatever it waits for after a lost connection.
    fn start(nick: &str, server: &str) -> Self {
        let options = client::Options {
            nick: nick.into(),
            user: nick.into(),
            real: nick.into(),
            password: None,
            join: vec!["#rust".into()],
            reconnect: true,
        };
        let (sender, events) = channel();
        let clock = ManualClock::default();
        let client = runtime_tokio::client(ClientOptions {
            server: server.into(),
            net: SystemNet,
            client: client::Client::new(options, 1).unwrap(),
            clock: Box::new(clock.clone()),
            events: Box::new(move |_, event| {
                if let Event::Disconnected { retry_at: Some(at), .. } = &event {
                    clock.advance_to(*at);
                }
                // The test may have seen enough.
                let _ = sender.send(event);
            }),
        });
        let handle = client.handle();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(client.run());
        });
        Self { handle, events, thread }
    }

    fn until(&self, is_it: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.events.recv_timeout(Duration::from_secs(60)).unwrap();
            if is_it(&event) {
                return event;
            }
        }
    }

    fn until_joined(&self) {
        self.until(
            |event| matches!(event, Event::Joined { me: true, channel, .. } if *channel == "#rust"),
        );
    }

    fn say(&self, text: &str) {
        let command = Command::Message { target: "#rust".into(), text: text.into() };
        assert!(self.handle.send(command));
    }

    /// What another said.
    fn heard(&self) -> Message {
        let heard = self.until(
            |event| matches!(event, Event::Message(said) if !said.me && said.target == "#rust"),
        );
        let Event::Message(heard) = heard else { unreachable!() };
        heard
    }

    fn quit(self) {
        assert!(self.handle.send(Command::Quit { reason: None }));
        self.until(|event| *event == Event::Done);
        self.thread.join().unwrap();
        assert!(!self.handle.send(Command::Quit { reason: None }), "nobody is there any more");
    }
}

#[test]
fn two_clients_chat_over_any_kind_of_socket() {
    let folder = tempfile::tempdir().unwrap();
    let unix = format!("unix:{}", folder.path().join("chat.sock").display());
    let listen = ["127.0.0.1:0", &unix];
    let server = Running::with(options(talkative(), &listen, SystemClock::new()));
    let alice = User::start("alice", &server.address().to_string());
    alice.until_joined();
    let bob = User::start("bob", &unix);
    bob.until_joined();
    for number in 0..100 {
        alice.say(&format!("number {number}"));
        let heard = bob.heard();
        assert_eq!(heard.from, "alice");
        assert_eq!(heard.text, format!("number {number}").as_str());
        bob.say("yes");
        assert_eq!(alice.heard().text, "yes");
    }
    alice.quit();
    bob.until(|event| matches!(event, Event::Quit { nick, .. } if *nick == "alice"));
    bob.quit();
    server.stop();
}

#[test]
fn whoever_is_cut_off_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let user = User::start("alice", &listener.local_addr().unwrap().to_string());
    for _ in 0..3 {
        let (stream, _) = listener.accept().unwrap();
        let mut hello = String::new();
        BufReader::new(&stream).read_line(&mut hello).unwrap();
        assert_eq!(hello, "CAP LS 302\r\n");
        drop(stream);
        user.until(|event| matches!(event, Event::Disconnected { retry_at: Some(_), .. }));
    }
    let (_stream, _) = listener.accept().unwrap();
    user.until(|event| *event == Event::Connected);
}

#[test]
fn a_server_that_is_not_there_is_told_in_words() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let user = User::start("alice", &nobody.to_string());
    let lost = user.until(|event| matches!(event, Event::Disconnected { .. }));
    let Event::Disconnected { why, .. } = lost else { unreachable!() };
    assert!(why.to_str_lossy().contains("refused"), "{why:?}");
    user.quit();
}

#[test]
fn a_server_that_never_stops_sending_does_not_keep_the_user_from_quitting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let user = User::start("alice", &listener.local_addr().unwrap().to_string());
    let (stream, _) = listener.accept().unwrap();
    let mut flood = stream.try_clone().unwrap();
    let flooding = thread::spawn(move || {
        let lines = ":irc.example NOTICE * :again\r\n".repeat(1000);
        while flood.write_all(lines.as_bytes()).is_ok() {}
    });
    user.until(|event| matches!(event, Event::Message(_)));
    assert!(user.handle.send(Command::Quit { reason: None }));
    let mut lines = BufReader::new(&stream).lines();
    while !lines.next().unwrap().unwrap().starts_with("QUIT") {}
    stream.shutdown(Shutdown::Both).unwrap();
    flooding.join().unwrap();
    user.thread.join().unwrap();
}
