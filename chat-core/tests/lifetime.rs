//! A connection over time: deadlines, floods, queues, passwords, and the server's end.

mod support;

use std::time::Duration;

use chat_core::{Config, Input, Output, Report, UnixMillis};
use support::{Stage, config};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn whoever_does_not_register_is_ended_at_the_deadline() {
    let mut stage = Stage::new(config());
    stage.open("slow");
    stage.send("slow", "CAP LS 302\nNICK slow\nUSER s 0 * :s");
    stage.wait(SECOND * 20 - Duration::from_micros(1));
    assert!(stage.is_open("slow"));
    stage.wait(Duration::from_micros(1));
    assert!(!stage.is_open("slow"));
    assert!(stage.transcript.contains("ERROR :Closing link: 192.0.2.1 (Registration timed out)"));
}

#[test]
fn a_crowd_whose_time_is_up_leaves_others_their_turn() {
    let mut limits = config().limits;
    limits.connections_per_address = None;
    let mut stage = Stage::new(Config { limits, ..config() });
    for n in 0..200 {
        stage.open(&n.to_string());
    }
    stage.now.mono = stage.now.mono.after(SECOND * 20);
    let mut ended = Vec::new();
    while stage.server.poll_timeout().is_some_and(|at| at <= stage.now.mono) {
        stage.server.handle(stage.now, Input::Timeout);
        let outputs = core::iter::from_fn(|| stage.server.poll_output());
        ended.push(outputs.filter(|output| matches!(output, Output::Close(..))).count());
    }
    assert_eq!(ended.iter().sum::<usize>(), 200);
    assert!(ended.iter().all(|&ended| ended <= 4), "{ended:?}");
}

#[test]
fn silence_is_asked_about_and_then_ended() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    stage.wait(SECOND * 90);
    assert_eq!(stage.heard("ann").last(), Some(&"PING :irc.test"));
    stage.send("ann", "PONG irc.test");
    stage.wait(SECOND * 149);
    assert!(stage.is_open("ann"));
    stage.wait(SECOND);
    assert!(!stage.is_open("ann"));
    assert!(stage.transcript.contains("(Ping timeout: 150 seconds)"), "{}", stage.transcript);
}

#[test]
fn with_nothing_due_there_is_no_wake_up_but_the_ping() {
    let mut stage = Stage::new(config());
    for name in ["a", "b", "c"] {
        stage.enter(name, "");
    }
    let pings = stage.now.mono.after(SECOND * 90);
    assert_eq!(stage.server.poll_timeout(), Some(pings));
}

#[test]
fn a_jump_of_the_wall_clock_ends_nobody() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    for wall in [0, 4_000_000_000_000] {
        stage.now.wall = UnixMillis(wall);
        stage.send("ann", "PING x");
        stage.wait(SECOND);
    }
    assert!(stage.is_open("ann"));
}

#[test]
fn a_flood_is_delayed_and_no_line_is_lost() {
    let mut limits = config().limits;
    (limits.lines_per_second, limits.lines_burst) = (Some(10), 20);
    let mut stage = Stage::new(Config { limits, ..config() });
    stage.enter("ann", "");
    stage.wait(SECOND * 10);
    let lines: String = (0..100).map(|n| format!("PING {n}\r\n")).collect();
    stage.send_raw("ann", lines.as_bytes());
    let pongs =
        |stage: &Stage| stage.heard("ann").iter().filter(|line| line.contains("PONG")).count();
    assert_eq!(pongs(&stage), 20);
    assert_eq!(stage.paused, ["ann"]);
    stage.wait(SECOND * 4);
    assert_eq!(pongs(&stage), 60);
    stage.wait(SECOND * 4);
    assert_eq!(pongs(&stage), 100);
    assert!(stage.paused.is_empty());
    assert!(stage.heard("ann").last().is_some_and(|line| line.ends_with(":99")));
}

