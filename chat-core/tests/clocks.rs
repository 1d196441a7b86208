//! Clocks that lie: a host that stood still for a while, and a wall clock that is set.

mod support;

use std::time::Duration;

use chat_core::{Config, Input, OperConfig, Report, UnixMillis};
use support::{Stage, config};

const SECOND: Duration = Duration::from_secs(1);
const TEN_YEARS_MS: u64 = 10 * 365 * 86_400_000;

/// The host's process is stopped, and goes on after `time` with what its sockets hold.
fn stand_still(stage: &mut Stage, time: Duration) {
    stage.now.mono = stage.now.mono.after(time);
    stage.now.wall.0 += time.as_millis() as u64;
}

#[test]
fn a_host_that_stood_still_ends_nobody_for_it() {
    let mut stage = Stage::new(config());
    for name in ["ann", "bob", "mute"] {
        stage.enter(name, "");
    }
    stage.send("ann", "JOIN #c");
    stage.stall("bob");
    stage.send("ann", "PRIVMSG bob :read this");
    stage.wait(SECOND * 29);
    stage.open("late");
    stage.send("late", "NICK late");
    for time in [30, 3600, 86_400] {
        stand_still(&mut stage, SECOND * time);
        // What is due comes first, and only then what waited in the sockets.
        stage.input(Input::Timeout);
        for name in ["ann", "bob", "mute", "late"] {
            assert!(stage.is_open(name), "{name} after {time} s: {}", stage.transcript);
        }
        assert!(matches!(stage.reports.last(), Some(Report::StoodStill { .. })), "{time} s");
    }
    stage.unstall("bob");
    stage.send("late", "USER late 0 * :late");
    stage.wait(SECOND * 200);
    assert!(stage.heard("bob").iter().any(|line| line.ends_with("PRIVMSG bob :read this")));
    assert!(stage.heard("late").iter().any(|line| line.contains(" 001 ")));
}

#[test]
fn whoever_spoke_while_the_host_stood_still_is_heard_in_time() {
    let mut stage = Stage::new(config());
    for name in ["ann", "mute"] {
        stage.enter(name, "");
    }
    stage.wait(SECOND * 149);
    assert_eq!(stage.heard("ann").last(), Some(&"PING :irc.test"));
    stand_still(&mut stage, SECOND * 600);
    stage.input(Input::Timeout);
    // A second is left to read what has come.
    stage.wait(SECOND - Duration::from_micros(1));
    stage.send("ann", "PONG irc.test");
    stage.wait(SECOND * 10);
    assert!(stage.is_open("ann"));
    assert!(!stage.is_open("mute"), "whoever has said nothing for 150 s of ours is gone");
}

#[test]
fn deadlines_go_on_where_they_were_after_a_stand_still() {
    let mut stage = Stage::new(config());
    stage.open("slow");
    stage.wait(SECOND * 19);
    stand_still(&mut stage, SECOND * 60);
    stage.input(Input::Timeout);
    stage.wait(SECOND * 2 - Duration::from_micros(1));
    assert!(stage.is_open("slow"));
    stage.wait(Duration::from_micros(1));
    assert!(!stage.is_open("slow"));
}

/// What ann has heard in the channel.
fn texts(stage: &Stage) -> Vec<&str> {
    let text = |line| Some(<str>::split_once(line, " PRIVMSG #c :")?.1);
    stage.heard("ann").into_iter().filter_map(text).collect()
}

#[test]
fn a_wall_clock_that_is_set_ends_nobody_and_keeps_the_order_of_what_was_said() {
    for jump in [TEN_YEARS_MS as i64, -(TEN_YEARS_MS as i64)] {
        let mut stage = Stage::new(config());
        let start = stage.now.wall;
        stage.enter("ann", "server-time batch draft/chathistory");
        stage.enter("bob", "server-time");
        stage.send("ann", "JOIN #c");
        stage.send("bob", "JOIN #c");
        for (text, wall) in
            [("before", 0), ("set", jump), ("set again", jump + 1000), ("set back", 2000)]
        {
            stage.now.wall = UnixMillis(start.0.checked_add_signed(wall).unwrap());
            stage.send("bob", &format!("PRIVMSG #c :{text}"));
            stage.wait(SECOND * 100);
            stage.send("ann", "PONG irc.test");
            stage.send("bob", "PONG irc.test");
        }
        assert!(stage.is_open("ann") && stage.is_open("bob"), "{}", stage.transcript);

        let expected = ["before", "set", "set again", "set back"];
        assert_eq!(texts(&stage), expected);
        let times: Vec<&str> = stage
            .heard("ann")
            .into_iter()
            .filter_map(|line| line.split_once(" :bob!")?.1.contains(" PRIVMSG ").then_some(line))
            .collect();
        assert!(times.is_sorted(), "time never goes back: {times:?}");

        stage.transcript.clear();
        stage.send("ann", "CHATHISTORY LATEST #c * 10");
        assert_eq!(texts(&stage), expected);
    }
}

#[test]
fn a_ban_is_in_force_for_its_time_whatever_the_wall_clock_said_before() {
    let oper = OperConfig { name: "root".into(), password: "hash".into() };
    let mut stage = Stage::new(Config { opers: vec![oper], ..config() });
    let start = stage.now.wall;
    stage.enter("root", "");
    stage.send("root", "OPER root secret");
    stage.answer(true);
    stage.send("root", "KLINE 1d ~before@* :set before");
    let refused = |stage: &mut Stage, user: &str| {
        stage.open("x");
        stage.send("x", &format!("NICK x\nUSER {user} 0 * :x"));
        let refused = !stage.is_open("x");
        if !refused {
            stage.send("x", "QUIT");
        }
        refused
    };
    // Wrong for a while, and then set right.
    stage.now.wall = UnixMillis(start.0 + TEN_YEARS_MS);
    stage.send("root", "KLINE 1d ~while@* :set while it was wrong");
    assert!(refused(&mut stage, "while"));
    stage.now.wall = start;
    stage.send("root", "KLINE 1d ~after@* :set after");
    for user in ["before", "while", "after"] {
        assert!(refused(&mut stage, user), "{user}: {}", stage.transcript);
    }
    // After a day those are over that were set by the right clock.
    stage.now.wall = UnixMillis(start.0 + 86_400_000);
    assert!(!refused(&mut stage, "before") && !refused(&mut stage, "after"));
    stage.send("root", "UNKLINE ~while@*");
    assert!(!refused(&mut stage, "while"));
}
