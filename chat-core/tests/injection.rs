//! One command in, one command out: nothing that a peer writes, in whatever place, becomes a line, a
//! tag or a command of another; and what was meant for a web server is no client.

mod support;

use chat_core::wire::Message;
use support::{Came, Stage, commands, config};

/// What would act, if it got through: a line's end, an escaped one, the end of a tag.
const HOSTILE: [&str; 9] = [
    "a\r:root!r@r PWNED x",
    "a\0PWNED x",
    r"a\r\n:root!r@r\sPWNED\sx",
    r"a\:pwned=1\spwned=1",
    "a;pwned=1",
    r"a\",
    "a\u{2028}PWNED\u{85}PWNED",
    "\u{1b}[2J\u{7}\u{8}\u{7f}",
    "\u{1}DCC SEND x 0 0 0\u{1}",
];

/// Every place of a line that a peer may fill, with `{}` for what is hostile; `#c` is a channel of
/// all three, `#{}` may be none at all.
const PLACES: [&str; 17] = [
    "@label={} CMD #c :x",
    "@label={};+x={};+draft/reply={};batch={};msgid={};time={} CMD #c :x",
    "@{}={} CMD #c :x",
    ":{} CMD #c",
    "CMD {}",
    "CMD :{}",
    "CMD #c {}",
    "CMD #c :{}",
    "CMD #c bob :{}",
    "CMD #{} :{}",
    "CMD bob :{}",
    "CMD bob {} :{}",
    "CMD {} 0 * :{}",
    "CMD * SET key :{}",
    "CMD +{} draft/multiline #c",
    "CMD #c +ovbkl {} {} {} {}",
    "{} #c :x",
];

/// A line is one line, is understood, and has nothing of what was hidden in it.
fn check(line: &[u8]) -> Result<(), String> {
    let broken = line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    let message = Message::parse(line).map_err(|why| format!("{why}"));
    let message = message.map_err(|why| format!("{why}: {}", line.escape_ascii()))?;
    let smuggled = message.command == b"PWNED" || message.tags.get(b"pwned").is_some();
    if broken || smuggled || line.len() > 8191 + 510 {
        return Err(line.escape_ascii().to_string());
    }
    Ok(())
}

fn all_capabilities() -> String {
    let mut stage = Stage::new(config());
    stage.open("x");
    stage.send("x", "CAP LS 302");
    let names: Vec<String> = stage
        .heard("x")
        .iter()
        .filter_map(|line| line.split_once(" LS ")?.1.rsplit_once(':'))
        .flat_map(|(_, list)| list.split(' '))
        .filter_map(|item| item.split('=').next())
        .map(str::to_owned)
        .collect();
    names.join(" ")
}

fn room(caps: &str) -> Stage {
    let mut stage = Stage::new(config());
    for (name, caps) in [("alice", caps), ("bob", caps), ("carol", "")] {
        stage.open(name);
        for cap in caps.split_whitespace() {
            stage.send(name, &format!("CAP REQ {cap}"));
        }
        stage.send(name, &format!("NICK {name}\nUSER {name} 0 * :{name}\nCAP END\nJOIN #c"));
        stage.send(name, "METADATA * SUB key");
    }
    stage.send("alice", "MODE #c +o bob");
    stage
}

#[test]
fn nothing_that_a_peer_writes_becomes_a_line_or_a_tag_of_its_own() {
    let caps = all_capabilities();
    assert!(caps.contains("labeled-response") && caps.contains("draft/metadata-2"), "{caps}");
    let mut wrong = Vec::new();
    for command in commands() {
        let mut stage = room(&caps);
        for place in PLACES {
            for text in HOSTILE {
                let line = place.replace("CMD", &command).replace("{}", text);
                if stage.is_open("alice") {
                    stage.send_raw("alice", &[line.as_bytes(), b"\r\n"].concat());
                } else {
                    // It was a QUIT, or came to one.
                    stage = room(&caps);
                }
            }
        }
        // What was kept is told to others later.
        stage.send("bob", "WHOIS alice\nWHO #c\nTOPIC #c\nLIST\nMODE #c b\nNAMES #c\nWHOWAS alice");
        stage.send("bob", "METADATA alice LIST\nMETADATA #c LIST\nCHATHISTORY LATEST #c * 100");
        for (to, came) in stage.inbox {
            let Came::Line(line) = came else { continue };
            wrong.extend(check(&line).err().map(|why| format!("{command}: {to}< {why}")));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} lines:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

#[test]
fn a_label_comes_back_as_the_value_that_it_was_in_one_line() {
    let mut stage = Stage::new(config());
    stage.enter("alice", "labeled-response batch");
    stage.inbox.clear();
    stage.send("alice", r"@label=a\r\n:b\sPWNED PING x");
    let lines: Vec<_> = stage.inbox.iter().collect();
    let [(_, Came::Line(line))] = lines[..] else { panic!("{lines:?}") };
    let message = Message::parse(line).unwrap();
    assert_eq!(message.command, b"PONG");
    let label = message.tags.get(b"label").map(|label| label.as_bytes().to_vec());
    assert_eq!(label.as_deref(), Some(&br"a\r\n:b\sPWNED"[..]));
}

#[test]
fn no_http_request_registers() {
    let long = format!("POST /{} HTTP/1.1", "x".repeat(600));
    let tags = format!("POST /{} HTTP/1.1", "x".repeat(9000));
    for request in [
        "GET / HTTP/1.1",
        "   GET / HTTP/1.1",
        "get / http/1.1",
        "Post /?NICK HTTP/1.0",
        "CONNECT 127.0.0.1:6667 HTTP/1.1",
        "TRACE / HTTP/1.1",
        "PRI * HTTP/2.0",
        // Such a line is too long to be looked at.
        &long,
        &tags,
        // A browser lets a page choose the verb, if the server agrees.
        "NICK / HTTP/1.1",
        "CAP / HTTP/1.1",
        "\u{e4}\0 / HTTP/1.1",
    ] {
        let head = "Host: 127.0.0.1:6667\r\nUser-Agent: browser\r\nOrigin: null";
        let body = "NICK eve\r\nUSER eve 0 * :eve\r\nJOIN #c\r\nPRIVMSG #c :spam";
        let mut stage = Stage::new(config());
        stage.open("web");
        stage.send_raw("web", format!("{request}\r\n{head}\r\n\r\n{body}\r\n").as_bytes());
        assert!(!stage.is_open("web"), "{request:.40}: {}", stage.transcript);
        assert!(!stage.transcript.contains(" 001 "), "{request:.40}: {}", stage.transcript);
    }
}
