//! How much one call does at the most.

mod support;

use std::{fmt::Write, time::Duration};

use chat_core::Input;
use support::{Stage, config};

fn has_work_left(stage: &Stage) -> bool {
    stage.server.poll_timeout().is_some_and(|at| at <= stage.now.mono)
}

/// One call, of which the outputs are not looked at.
fn hand_over(stage: &mut Stage, name: &str, lines: &str) {
    let conn = stage.conn(name);
    stage.server.handle(stage.now, Input::Data(conn, lines.as_bytes()));
}

#[test]
fn a_long_look_that_finds_nothing_goes_over_several_calls() {
    let mut config = config();
    config.limits.channels_per_user = 10_000;
    config.limits.targets = 100;
    let mut stage = Stage::new(config);
    for user in ["a", "b"] {
        stage.enter(user, "no-implicit-names");
        for line in 0..200 {
            let names: Vec<_> = (0..50).map(|n| format!("#{user}{line}.{n}")).collect();
            stage.send(user, &format!("JOIN {}", names.join(",")));
            stage.wait(Duration::from_millis(1));
        }
    }
    assert_eq!(stage.server.metrics().channels, 20_000);
    stage.transcript.clear();
    hand_over(&mut stage, "a", "LIST >1\r\n");
    assert!(has_work_left(&stage));
    stage.wait(Duration::from_millis(1));
    let heard = stage.heard("a");
    assert_eq!(heard, [":irc.test 321 a Channel :Users  Name", ":irc.test 323 a :End of /LIST"]);
}

#[test]
fn a_mask_that_fits_nobody_is_compared_with_few_users_in_one_call() {
    let mut config = config();
    config.limits.connections_per_address = None;
    let mut stage = Stage::new(config);
    for n in 0..5_000 {
        stage.enter(&format!("user{n}"), "");
    }
    stage.transcript.clear();
    hand_over(&mut stage, "user0", "WHO nobody*\r\n");
    let mut calls = 1;
    while has_work_left(&stage) {
        stage.server.handle(stage.now, Input::Timeout);
        calls += 1;
    }
    assert!(calls > 5_000 / 2_100, "{calls} calls");
    stage.input(Input::Timeout);
    assert_eq!(stage.heard("user0"), [":irc.test 315 user0 nobody* :End of WHO list"]);
}

#[test]
fn names_fill_their_lines() {
    let mut config = config();
    config.limits.connections_per_address = None;
    let mut stage = Stage::new(config);
    for n in 100..200 {
        stage.enter(&format!("user{n}"), "");
        stage.send(&format!("user{n}"), "JOIN #a");
    }
    stage.transcript.clear();
    stage.send("user100", "NAMES #a");
    let heard = stage.heard("user100");
    // 60 names of 7 letters, the other 40, the end.
    let lengths: Vec<usize> = heard.iter().map(|line| line.len()).collect();
    assert_eq!(lengths, [508, 347, 44]);
}

#[test]
fn to_look_for_subscribers_is_work_even_if_there_are_none() {
    let mut config = config();
    config.limits.connections_per_address = None;
    let mut stage = Stage::new(config);
    for n in 0..200 {
        stage.enter(&format!("user{n}"), "");
        stage.send(&format!("user{n}"), "JOIN #a");
    }
    stage.enter("alice", "draft/metadata-2 batch");
    for n in 0..20 {
        stage.send("alice", &format!("METADATA * SET key{n} :value"));
    }
    assert!(!has_work_left(&stage));
    // Each JOIN looks for those who have subscribed to one of 20 keys, among 200.
    let mut lines = String::new();
    for _ in 0..10 {
        write!(lines, "JOIN #a\r\nPART #a\r\n").expect("a string takes all");
    }
    hand_over(&mut stage, "alice", &lines);
    assert!(has_work_left(&stage));
    stage.wait(Duration::from_millis(1));
    let parts = stage.heard("user0");
    assert_eq!(parts.iter().filter(|line| line.contains("PART")).count(), 10);
}

#[test]
fn who_is_put_out_before_the_topic_comes_is_not_told_it() {
    let mut config = config();
    config.limits.sendq_soft = 1024;
    let mut stage = Stage::new(config);
    stage.enter("alice", "");
    stage.enter("bob", "");
    stage.send("alice", "JOIN #s\nMODE #s +s");
    stage.stall("bob");
    // Two full lines: after the next one bob's answers wait.
    let long = "x".repeat(490);
    stage.send("alice", &format!("PRIVMSG bob :{long}\nPRIVMSG bob :{long}"));
    stage.send("bob", "JOIN #s");
    stage.send("alice", "KICK #s bob\nTOPIC #s :now we are alone");
    stage.transcript.clear();
    stage.unstall("bob");
    stage.wait(Duration::from_millis(1));
    let heard = stage.heard("bob");
    assert_eq!(
        heard[2..],
        [":bob!~bob@192.0.2.1 JOIN #s", ":alice!~alice@192.0.2.1 KICK #s bob :alice"]
    );
}