#[test]
fn whoever_does_not_read_is_ended_alone_and_nobody_else_misses_a_line() {
    let mut stage = Stage::new(config());
    for name in ["ann", "bob", "stuck"] {
        stage.enter(name, "");
        stage.send(name, "JOIN #c");
    }
    stage.stall("stuck");
    let text = "x".repeat(400);
    for n in 0..800 {
        stage.send("ann", &format!("PRIVMSG #c :{n} {text}"));
    }
    let said = stage.heard("bob").iter().filter(|line| line.contains("PRIVMSG")).count();
    assert_eq!(said, 800);
    assert!(
        stage
            .heard("bob")
            .iter()
            .any(|line| line.contains("stuck") && line.contains("QUIT :SendQ exceeded"))
    );
    assert!(stage.server.metrics().queued_bytes < 1000);
    stage.unstall("stuck");
    assert!(stage.heard("stuck").last().is_some_and(|line| line.contains("closed")));
    assert_eq!(stage.server.metrics().queued_bytes, 0);
}

#[test]
fn the_oldest_unsent_byte_has_a_deadline() {
    let mut stage = Stage::new(config());
    for name in ["ann", "stuck"] {
        stage.enter(name, "");
        stage.send(name, "JOIN #c");
    }
    stage.stall("stuck");
    stage.send("ann", "PRIVMSG #c :x");
    stage.wait(SECOND * 30);
    assert!(stage.heard("ann").iter().any(|line| line.contains("QUIT :Nothing was read")));
}

#[test]
fn over_the_limit_of_all_queues_the_largest_debtor_goes_first() {
    let mut limits = config().limits;
    (limits.sendq_hard, limits.sendq_total) = (100_000, 100_000);
    let mut stage = Stage::new(Config { limits, ..config() });
    for name in ["ann", "little", "much"] {
        stage.enter(name, "");
        stage.stall(name);
    }
    stage.unstall("ann");
    let text = "x".repeat(400);
    for _ in 0..300 {
        stage.send(
            "ann",
            &format!("PRIVMSG much :{text}\nPRIVMSG much :{text}\nPRIVMSG little :{text}"),
        );
    }
    let gone = |name: &[u8]| {
        stage.reports.iter().position(|r| matches!(r, Report::Ended { nick, .. } if nick == name))
    };
    assert!(gone(b"much").is_some());
    assert!(gone(b"little").is_none() || gone(b"much") < gone(b"little"));
}

#[test]
fn an_endless_line_holds_no_memory_and_is_told_at_its_end() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    for _ in 0..100 {
        stage.send_raw("ann", &[b'x'; 16 << 10]);
    }
    assert!(stage.is_open("ann"));
    stage.send_raw("ann", b"\r\nPING y\r\n");
    let heard = stage.heard("ann");
    assert!(heard[heard.len() - 2].contains(" 417 ") && heard[heard.len() - 1].contains("PONG"));
}

#[test]
fn lines_that_came_before_the_end_are_carried_out() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    stage.enter("bob", "");
    stage.send_raw("ann", b"PRIVMSG bob :last words\r\nPRIVMSG bob :unfinished");
    let ann = stage.conn("ann");
    stage.input(Input::Eof(ann));
    assert!(stage.heard("bob").last().is_some_and(|line| line.ends_with(":last words")));
    assert!(!stage.is_open("ann"));
}

#[test]
fn later_lines_wait_while_a_password_is_checked() {
    let mut stage = Stage::new(Config { password: Some("hash".into()), ..config() });
    stage.open("ann");
    stage
        .send("ann", "CAP LS\nPASS letmein\nNICK ann\nUSER ann 0 * :Ann\nCAP END\nJOIN #c\nPING x");
    assert_eq!(stage.heard("ann").len(), 1);
    stage.answer(true);
    assert!(stage.heard("ann").iter().any(|line| line.contains("JOIN #c")));
    assert!(stage.heard("ann").last().is_some_and(|line| line.contains("PONG")));
}

