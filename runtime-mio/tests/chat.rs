//! People who behave: they chat, over any kind of socket, and are told when the server stops.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, num::NonZeroUsize, time::Duration};

use chat_core::Config;
use runtime_mio::{Error, Listen, SystemClock, bind};
use support::{Client, ManualClock, Running, chat, options, talkative};

#[test]
fn two_clients_chat() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    alice.until(":bob!");
    chat(&mut alice, &mut bob, "#rust", 100);
    chat(&mut bob, &mut alice, "#rust", 100);
}

#[test]
fn a_crowd_on_several_threads_hears_everything_in_order() {
    let mut options = options(talkative(), &["127.0.0.1:0"], SystemClock::new());
    options.io_threads = NonZeroUsize::new(3).unwrap();
    let server = Running::with(options);
    // Enough for each thread to have work in each turn.
    let mut crowd: Vec<Client> =
        (0..48).map(|number| server.member(&format!("m{number}"), "#rust")).collect();
    for (speaker, client) in crowd.iter_mut().take(4).enumerate() {
        let line = |number| format!("PRIVMSG #rust :{speaker}.{number}\r\n");
        client.send((0..100).map(line).collect::<String>().trim_end());
    }
    for (listener, client) in crowd.iter_mut().enumerate() {
        let mut next = [0; 4];
        while (0..4).any(|speaker| speaker != listener && next[speaker] < 100) {
            let line = client.until("PRIVMSG");
            let (_, text) = line.trim_end().rsplit_once(':').unwrap();
            let (speaker, number) = text.split_once('.').unwrap();
            let speaker: usize = speaker.parse().unwrap();
            assert_eq!(number.parse(), Ok(next[speaker]), "{listener} hears {speaker}");
            next[speaker] += 1;
        }
    }
    server.stop();
    for client in &mut crowd {
        assert!(client.rest().contains("ERROR"), "everybody is told of the end");
    }
}

#[test]
fn they_meet_whatever_they_connect_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.sock");
    let unix = format!("unix:{}", path.display());
    let listen = ["127.0.0.1:0", "[::1]:0", &unix];
    let server = Running::with(options(talkative(), &listen, SystemClock::new()));
    let Listen::Tcp(v6) = server.addresses[1] else { panic!("the order of addresses changed") };

    let mut alice = server.member("alice", "#rust");
    let mut bob = Client::over(std::net::TcpStream::connect(v6).unwrap());
    let mut carol = Client::unix(&path);
    for (client, nick) in [(&mut bob, "bob"), (&mut carol, "carol")] {
        client.register(nick);
        client.send("JOIN #rust");
        client.until(" 366 ");
    }
    chat(&mut alice, &mut bob, "#rust", 10);
    chat(&mut bob, &mut alice, "#rust", 10);
    chat(&mut carol, &mut alice, "#rust", 10);

    drop((alice, bob, carol));
    server.stop();
    assert!(!path.exists(), "the socket's file goes with the server");
}

#[test]
fn lines_sent_just_before_hanging_up_are_carried_out() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.connect();
    bob.send("NICK bob\r\nUSER bob 0 * :bob\r\nJOIN #rust\r\nPRIVMSG #rust :bye");
    bob.finish();
    assert!(alice.until("PRIVMSG").ends_with(":bye"));
    alice.until("QUIT");
    assert!(bob.rest().contains("ERROR"), "what is told to one who hung up still arrives");
}

#[test]
fn a_host_answers_from_its_own_thread() {
    let config = Config { password: Some("sesame".into()), ..talkative() };
    let server = Running::start(config);
    let mut alice = server.connect();
    alice.send("PASS sesame");
    alice.register("alice");
    let mut mallory = server.connect();
    mallory.send("PASS guess\r\nNICK mallory\r\nUSER mallory 0 * :mallory");
    assert!(mallory.rest().contains(" 464 "));
    alice.barrier();
}

#[test]
fn a_new_configuration_comes_into_force() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    server.handle.reload(Config { motd: vec!["Welcome back".into()], ..talkative() });
    loop {
        alice.send("MOTD");
        let answer = alice.line().unwrap();
        if answer.contains(" 375 ") {
            break;
        }
        assert!(answer.contains(" 422 "), "{answer}");
    }
    alice.until("Welcome back");
}

#[test]
fn whoever_is_silent_is_ended_when_the_clock_says_so() {
    let clock = ManualClock::default();
    let server = Running::with(options(talkative(), &["127.0.0.1:0"], clock.clone()));
    let mut alice = server.member("alice", "#rust");
    let mut silent = server.connect();
    // Taken before alice is answered: both listen at one door, in order.
    server.connect().register("bob");
    clock.advance(Duration::from_secs(21));
    server.handle.wake();
    assert!(silent.rest().contains("ERROR"));
    alice.barrier();
}

#[test]
fn stopping_tells_everybody_and_returns() {
    let mut server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut newcomer = server.connect();
    server.connect().register("bob");
    server.handle.stop();
    assert!(alice.rest().contains("ERROR"));
    assert!(newcomer.rest().contains("ERROR"));
    // Whoever does not close would be waited for.
    drop((alice, newcomer));
    server.join();
    assert!(std::net::TcpStream::connect(server.address()).is_err(), "nobody listens any more");
}

#[test]
fn a_server_without_clients_stops_at_once() {
    Running::start(Config::default()).stop();
}

#[test]
fn what_keeps_a_server_from_starting_names_the_address() {
    let server = Running::start(talkative());
    let taken = server.address().to_string();
    let start =
        |listen: &str| bind(options(talkative(), &[listen], SystemClock::new())).err().unwrap();
    let why = start(&taken);
    assert!(matches!(why, Error::Listen(..)));
    assert!(why.to_string().contains(&taken), "{why}");
    assert!(why.to_string().contains("in use"), "{why}");
}

#[test]
fn only_a_dead_socket_makes_way() {
    let folder = tempfile::tempdir().unwrap();
    let start = |path: &std::path::Path| {
        let listen = format!("unix:{}", path.display());
        bind(options(talkative(), &[&listen], SystemClock::new()))
    };

    let letter = folder.path().join("letter");
    fs::write(&letter, "Dear diary").unwrap();
    assert!(start(&letter).is_err());
    assert_eq!(fs::read_to_string(&letter).unwrap(), "Dear diary");

    let dead = folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let server = start(&dead).unwrap();
    assert!(start(&dead).is_err(), "somebody listens there now");
    drop(server);
}
