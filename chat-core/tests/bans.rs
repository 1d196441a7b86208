//! Bans from the server, as the host keeps them.

mod support;

use chat_core::{Answer, Config, Input, OperConfig, Report, Request, Ticket};
use support::{Stage, config};

fn keeping() -> Config {
    let oper = OperConfig { name: "root".into(), password: "hash".into() };
    let mut config = Config { opers: vec![oper], keep_bans: true, ..config() };
    config.limits.connections_per_address = None;
    config
}

/// A server that has asked for its bans.
fn started() -> (Stage, Ticket) {
    let mut stage = Stage::new(keeping());
    stage.input(Input::Timeout);
    let (ticket, request) = asked(&mut stage);
    assert_eq!(request, Request::LoadBans);
    (stage, ticket)
}

/// The question that was asked last.
fn asked(stage: &mut Stage) -> (Ticket, Request) {
    stage.asked.pop().expect("something was asked")
}

fn answer(stage: &mut Stage, ticket: Ticket, answer: Answer) {
    stage.input(Input::Answer(ticket, answer));
}

#[test]
fn those_who_came_before_the_bans_were_there_are_ended_some_at_a_time() {
    let (mut stage, ticket) = started();
    let names: Vec<String> = (0..200).map(|n| format!("user{n}")).collect();
    for name in &names {
        stage.enter(name, "");
    }
    let bans: String = (0..999).map(|n| format!("KLINE *@host{n}.example\n")).collect();
    let bans = bans + "KLINE ~user1??@* :three digits\n";
    stage.server.handle(stage.now, Input::Answer(ticket, Answer::Bans(bans.into_bytes())));
    // Not all of it in one call.
    assert!(stage.server.poll_timeout().is_some_and(|at| at <= stage.now.mono));
    stage.wait(std::time::Duration::from_millis(1));
    let left = names.iter().filter(|name| stage.is_open(name)).count();
    assert_eq!(left, 100);
    assert!(stage.reports.contains(&Report::BansLoaded { bans: 1_000 }));
}

#[test]
fn what_is_set_while_bans_are_loaded_is_not_lost() {
    let (mut stage, old) = started();
    stage.enter("oper", "");
    stage.send("oper", "OPER root right");
    stage.answer(true);
    stage.send("oper", "KLINE *@bad.example :spam");
    let what = "set a KLINE of *@bad.example".into();
    assert!(stage.reports.contains(&Report::Acted { nick: b"oper".to_vec(), what }));
    let (new, request) = asked(&mut stage);
    assert_eq!(request, Request::LoadBans);
    let (store, Request::StoreBans(text)) = asked(&mut stage) else { panic!("it is stored") };
    answer(&mut stage, old, Answer::Bans(Vec::new()));
    answer(&mut stage, store, Answer::Stored);
    answer(&mut stage, new, Answer::Bans(text));
    stage.send("oper", "STATS k");
    assert!(stage.transcript.contains(" 216 oper K bad.example * * :spam (by oper)"));
}

#[test]
fn a_file_that_is_wrong_changes_nothing() {
    let (mut stage, ticket) = started();
    answer(&mut stage, ticket, Answer::Bans(b"# head\nBAN joe\n".to_vec()));
    let why = "line 2: a ban begins with KLINE or DLINE".into();
    assert!(stage.reports.contains(&Report::BansNotLoaded { why }));
}

#[test]
fn who_asks_for_a_rehash_is_told_of_bans_that_can_not_be_read() {
    let (mut stage, ticket) = started();
    answer(&mut stage, ticket, Answer::Bans(Vec::new()));
    stage.enter("oper", "");
    stage.send("oper", "OPER root right");
    stage.answer(true);
    stage.send("oper", "REHASH");
    let (ticket, request) = asked(&mut stage);
    assert_eq!(request, Request::Configuration);
    answer(&mut stage, ticket, Answer::Configuration(Box::new(keeping())));
    let (ticket, request) = asked(&mut stage);
    assert_eq!(request, Request::LoadBans);
    answer(&mut stage, ticket, Answer::Bans(b"BAN joe\n".to_vec()));
    let told = "NOTICE oper :The bans could not be read: those in force stay: line 1: a ban begins";
    assert!(stage.transcript.contains(told));
}

#[test]
fn bans_are_part_of_a_snapshot() {
    let (mut stage, ticket) = started();
    answer(&mut stage, ticket, Answer::Bans(b"DLINE 192.0.2.1 :away\n".to_vec()));
    let snapshot = stage.server.snapshot();
    let restored = chat_core::Server::restore(config(), [9; 32], stage.now, &snapshot);
    stage.server = restored.expect("it can be read");
    assert!(!stage.open("joe"));
    assert!(stage.transcript.contains("ERROR :Closing link: 192.0.2.1 (Banned (away))"));
}

#[test]
fn an_answer_waits_for_those_who_are_ended() {
    let mut config = keeping();
    config.keep_bans = false;
    config.password = Some("hash".into());
    let mut stage = Stage::new(config);
    let enter = |stage: &mut Stage, name: &str, address: [u8; 4]| {
        stage.open_from(name, address.into());
        stage.send(name, &format!("PASS x\nNICK {name}\nUSER {name} 0 * :x"));
        stage.answer(true);
        stage.send(name, "JOIN #a");
    };
    for n in 0..100 {
        enter(&mut stage, &format!("stays{n}"), [192, 0, 2, 1]);
    }
    for n in 0..250 {
        enter(&mut stage, &format!("goes{n}"), [198, 51, 100, 7]);
    }
    enter(&mut stage, "oper", [192, 0, 2, 1]);
    stage.send("oper", "OPER root right");
    stage.answer(true);
    enter(&mut stage, "asks", [192, 0, 2, 1]);
    stage.send("asks", "PART #a\nCAP REQ :batch labeled-response\n@label=1 OPER root right");
    stage.open("late");
    stage.send("late", "PASS x\nNICK late\nUSER late 0 * :x");
    stage.transcript.clear();
    let oper = stage.conn("oper");
    stage.server.handle(stage.now, Input::Data(oper, b"DLINE 198.51.100.7 :away with them\r\n"));
    // All of them are told to all who stay: more than one call does.
    assert!(stage.server.poll_timeout().is_some_and(|at| at <= stage.now.mono));
    for (ticket, _) in core::mem::take(&mut stage.asked) {
        stage.server.handle(stage.now, Input::Answer(ticket, Answer::Verified(true)));
    }
    stage.input(Input::Timeout);
    let asks = stage.heard("asks").join("\n");
    assert!(asks.starts_with("@label=1 :irc.test BATCH +") && asks.contains(" 381 "), "{asks}");
    assert!(stage.heard("late").iter().any(|line| line.starts_with(":irc.test 001 late ")));
}