#[test]
fn a_wrong_password_and_none_at_all_end_the_connection() {
    let mut stage = Stage::new(Config { password: Some("hash".into()), ..config() });
    stage.open("ann");
    stage.send("ann", "NICK ann\nUSER ann 0 * :Ann");
    assert!(!stage.is_open("ann") && stage.transcript.contains(" 464 ann "));
    stage.open("bob");
    stage.send("bob", "PASS x\nNICK bob\nUSER bob 0 * :Bob");
    stage.answer(false);
    assert!(!stage.is_open("bob") && stage.transcript.contains(" 464 bob "));
}

#[test]
fn two_who_want_one_nick_the_second_is_asked_again() {
    let mut stage = Stage::new(config());
    stage.open("a");
    stage.open("b");
    stage.send("a", "NICK same");
    stage.send("b", "NICK same");
    stage.send("a", "USER a 0 * :a");
    stage.send("b", "USER b 0 * :b");
    assert!(stage.heard("b").last().is_some_and(|line| line.contains(" 433 * same ")));
    stage.send("b", "NICK other");
    assert!(stage.heard("b").iter().any(|line| line.contains(" 001 other ")));
}

#[test]
fn there_is_a_place_for_so_many_from_one_address() {
    let mut limits = config().limits;
    limits.connections_per_address = Some(2);
    let mut stage = Stage::new(Config { limits, ..config() });
    assert!(stage.open("a") && stage.open("b") && !stage.open("c"));
    assert!(stage.heard("c")[0].contains("Too many connections"));
    stage.reset("a");
    assert!(stage.open("d"));
}

#[test]
fn shutdown_tells_everybody_and_then_the_server_stops() {
    let mut stage = Stage::new(config());
    for name in ["ann", "bob", "stuck"] {
        stage.enter(name, "");
    }
    stage.stall("stuck");
    stage.input(Input::Shutdown);
    for name in ["ann", "bob"] {
        assert!(
            stage.heard(name).contains(&"ERROR :Closing link: 192.0.2.1 (Server shutting down)")
        );
    }
    assert!(!stage.stopped && !stage.open("late"));
    stage.wait(SECOND * 5);
    assert!(stage.stopped);
    assert_eq!(stage.server.poll_timeout(), None);
}

#[test]
fn a_broken_reload_changes_nothing_and_is_told() {
    let mut stage = Stage::new(config());
    let mut broken = config();
    broken.limits.recvq = 1;
    stage.input(Input::Reload(Box::new(broken)));
    assert!(matches!(stage.reports[..], [Report::ReloadFailed { .. }]));
    stage.input(Input::Reload(Box::new(Config { motd: vec!["New".into()], ..config() })));
    stage.enter("ann", "");
    stage.send("ann", "MOTD");
    assert!(stage.transcript.contains("372 ann :- New"));
}

#[test]
fn default_channels_are_joined_on_arrival() {
    let mut stage = Stage::new(Config { default_channels: vec!["#lobby".into()], ..config() });
    stage.enter("ann", "");
    stage.enter("bob", "");
    stage.send("bob", "PRIVMSG #lobby :hello");
    assert!(stage.heard("ann").last().is_some_and(|line| line.ends_with("PRIVMSG #lobby :hello")));
}

#[test]
fn a_long_list_goes_on_only_while_it_is_read() {
    let mut stage = Stage::new(config());
    stage.quietly(|stage| {
        for n in 0..40 {
            let name = format!("u{n}");
            stage.enter(&name, "");
            for m in 0..25 {
                stage.send(&name, &format!("JOIN #c{n}-{m}\nTOPIC #c{n}-{m} :{}", "t".repeat(300)));
            }
        }
    });
    stage.enter("ann", "");
    stage.stall("ann");
    stage.send("ann", "LIST\nPING after");
    let conn = stage.conn("ann");
    let waiting: usize = stage.server.outbox(conn).map(|chunk| chunk.len()).sum();
    assert!(waiting < 100_000, "{waiting}");
    stage.unstall("ann");
    let heard = stage.heard("ann");
    assert_eq!(heard.iter().filter(|line| line.contains(" 322 ")).count(), 1000);
    assert!(heard[heard.len() - 2].contains(" 323 ") && heard[heard.len() - 1].contains("PONG"));
}

