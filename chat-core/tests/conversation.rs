//! Clients and a server, as transcripts.

mod support;

use insta::assert_snapshot;
use support::{Stage, config};

#[test]
fn a_channel_is_seen_alike_by_all_who_are_in_it() {
    let mut stage = Stage::new(config());
    stage.enter("alice", "");
    stage.enter("bob", "multi-prefix userhost-in-names extended-join away-notify");
    stage.enter("carol", "echo-message message-tags server-time");
    stage.send("alice", "JOIN #rust\nTOPIC #rust :All about crabs\nMODE #rust");
    stage.send("bob", "JOIN #Rust");
    stage.send("carol", "AWAY :Out\nJOIN #rust");
    stage.send("alice", "MODE #rust +ov bob bob\nPRIVMSG #rust :hello all");
    stage.send("bob", "NAMES #rust\nWHO #rust\nPRIVMSG @#rust :ops only");
    stage.send("carol", "@+draft/react=x PRIVMSG #rust,bob :echoed\nTAGMSG #rust");
    stage.send("alice", "NICK alicia\nKICK #rust carol :bye now\nPART #rust :done");
    stage.send("carol", "JOIN #rust\nAWAY");
    stage.send("bob", "WHOIS carol\nLIST\nISON alicia nobody carol\nQUIT :gone");
    assert_snapshot!(stage.transcript);
}

#[test]
fn modes_decide_who_gets_in_and_who_is_heard() {
    let mut stage = Stage::new(config());
    for name in ["op", "guest"] {
        stage.enter(name, "");
    }
    stage.send(
        "op",
        "JOIN #c\nMODE #c +kl secret 2\nMODE #c +b guest\nMODE #c b\nMODE #c +bbz-n *!*@bad x@y",
    );
    stage.send("guest", "JOIN #c\nJOIN #c secret\nPRIVMSG #c :from outside\nNOTICE #c :never answered\nMODE #c +o guest");
    stage.send("op", "MODE #c -b guest!*@*\nMODE #c +im-k");
    stage.send("guest", "JOIN #c");
    stage.send("op", "INVITE guest #c");
    stage.send("guest", "JOIN #c\nPRIVMSG #c :moderated");
    stage.send("op", "MODE #c +v guest\nMODE #c +l x\nMODE op +iwx\nMODE guest\nMODE nobody");
    stage.send("guest", "PRIVMSG #c :heard\nTOPIC #c :locked\nKICK #c op\nJOIN 0");
    assert_snapshot!(stage.transcript);
}

#[test]
fn labeled_commands_have_labeled_answers() {
    let mut stage = Stage::new(config());
    stage.enter("alice", "labeled-response batch echo-message");
    stage.enter("bob", "");
    stage.send("alice", "@label=one PING x\n@label=none PONG x\n@label=err JOIN nochan\n@label=many WHOIS bob\n@label=join JOIN #c\n@label=self PRIVMSG alice :to me\n@label=chan PRIVMSG #c :to all\n@label=two PRIVMSG bob,alice :x\n@label=away AWAY :brb");
    assert_snapshot!(stage.transcript);
}

#[test]
fn bad_lines_are_answered_and_carried_out_in_no_part() {
    let mut stage = Stage::new(config());
    stage.enter("alice", "");
    stage.send_raw("alice", b"PRIVMSG alice :a\0b\r\nPRIVMSG alice :c\rd\r\n\r\n   \n");
    stage.send_raw("alice", &[&b"PRIVMSG alice :"[..], &[b'x'; 600], b"\r\n"].concat());
    stage.send_raw("alice", &[&b"@+a="[..], &[b'x'; 5000], b" PRIVMSG alice :y\r\n"].concat());
    stage.send("alice", "NOSUCH thing\nPRIVMSG\nPRIVMSG bob\nPRIVMSG bob :x\nPRIVMSG #none :x\nUSER a b c :d\nPASS x\nTOPIC\nJOIN #a,#b,#c,#d,#e\nPING");
    assert_snapshot!(stage.transcript);
}

#[test]
fn an_http_request_ends_the_connection() {
    let mut stage = Stage::new(config());
    stage.open("web");
    stage.send("web", "GET / HTTP/1.1");
    assert!(!stage.is_open("web"));
    assert_snapshot!(stage.transcript);
}

#[test]
fn what_is_not_there_has_nobody() {
    let mut stage = Stage::new(config());
    stage.enter("ann", "");
    stage.send("ann", "WHO #nope\nNAMES #nope\nLIST #nope\nWHOIS nope\nTOPIC #nope\nMODE #nope");
    assert_snapshot!(stage.transcript);
}
