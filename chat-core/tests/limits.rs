//! Limits on how much and how often: what each peer gets when one is passed, and that others go on.

mod support;

use std::{net::IpAddr, time::Duration};

use chat_core::{Closed, Input, Limits, OperConfig, Report};
use support::{Stage, config};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A server with these limits, and none on how fast things are done but those that are set.
fn stage(limits: impl FnOnce(&mut Limits)) -> Stage {
    let mut config = config();
    config.limits.connections_per_address = None;
    limits(&mut config.limits);
    Stage::new(config)
}

/// How many of the lines that a client was sent hold this.
fn count(stage: &Stage, name: &str, what: &str) -> usize {
    stage.heard(name).iter().filter(|line| line.contains(what)).count()
}

#[test]
fn whoever_connects_too_often_is_refused_and_told_how_long() {
    let mut stage =
        stage(|limits| (limits.connects_per_minute, limits.connects_burst) = (Some(6), 3));
    for name in ["a", "b", "c"] {
        assert!(stage.open(name));
        stage.reset(name);
    }
    assert!(!stage.open("d"));
    let told = "ERROR :Closing link: 192.0.2.1 (You connect too often: wait 10 seconds)";
    assert_eq!(stage.heard("d"), [told]);
    assert!(matches!(stage.reports.last(), Some(Report::Refused { address: Some(_), .. })));
    assert!(stage.open_from("e", [192, 0, 2, 2].into()), "others may come");
    stage.wait(SECOND * 10);
    assert!(stage.open("d") && !stage.open("f"));
}

#[test]
fn an_ipv6_network_of_64_bits_is_one_place() {
    let mut stage =
        stage(|limits| (limits.connects_per_minute, limits.connects_burst) = (Some(1), 1));
    let address = |text: &str| text.parse::<IpAddr>().expect(text);
    assert!(stage.open_from("a", address("2001:db8:0:1::1")));
    assert!(!stage.open_from("b", address("2001:db8:0:1:ffff::2")));
    assert!(stage.open_from("c", address("2001:db8:0:2::1")));
    assert!(stage.open_from("d", address("192.0.2.1")));
    assert!(!stage.open_from("e", address("::ffff:192.0.2.1")));
}

#[test]
fn joins_nicks_and_invitations_have_a_rate_for_each_user() {
    let mut stage = stage(|limits| {
        (limits.joins_per_minute, limits.joins_burst) = (Some(6), 2);
        (limits.nicks_per_minute, limits.nicks_burst) = (Some(4), 1);
        (limits.invites_per_minute, limits.invites_burst) = (Some(60), 1);
    });
    stage.enter("ann", "");
    stage.enter("bob", "");
    let conn = "ann";
    stage.send(conn, "JOIN #a,#b,#c,#d\nINVITE bob #a\nINVITE bob #b\nNICK amy\nNICK ann");
    assert_eq!(count(&stage, conn, " JOIN #"), 2);
    assert_eq!(count(&stage, conn, " 263 ann JOIN :"), 1);
    assert_eq!(count(&stage, conn, " 341 "), 1);
    assert_eq!(count(&stage, conn, " 263 ann INVITE :"), 1);
    assert_eq!(count(&stage, conn, " NICK amy"), 1);
    let told = ":irc.test 438 amy ann :You change your nick too often: wait 15 seconds";
    assert_eq!(stage.heard(conn).last(), Some(&told));
    stage.send("bob", "NICK rob\nJOIN #a");
    assert_eq!(count(&stage, "bob", " JOIN #a"), 1, "others have their own");
    stage.wait(SECOND * 15);
    stage.send(conn, "NICK ann\nJOIN #c\nINVITE rob #b");
    for done in [" NICK ann", " JOIN #c", " 341 ann rob #b"] {
        assert_eq!(count(&stage, conn, done), 1, "{done}");
    }
}

#[test]
fn operators_may_be_as_fast_as_they_like() {
    let mut config = config();
    config.opers.push(OperConfig { name: "root".into(), password: "hash".into() });
    (config.limits.nicks_per_minute, config.limits.nicks_burst) = (Some(1), 1);
    let mut stage = Stage::new(config);
    stage.enter("ann", "");
    stage.send("ann", "OPER root secret");
    stage.answer(true);
    for n in 0..10 {
        stage.send("ann", &format!("NICK a{n}"));
    }
    assert_eq!(count(&stage, "ann", " NICK a"), 10);
}

