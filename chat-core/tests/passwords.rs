//! Passwords as connections feel them: what an answer that is late, missing or for nobody comes to.

mod support;

use std::time::Duration;

use chat_core::{Answer, Config, Input, OperConfig, Report, Request};
use support::{Stage, config};

const SECOND: Duration = Duration::from_secs(1);

fn with_oper() -> Stage {
    let oper = OperConfig { name: "root".into(), password: "hash".into() };
    let mut stage = Stage::new(Config { opers: vec![oper], ..config() });
    stage.enter("ann", "");
    stage.transcript.clear();
    stage
}

const UNCHECKED: &str = "Passwords cannot be checked now: try again later";

#[test]
fn without_an_answer_in_time_nobody_can_tell_and_late_ones_are_ignored() {
    let mut stage = with_oper();
    stage.send("ann", "OPER root x\nPING held");
    let late = stage.asked[0].0;
    stage.wait(SECOND * 10);
    assert!(stage.asked.is_empty());
    let told = format!(":irc.test NOTICE ann :{UNCHECKED}");
    assert_eq!(stage.heard("ann"), [&told, ":irc.test PONG irc.test :held"]);
    stage.input(Input::Answer(late, Answer::Verified(true)));
    stage.send("ann", "OPER root x");
    stage.answer(true);
    let heard = stage.heard("ann");
    assert!(
        heard[heard.len() - 2].contains(" 381 ") && heard[heard.len() - 1].ends_with("MODE ann +o")
    );
}

#[test]
fn who_cannot_be_checked_is_not_told_that_the_password_is_wrong() {
    let mut stage = Stage::new(Config { password: Some("hash".into()), ..config() });
    stage.open("bob");
    stage.send("bob", "PASS x\nNICK bob\nUSER b 0 * :b");
    let (ticket, _) = stage.asked.remove(0);
    stage.input(Input::Answer(ticket, Answer::Unavailable));
    let told = format!("ERROR :Closing link: 192.0.2.1 ({UNCHECKED})");
    assert_eq!(stage.heard("bob"), [&told, "(closed)"]);
    assert!(!stage.reports.iter().any(|report| matches!(report, Report::BadPassword { .. })));
}

#[test]
fn an_unknown_operator_is_refused_as_slowly_as_a_known_one() {
    // Whatever the answer: the check is there for the time that it takes.
    for answer in [false, true] {
        let mut stage = with_oper();
        stage.send("ann", "OPER nobody x\nPING held");
        let Request::VerifyPassword { hash, password } = &stage.asked[0].1 else { panic!() };
        assert_eq!((hash.as_str(), &password[..]), ("hash", &b"x"[..]));
        assert!(stage.heard("ann").is_empty(), "{}", stage.transcript);
        stage.answer(answer);
        let heard = stage.heard("ann");
        assert_eq!(heard[0], ":irc.test 464 ann :Password incorrect");
        assert_eq!(heard.len(), 2, "{heard:?}");
        let told = stage.reports.last();
        assert!(matches!(told, Some(Report::BadPassword { name, .. }) if name == b"nobody"));
    }
    // Without operators there is nothing to be found.
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    stage.send("ann", "OPER nobody x");
    assert!(stage.heard("ann").last().is_some_and(|line| line.contains(" 464 ")));
}
