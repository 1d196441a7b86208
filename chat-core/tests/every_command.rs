//! What holds for every command, whatever its parameters: it has exactly one labeled answer, and
//! without capabilities it brings no tags.

mod support;

use chat_core::{Config, OperConfig, wire::Message};
use support::{Came, Stage, commands, config};

const PARAMS: [&str; 16] = [
    "",
    ":",
    "*",
    "#c",
    "#none",
    "bob",
    "nobody",
    "alice",
    "#c bob",
    "bob #c",
    "#c :some text",
    "bob :some text",
    "#c +ovb bob bob a!b@c",
    "+x y z :and more",
    "* * * *",
    "#c,bob,alice :x",
];

fn tag<'l>(message: &Message<'l>, key: &[u8]) -> Option<&'l [u8]> {
    message.tags.get(key).map(|value| value.as_bytes())
}

/// Whether these lines are one labeled answer, with lines of others around it.
fn check(lines: &[Vec<u8>]) -> Result<(), &'static str> {
    let mut labeled = 0;
    let mut open: Vec<Vec<u8>> = Vec::new();
    let mut answer = None;
    for line in lines {
        let message = Message::parse(line).map_err(|_| "no message")?;
        if let Some(batch) = tag(&message, b"batch")
            && !open.iter().any(|other| other == batch)
        {
            return Err("a line of no open batch");
        }
        if tag(&message, b"label").is_some() {
            labeled += 1;
            if message.command == b"BATCH" {
                answer = message.param(0).map(|reference| reference[1..].to_vec());
            }
        }
        if message.command == b"BATCH" {
            let (sign, reference) = message.params()[0].split_at(1);
            match sign {
                b"+" => open.push(reference.to_vec()),
                _ => open.retain(|other| other != reference),
            }
        } else if message.command[0].is_ascii_digit()
            && tag(&message, b"label").is_none()
            && tag(&message, b"batch").is_none()
        {
            return Err("a reply outside of the answer");
        }
    }
    match (labeled, open.is_empty(), answer) {
        (1, true, _) => Ok(()),
        (0, ..) => Err("no label"),
        (1, false, _) => Err("a batch without an end"),
        _ => Err("more than one label"),
    }
}

/// Who sends the command.
#[derive(Copy, Clone, Debug)]
enum Role {
    Newcomer,
    User,
    Operator,
}

const LABELS: &str = "labeled-response batch echo-message message-tags";

/// What comes back for one line of alice, who has these capabilities.
fn answer(role: Role, caps: &str, line: &str) -> Vec<Vec<u8>> {
    let oper = OperConfig { name: "root".into(), password: "hash".into() };
    let mut stage = Stage::new(Config { opers: vec![oper], ..config() });
    stage.enter("bob", "");
    stage.send("bob", "JOIN #c");
    if let Role::Newcomer = role {
        stage.open("alice");
        stage.send("alice", &format!("CAP REQ :{caps}\nNICK alice"));
    } else {
        stage.enter("alice", caps);
        stage.send("alice", "JOIN #c");
        stage.send("bob", "MODE #c +o alice");
    }
    if let Role::Operator = role {
        stage.send("alice", "OPER root x");
        stage.answer(true);
    }
    stage.inbox.clear();
    stage.send("alice", line);
    while !stage.asked.is_empty() {
        stage.answer(false);
    }
    let own = stage.inbox.into_iter().filter(|(to, _)| to == "alice");
    own.filter_map(|(_, came)| if let Came::Line(line) = came { Some(line) } else { None })
        .collect()
}

#[test]
fn every_command_has_one_labeled_answer() {
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    let mut wrong = Vec::new();
    for role in [Role::Newcomer, Role::User, Role::Operator] {
        for command in &commands {
            for params in PARAMS {
                let lines = answer(role, LABELS, &format!("@label=L {command} {params}"));
                if let Err(why) = check(&lines) {
                    let text: Vec<_> =
                        lines.iter().map(|line| String::from_utf8_lossy(line)).collect();
                    let text = text.join("\n    ");
                    wrong.push(format!("{role:?}: {command} {params}: {why}\n    {text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_has_asked_for_nothing_gets_plain_lines() {
    for command in commands() {
        for params in PARAMS {
            for line in answer(Role::Operator, "", &format!("@label=L;+a=b {command} {params}")) {
                let text = String::from_utf8_lossy(&line);
                assert!(!line.starts_with(b"@") && line.len() <= 510, "{command} {params}: {text}");
                assert!(
                    Message::parse(&line).is_ok_and(|message| message.source.is_some()
                        || message.command == b"ERROR"
                        || message.command == b"PING"),
                    "{command} {params}: {text}"
                );
            }
        }
    }
}