#[test]
fn conversations_are_begun_at_a_rate_and_answers_are_free() {
    let mut stage = stage(|limits| {
        (limits.conversations_per_minute, limits.conversations_burst) = (Some(4), 2);
    });
    for name in ["ann", "bob", "eve", "dan", "joe"] {
        stage.enter(name, "");
    }
    stage.send(
        "ann",
        "PRIVMSG bob :1\nPRIVMSG eve :2\nPRIVMSG dan :3\nNOTICE dan :4\nPRIVMSG bob :5",
    );
    assert_eq!(count(&stage, "bob", "PRIVMSG bob"), 2, "a conversation goes on");
    assert_eq!(count(&stage, "dan", ":ann!"), 0);
    let told = ":irc.test 439 ann dan :You write to too many: wait 15 seconds";
    assert_eq!(stage.heard("ann").last(), Some(&told), "a NOTICE is never answered");
    // Who was written to may answer, however many there are.
    stage.send("dan", "PRIVMSG ann :who?");
    stage.send("joe", "PRIVMSG ann :hi");
    stage.send("ann", "PRIVMSG dan :6\nPRIVMSG joe :7\nPRIVMSG nobody :8\nPRIVMSG ann :9");
    assert_eq!(count(&stage, "dan", "PRIVMSG dan :6"), 1);
    assert_eq!(count(&stage, "joe", "PRIVMSG joe :7"), 1);
    assert_eq!(count(&stage, "ann", " 401 "), 1);
    assert_eq!(count(&stage, "ann", "PRIVMSG ann :9"), 1);
}

#[test]
fn a_message_of_several_lines_begins_a_conversation_as_any_other() {
    let mut stage = stage(|limits| {
        (limits.conversations_per_minute, limits.conversations_burst) = (Some(4), 1);
    });
    stage.enter("ann", "batch message-tags draft/multiline");
    stage.enter("bob", "");
    stage.enter("eve", "");
    stage.send(
        "ann",
        "PRIVMSG bob :1\nBATCH +x draft/multiline eve\n@batch=x PRIVMSG eve :a\nBATCH -x",
    );
    assert_eq!(count(&stage, "eve", "PRIVMSG"), 0);
    assert_eq!(count(&stage, "ann", " 439 ann eve :"), 1);
}

#[test]
fn a_channel_takes_so_many_at_once() {
    let mut stage = stage(|limits| {
        (limits.channel_joins_per_minute, limits.channel_joins_burst) = (Some(60), 2);
    });
    for name in ["ann", "bob", "eve", "dan"] {
        stage.enter(name, "");
        stage.send(name, "JOIN #c");
    }
    // The first made it.
    assert_eq!(count(&stage, "ann", " JOIN #c"), 3);
    assert_eq!(count(&stage, "dan", " 437 dan #c :"), 1);
    stage.wait(SECOND);
    stage.send("dan", "JOIN #c");
    assert_eq!(count(&stage, "dan", " JOIN #c"), 1);
}

#[test]
fn who_arrives_joins_default_channels_whatever_the_rate() {
    let mut config = config();
    config.default_channels = vec!["#lobby".into()];
    (config.limits.channel_joins_per_minute, config.limits.channel_joins_burst) = (Some(1), 1);
    let mut stage = Stage::new(config);
    for name in ["ann", "bob", "eve"] {
        stage.enter(name, "");
    }
    stage.send("eve", "NAMES #lobby");
    assert_eq!(count(&stage, "eve", " 353 eve = #lobby :@ann bob eve"), 1);
}

#[test]
fn there_are_so_many_channels_and_no_more() {
    let mut stage = stage(|limits| limits.channels = 2);
    stage.enter("ann", "");
    stage.send("ann", "JOIN #a\nJOIN #b\nJOIN #c\nPART #a\nJOIN #c");
    assert_eq!(count(&stage, "ann", " 437 ann #c :"), 1);
    assert_eq!(count(&stage, "ann", " JOIN #c"), 1);
    assert_eq!(stage.server.metrics().channels, 2);
}