#[test]
fn a_restored_server_has_the_state_without_those_who_were_connected() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    stage.send("ann", "JOIN #c");
    let snapshot = stage.server.snapshot();
    let restored = chat_core::Server::restore(config(), [8; 32], stage.now, &snapshot);
    let mut server = restored.expect("its own snapshot can be read");
    assert_eq!((server.metrics().users, server.metrics().channels), (0, 0));
    assert!(server.poll_output().is_none());
    assert!(chat_core::Server::restore(config(), [8; 32], stage.now, &snapshot[1..]).is_err());
    stage.server = server;
    stage.open("bob");
    stage.send("bob", "NICK ann\nUSER bob 0 * :Bob");
    assert!(stage.heard("bob").iter().any(|line| line.contains(" 001 ann ")));
}

#[test]
fn an_end_that_comes_while_lines_may_not_go_on_is_still_an_end() {
    let mut limits = config().limits;
    (limits.lines_per_second, limits.lines_burst) = (Some(1), 3);
    let mut stage = Stage::new(Config { limits, ..config() });
    stage.open("ann");
    stage.send("ann", "NICK ann\nUSER ann 0 * :Ann");
    let ann = stage.conn("ann");
    stage.input(Input::Eof(ann));
    assert!(!stage.is_open("ann"));
}

#[test]
fn quits_that_are_put_off_reach_everybody_and_no_newcomer_gets_anothers_lines() {
    let mut limits = config().limits;
    limits.connections_per_address = None;
    let mut stage = Stage::new(Config { limits, ..config() });
    stage.quietly(|stage| {
        for n in 0..450 {
            let name = format!("u{n}");
            stage.enter(&name, "");
            stage.send(&name, "JOIN #c");
        }
        stage.wait(SECOND * 90);
        for n in 250..450 {
            stage.send(&format!("u{n}"), "PONG x");
        }
    });
    stage.wait(SECOND * 60 - Duration::from_micros(1));
    // 250 of 450 who share a channel time out at once: more deliveries than one call makes.
    stage.now.mono = stage.now.mono.after(Duration::from_micros(1));
    stage.server.handle(stage.now, Input::Timeout);
    assert!(stage.server.metrics().users > 200);
    assert_eq!(stage.server.poll_timeout(), Some(stage.now.mono));
    stage.open("new");
    stage.wait(Duration::ZERO);
    assert_eq!(stage.server.metrics().users, 200);
    assert!(stage.heard("new").is_empty(), "{:?}", stage.heard("new"));
    let quits = stage.heard("u449").iter().filter(|line| line.contains("QUIT")).count();
    assert_eq!(quits, 250);
}

#[test]
fn a_trace_tells_in_which_order_lines_and_quits_are_carried_out() {
    let mut stage = Stage::new(Config { trace: true, ..config() });
    stage.enter("ann", "");
    stage.enter("bob", "");
    stage.reports.clear();
    stage.send("ann", "JOIN #a,#b\nPRIVMSG #a :hi");
    stage.send("bob", "QUIT :bye");
    let mut told: Vec<String> = (stage.reports.iter())
        .filter_map(|report| match report {
            Report::Line { conn, line } => {
                Some(format!("{} {}", conn.index(), String::from_utf8_lossy(line)))
            }
            Report::Step { conn } => Some(format!("{} goes on", conn.index())),
            Report::Quit { conn } => Some(format!("{} quits", conn.index())),
            _ => None,
        })
        .collect();
    // Into one channel, its names piece by piece, into the other, its names.
    assert_eq!(told.iter().filter(|line| *line == "0 goes on").count(), 10);
    told.dedup();
    let lines = ["0 JOIN #a,#b", "0 goes on", "0 PRIVMSG #a :hi", "1 QUIT :bye", "1 quits"];
    assert_eq!(told, lines);
}
