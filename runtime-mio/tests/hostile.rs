//! People who do not behave, while two others chat undisturbed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Running, chat, talkative};

#[test]
fn a_silent_peer_disturbs_nobody() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    let _silent = server.connect();
    chat(&mut alice, &mut bob, "#rust", 100);
}

#[test]
fn an_endless_line_disturbs_nobody() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    let mut endless = server.member("endless", "#rust");
    endless.send_behind(vec![b'x'; 8 << 20]);
    chat(&mut alice, &mut bob, "#rust", 100);
}

#[test]
fn the_end_of_a_long_line_is_answered() {
    let server = Running::start(talkative());
    let mut mallory = server.member("mallory", "#rust");
    mallory.send_bytes(&vec![b'x'; 1 << 20]);
    mallory.send("");
    mallory.until(" 417 ");
    mallory.barrier();
}

#[test]
fn a_hundred_thousand_lines_at_once_disturb_nobody() {
    const LINES: usize = 100_000;
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    let mut flood = server.member("flood", "#flood");
    let mut carol = server.member("carol", "#flood");
    let lines = (0..LINES).map(|number| format!("PRIVMSG #flood :{number}\r\n"));
    flood.send_behind(lines.collect::<String>().into_bytes());
    let reader = std::thread::spawn(move || {
        for number in 0..LINES {
            let heard = carol.until("PRIVMSG");
            assert!(heard.ends_with(&format!(":{number}")), "{heard}");
        }
    });
    chat(&mut alice, &mut bob, "#rust", 100);
    reader.join().unwrap();
    flood.barrier();
}

#[test]
fn a_flood_is_taken_slowly_and_disturbs_nobody() {
    let mut config = talkative();
    config.limits.lines_per_second = Some(1000);
    config.limits.lines_burst = 1000;
    let server = Running::start(config);
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    let mut flood = server.member("flood", "#flood");
    flood.send_behind(b"PING :again\r\n".repeat(100_000));
    chat(&mut alice, &mut bob, "#rust", 100);
    flood.until("PONG");
}

#[test]
fn a_peer_that_never_reads_is_ended_and_disturbs_nobody() {
    // Far more than what the system's buffers and the server's bounds hold.
    const MOST: usize = 100_000;
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    let deaf = server.member("deaf", "#rust");
    bob.until("deaf@127.0.0.1 JOIN #rust");
    let text = "x".repeat(400);
    for number in 0..MOST {
        alice.send(&format!("PRIVMSG #rust :{number} {text}"));
        let heard = bob.line().unwrap();
        if heard.starts_with(":deaf!") {
            assert!(heard.contains("QUIT"), "{heard}");
            break;
        }
        assert!(heard.contains(&format!(":{number} ")), "{heard}");
        assert!(number + 1 < MOST, "the one who never reads is still there");
    }
    alice.barrier();
    bob.barrier();
    drop(deaf);
}

#[test]
fn peers_that_come_and_go_disturb_nobody() {
    let server = Running::start(talkative());
    let mut alice = server.member("alice", "#rust");
    let mut bob = server.member("bob", "#rust");
    for _ in 0..10 {
        // More at once than one turn accepts.
        let crowd: Vec<_> = (0..100).map(|_| server.connect()).collect();
        chat(&mut alice, &mut bob, "#rust", 1);
        drop(crowd);
    }
    chat(&mut alice, &mut bob, "#rust", 10);
}