#[test]
fn the_lists_of_all_channels_have_a_bound_together() {
    let mut stage = stage(|limits| limits.list_total = 1 << 10);
    stage.enter("ann", "");
    stage.send("ann", "JOIN #a\nJOIN #b");
    let mask = "x".repeat(198);
    for (channel, letter) in [("#a", 'b'), ("#a", 'e'), ("#b", 'I'), ("#b", 'b')] {
        stage.send("ann", &format!("MODE {channel} +{letter} {letter}{mask}"));
    }
    assert_eq!(count(&stage, "ann", ":ann!~ann@192.0.2.1 MODE"), 3);
    assert!(stage.heard("ann").last().is_some_and(|line| line.contains(" 478 ann #b bxxx")));
    // What goes with its channel makes room.
    stage.send("ann", &format!("PART #a\nMODE #b +b b{mask}"));
    assert_eq!(count(&stage, "ann", ":ann!~ann@192.0.2.1 MODE"), 4);
}

#[test]
fn a_channel_remembers_so_many_invitations_and_the_oldest_goes() {
    let mut stage = stage(|limits| limits.invites = 2);
    for name in ["ann", "bob", "eve", "dan"] {
        stage.enter(name, "");
    }
    stage.send("ann", "JOIN #c\nMODE #c +i\nINVITE bob #c\nINVITE eve #c\nINVITE dan #c");
    for name in ["bob", "eve", "dan"] {
        stage.send(name, "JOIN #c");
    }
    assert_eq!(count(&stage, "bob", " 473 bob #c "), 1);
    assert_eq!((count(&stage, "eve", " JOIN #c"), count(&stage, "dan", " JOIN #c")), (2, 1));
}

#[test]
fn more_than_recvq_ends_the_connection() {
    let mut stage = stage(|limits| {
        (limits.lines_per_second, limits.lines_burst) = (Some(1), 1);
        limits.recvq = 16 << 10;
    });
    stage.enter("ann", "");
    // A host that reads once in a turn never hands over so much.
    stage.send_raw("ann", "PING x\r\n".repeat(4096).as_bytes());
    assert_eq!(count(&stage, "ann", "(RecvQ exceeded)"), 1);
}

#[test]
fn a_real_name_is_cut() {
    let mut stage = stage(|limits| limits.real_len = 5);
    stage.open("ann");
    stage.send("ann", "NICK ann\nUSER ann 0 * :Annabel\nWHOIS ann");
    assert_eq!(count(&stage, "ann", " 311 ann ann ~ann 192.0.2.1 * :Annab"), 1);
}

#[test]
fn connecting_again_gains_no_further_guess_at_the_password() {
    let mut config = config();
    config.password = Some("hash".into());
    config.limits.connections_per_address = None;
    let limits = &mut config.limits;
    (limits.password_guesses_per_minute, limits.password_guesses_burst) = (Some(3), 2);
    let mut stage = Stage::new(config);
    let guess = |stage: &mut Stage, name: &str, from: u8| {
        stage.open_from(name, [192, 0, 2, from].into());
        stage.send(name, &format!("PASS x\nNICK {name}\nUSER u 0 * :u"));
    };
    for name in ["a", "b"] {
        guess(&mut stage, name, 1);
        stage.answer(false);
        assert!(!stage.is_open(name));
    }
    guess(&mut stage, "c", 1);
    assert!(stage.asked.is_empty() && !stage.is_open("c"));
    assert_eq!(count(&stage, "c", "Too many wrong passwords: wait 20 seconds"), 1);
    // Others guess for themselves, and who knows the password has not guessed.
    for name in ["d", "e", "f", "g"] {
        guess(&mut stage, name, 2);
        stage.answer(true);
        assert!(stage.is_open(name));
    }
    stage.wait(SECOND * 20);
    guess(&mut stage, "h", 1);
    assert_eq!(stage.asked.len(), 1);
}

#[test]
fn an_operators_name_is_not_guessed_at_from_many_addresses_either() {
    let mut config = config();
    config.opers.push(OperConfig { name: "root".into(), password: "hash".into() });
    let limits = &mut config.limits;
    (limits.password_guesses_per_minute, limits.password_guesses_burst) = (Some(3), 2);
    let mut stage = Stage::new(config);
    let mut tried = 0;
    for n in 1..=30 {
        let name = format!("n{n}");
        stage.open_from(&name, [192, 0, 2, n].into());
        stage.send(&name, &format!("NICK {name}\nUSER u 0 * :u\nOPER root a\nOPER nosuch b"));
        while !stage.asked.is_empty() {
            stage.answer(false);
            tried += 1;
        }
    }
    // Of each name, ten times as often as from one address.
    assert_eq!(tried, 40);
    let told = ":irc.test 464 n30 :Too many wrong passwords: wait 2 seconds";
    assert!(stage.heard("n30").contains(&told), "{:?}", stage.heard("n30"));
}

#[test]
fn bytes_count_however_they_are_cut_into_lines() {
    let limited = |limits: &mut Limits| {
        (limits.lines_per_second, limits.lines_burst) = (Some(4), 40);
    };
    let tags = format!("@+a={} PRIVMSG ann :x\r\n", "t".repeat(4000));
    let empty = "\r\n".repeat(256);
    for (piece, lines_each) in [(&tags, 8), (&empty, 0)] {
        let mut stage = stage(limited);
        stage.enter("ann", "message-tags echo-message");
        stage.wait(MINUTE);
        // 20 KiB at once, and then 2 KiB a second.
        while stage.paused.is_empty() && stage.server.metrics().bytes_in < 1 << 20 {
            stage.send_raw("ann", piece.as_bytes());
        }
        let taken = stage.server.metrics().bytes_in as usize;
        assert!((18 << 10..28 << 10).contains(&taken), "{taken} bytes of {lines_each}");
    }
}

#[test]
fn a_line_without_end_is_read_as_slowly_as_lines_are() {
    let mut stage = stage(|limits| (limits.lines_per_second, limits.lines_burst) = (Some(4), 40));
    stage.enter("ann", "");
    stage.wait(MINUTE);
    let before = stage.server.metrics().bytes_in;
    let piece = [b'x'; 4096];
    for _ in 0..600 {
        if stage.paused.is_empty() {
            stage.send_raw("ann", &piece);
        }
        stage.wait(SECOND / 10);
    }
    // A minute at 2 KiB a second, and the burst.
    let taken = stage.server.metrics().bytes_in - before;
    assert!((120 << 10..160 << 10).contains(&taken), "{taken}");
    assert!(stage.is_open("ann"));
}

#[test]
fn over_the_limit_of_all_that_is_unread_those_with_most_are_ended() {
    let mut stage = stage(|limits| {
        (limits.lines_per_second, limits.lines_burst) = (Some(1), 1);
        (limits.recvq, limits.recvq_total) = (32 << 10, 64 << 10);
    });
    stage.quietly(|stage| {
        for n in 0..10 {
            stage.enter(&format!("u{n}"), "");
            stage.wait(SECOND * 5);
        }
    });
    let waiting = "PING x\r\n".repeat(1500);
    for n in 0..7 {
        // The later, the less.
        let bytes = &waiting.as_bytes()[..waiting.len() - 800 * n];
        stage.send_raw(&format!("u{n}"), bytes);
    }
    let open = |stage: &Stage| (0..10).filter(|n| stage.is_open(&format!("u{n}"))).count();
    assert_eq!(open(&stage), 8, "until a quarter less is held");
    assert!(!stage.is_open("u0") && !stage.is_open("u1"));
    assert!(stage.transcript.contains("(Too much is waiting to be carried out)"));
    assert_eq!(stage.server.metrics().recvq_kills, 2);
}

#[test]
fn a_client_that_speaks_tls_is_told_and_reported_however_its_hello_is_cut() {
    let hello = [0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, b'\n', b'\r', 7];
    for cut in 0..4 {
        let mut stage = Stage::new(config());
        stage.open("ann");
        stage.send_raw("ann", &hello[..cut]);
        if stage.is_open("ann") {
            stage.send_raw("ann", &hello[cut..]);
        }
        assert!(!stage.is_open("ann"));
        assert_eq!(count(&stage, "ann", "(This port speaks no TLS)"), 1);
        assert!(stage.reports.iter().any(|report| matches!(report, Report::Tls { .. })));
    }
}

#[test]
fn those_who_go_in_one_turn_are_not_told_of_one_another() {
    let mut stage = stage(|_| {});
    stage.quietly(|stage| {
        for n in 0..100 {
            stage.enter(&format!("u{n}"), "");
            stage.send(&format!("u{n}"), "JOIN #c");
        }
        stage.enter("ann", "");
        stage.send("ann", "JOIN #c");
    });
    let before = stage.server.metrics().lines_out;
    for n in 0..100 {
        let conn = stage.conn(&format!("u{n}"));
        if n % 2 == 0 {
            stage.server.handle(stage.now, Input::Closed(conn, Closed::Reset));
        } else {
            stage.server.handle(stage.now, Input::Eof(conn));
        }
    }
    stage.wait(Duration::ZERO);
    assert_eq!(count(&stage, "ann", " QUIT :"), 100);
    // Fifty are told ERROR.
    assert_eq!(stage.server.metrics().lines_out - before, 150);
}
