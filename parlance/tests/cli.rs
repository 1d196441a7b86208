//! The command as people run it: exit codes, what it says, and a server from start to end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, io::BufReader, os::unix::net::UnixStream};

use rustix::process::Signal;
use support::{Client, PATIENCE, RUNTIMES, Serve, file, parlance};

#[test]
fn a_wrong_command_line_is_code_2() {
    for args in [
        &[][..],
        &["chat"],
        &["serve", "--listen", "lobby"],
        &["serve", "--runtime", "x"],
        &["serve", "--io-threads", "0"],
    ] {
        let run = parlance(args, "");
        assert_eq!(run.code, 2, "{args:?}: {}", run.err);
        assert!(run.out.is_empty() && !run.err.is_empty());
    }
}

#[test]
fn help_teaches_with_examples() {
    for command in ["serve", "connect", "replay", "bench", "config", "hash-password"] {
        let run = parlance(&[command, "--help"], "");
        assert_eq!(run.code, 0);
        assert!(run.out.contains("Usage: parlance "), "{}", run.out);
    }
    assert!(parlance(&["--help"], "").out.contains("parlance config example > parlance.toml"));
}

#[test]
fn the_example_configuration_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let example = parlance(&["config", "example"], "");
    assert_eq!(example.code, 0);
    let file = file(folder.path(), "parlance.toml", &example.out);
    let check = parlance(&["config", "check", &file], "");
    assert_eq!(check.code, 0);
    assert!(check.out.starts_with(&format!("{file}: ok\n")), "{}", check.out);
    assert!(check.out.contains(" connections, the most there may be, can make it hold "));
}

#[test]
fn a_wrong_configuration_is_told_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "parlance.toml", "[limits]\nsendq_hart = \"1 MiB\"\n");
    let words = [&format!("{file}:2: limits.sendq_hart: "), "did you mean sendq_hard?"];
    parlance(&["config", "check", &file], "").failed(&words);
    parlance(&["serve", "--config", &file], "").failed(&words);
    parlance(&["config", "check", "/does/not/exist"], "").failed(&["/does/not/exist"]);
}

#[test]
fn a_password_from_a_pipe_is_hashed() {
    let run = parlance(&["hash-password"], "correct horse\n");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", run.out);
    parlance(&["hash-password"], "").failed(&["empty"]);
}

#[test]
fn a_server_says_where_it_is_and_ends_with_0() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let address = serve.address().to_owned();
        assert!(!address.ends_with(":0"));
        assert!(serve.said[1].contains(&format!("parlance connect {address}")), "{:?}", serve.said);
        let mut alice = serve.connect().register("alice");
        let mut bob = serve.connect().register("bob");
        bob.send("PRIVMSG #lobby :hello");
        alice.expect("PRIVMSG #lobby :hello");
        serve.signal(Signal::TERM);
        alice.leave();
        bob.leave();
        let (status, log) = serve.stop();
        assert_eq!(status.code(), Some(0), "{runtime}: {log}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let address = serve.address();
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("run");
        let record_arg = record.to_str().unwrap();
        let args = ["serve", "--runtime", runtime, "--listen", address, "--record", record_arg];
        parlance(&args, "").failed(&[address, "in use"]);
        assert!(!record.exists(), "nothing ran, so nothing is recorded");
    }
}

#[test]
fn a_unix_socket_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for runtime in RUNTIMES {
        let listen = format!("unix:{}", path.display());
        let serve = Serve::on_free_port(runtime, &["--listen", &listen]);
        assert_eq!(serve.said[1], format!("listening on {listen}"));
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream)).register("alice");
        serve.stop();
        assert!(!path.exists(), "{runtime} removes its socket");
    }
}

#[test]
fn a_recorded_run_is_proved_and_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        let file = path.to_str().unwrap();
        let serve = Serve::on_free_port(runtime, &["--record", file]);
        let mut alice = serve.connect().register("alice");
        alice.send("PRIVMSG #lobby :hello\r\nOPER nobody wrong\r\nWHO #lobby");
        alice.expect(" 315 ");
        serve.signal(Signal::TERM);
        alice.leave();
        serve.stop();

        let run = parlance(&["replay", file], "");
        assert_eq!(run.code, 0, "{runtime}: {}", run.err);
        assert!(run.out.contains(": equal: ") && run.out.contains("1 connections"), "{}", run.out);

        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        parlance(&["replay", file], "").failed(&["record ", " at byte ", "damaged"]);
        bytes[middle] ^= 1;
        bytes.pop();
        fs::write(&path, &bytes).unwrap();
        parlance(&["replay", file], "").failed(&["cut off here", "proved equal"]);

        let args = ["serve", "--runtime", runtime, "--record", file];
        parlance(&args, "").failed(&["is there already"]);
    }
}

#[test]
fn a_run_on_several_threads_is_proved() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        let file = path.to_str().unwrap();
        let serve = Serve::on_free_port(runtime, &["--record", file, "--io-threads", "3"]);
        let mut crowd: Vec<_> =
            (0..40).map(|number| serve.connect().register(&format!("m{number}"))).collect();
        crowd[0].send(["PRIVMSG #lobby :to all"; 20].join("\r\n").as_str());
        for client in &mut crowd[1..] {
            client.expect(":to all");
        }
        serve.signal(Signal::TERM);
        crowd.into_iter().for_each(support::Client::leave);
        serve.stop();

        let run = parlance(&["replay", file], "");
        assert_eq!(run.code, 0, "{runtime}: {}", run.err);
        assert!(run.out.contains(": equal: ") && run.out.contains("40 connections"), "{}", run.out);
    }
}

#[test]
fn a_hangup_reads_the_configuration_again() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in RUNTIMES {
        let config = file(folder.path(), "parlance.toml", "[server]\nmotd = \"one\"");
        let mut serve = Serve::on_free_port(runtime, &["--config", &config]);
        let join = |serve: &Serve, nick: &str, motd: &str| {
            let mut client = serve.connect();
            client.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
            client.expect(&format!(" 372 {nick} :"));
            client.send("MOTD");
            client.expect(&format!(" 375 {nick} "));
            let line = client.expect(" 372 ");
            assert!(line.contains(motd), "{line}");
            client.send("QUIT");
            client.leave();
        };
        join(&serve, "alice", "one");

        let two = "[server]\nmotd = \"two\"\nlisten = [\"127.0.0.1:1\"]";
        file(folder.path(), "parlance.toml", two);
        serve.signal(Signal::HUP);
        assert!(serve.log_line("these keys wait for a restart").contains("listen"));
        serve.log_line("the new configuration is in force");
        join(&serve, "bob", "two");

        file(folder.path(), "parlance.toml", "[server]\nmotto = \"three\"");
        serve.signal(Signal::HUP);
        let line = serve.log_line("the old configuration stays");
        assert!(line.contains(":2: server.motto: unknown key"), "{line}");
        join(&serve, "carol", "two");
        assert_eq!(serve.stop().0.code(), Some(0));
    }
}

#[test]
fn an_operator_has_the_configuration_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let hash = parlance(&["hash-password"], "correct horse\n").out;
    let oper = format!("[[oper]]\nname = \"root\"\npassword = \"{}\"", hash.trim_end());
    let text = |motd: &str| format!("[server]\nmotd = \"{motd}\"\n{oper}");
    for runtime in RUNTIMES {
        let config = file(folder.path(), "parlance.toml", &text("one"));
        let serve = Serve::on_free_port(runtime, &["--config", &config]);
        let mut client = serve.connect();
        client.send("NICK alice\r\nUSER alice 0 * :alice");
        client.expect(" 376 alice ");
        client.send("OPER root :correct horse");
        client.expect(" 381 alice ");

        file(folder.path(), "parlance.toml", &text("two"));
        client.send("REHASH\r\nMOTD");
        client.expect(" 382 alice ");
        client.expect("The new configuration is in force");
        client.expect(" 375 alice ");
        let line = client.expect(" 372 ");
        assert!(line.contains("two"), "{line}");

        file(folder.path(), "parlance.toml", &format!("{oper}\nmotto = \"three\""));
        client.send("REHASH");
        let line = client.expect("The old configuration stays");
        assert!(line.contains("motto"), "{line}");
        client.send("QUIT");
        client.leave();
        assert_eq!(serve.stop().0.code(), Some(0));
    }
}

#[test]
fn bans_outlive_the_server_and_can_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    let hash = parlance(&["hash-password"], "correct horse\n").out;
    let hash = hash.trim_end();
    let text = format!(
        "[server]\nbans_file = \"bans.txt\"\n[[oper]]\nname = \"root\"\npassword = \"{hash}\""
    );
    let config = file(folder.path(), "parlance.toml", &text);
    let bans = folder.path().join("bans.txt");
    for runtime in RUNTIMES {
        let _ = fs::remove_file(&bans);
        let tape = folder.path().join(runtime);
        let tape = tape.to_str().unwrap();
        let mut serve = Serve::on_free_port(runtime, &["--config", &config, "--record", tape]);
        let mut client = serve.connect();
        client.send("NICK alice\r\nUSER alice 0 * :alice\r\nOPER root :correct horse");
        client.expect(" 381 alice ");
        // Where bans are kept waits for a restart.
        file(folder.path(), "parlance.toml", "");
        serve.signal(Signal::HUP);
        serve.log_line("these keys wait for a restart keys=\"bans_file\"");
        file(folder.path(), "parlance.toml", &text);
        client.send("KLINE 1d ~joe@* :spam");
        client.expect("The KLINE of ~joe@* is set");
        assert!(fs::read_to_string(&bans).unwrap().contains("\nKLINE ~joe@* until "));
        client.send("QUIT");
        client.leave();
        assert_eq!(serve.stop().0.code(), Some(0));
        assert_eq!(parlance(&["replay", tape], "").code, 0);

        let mut serve = Serve::on_free_port(runtime, &["--config", &config]);
        let mut client = serve.connect();
        client.send("NICK joe\r\nUSER joe 0 * :joe");
        client.expect(" 465 joe :You are banned from this server: spam");
        client.leave();

        fs::write(&bans, "KLINE ~ann@* :by hand\nDLINE 198.51.100.1\n").unwrap();
        serve.signal(Signal::HUP);
        while !serve.log_line("bans are in force").contains("bans=2") {}
        let mut client = serve.connect();
        client.send("NICK joe\r\nUSER joe 0 * :joe");
        client.expect(" 001 joe ");
        let mut client = serve.connect();
        client.send("NICK ann\r\nUSER ann 0 * :ann");
        client.expect(" 465 ann :You are banned from this server: by hand");
        client.leave();

        fs::write(&bans, "KLINE ~ann\n").unwrap();
        serve.signal(Signal::HUP);
        serve.log_line("the bans could not be read: those in force stay");
        assert_eq!(serve.stop().0.code(), Some(0));
        let wrong = ["bans.txt:1: KLINE takes user@host"];
        parlance(&["serve", "--runtime", runtime, "--config", &config], "").failed(&wrong);
        parlance(&["config", "check", &config], "").failed(&wrong);
    }
}

#[test]
fn a_password_lets_in_who_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let hash = parlance(&["hash-password"], "correct horse\n").out;
    let text = format!("[server]\npassword = \"{}\"", hash.trim_end());
    let config = file(folder.path(), "parlance.toml", &text);
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &["--config", &config]);
        let mut alice = serve.connect();
        alice.send("PASS :correct horse");
        let alice = alice.register("alice");
        let mut mallory = serve.connect();
        mallory.send("PASS :battery staple\r\nNICK mallory\r\nUSER m 0 * :m");
        mallory.expect(" 464 ");
        drop((alice, mallory));
        serve.stop();
    }
}

#[test]
fn what_peers_send_can_not_act_in_the_log() {
    for format in ["text", "json"] {
        let mut serve = Serve::on_free_port("mio", &["--log", format]);
        let mut alice = serve.connect().register("alice");
        alice.send("QUIT :\x1b[2J\x07bye");
        alice.expect("ERROR :");
        let line = serve.log_line("bye");
        assert!(!line.contains(['\x1b', '\x07']) && line.contains("x1b[2J"), "{line}");
        assert_eq!(line.starts_with('{'), format == "json", "{line}");
    }
}

#[test]
fn a_script_says_a_line_and_hears_the_others() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let connect = |nick, input| {
            parlance(&["connect", serve.address(), "--nick", nick, "--runtime", runtime], input)
        };
        let mut alice = serve.connect().register("alice");
        let run = connect("bot", "hello\nand good bye\n");
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{runtime}");
        alice.expect("bot!");
        assert!(alice.expect("PRIVMSG #lobby :").ends_with("PRIVMSG #lobby :hello\r\n"));
        assert!(alice.expect("PRIVMSG #lobby :").ends_with("PRIVMSG #lobby :and good bye\r\n"));
        assert_eq!(connect("mute", "").code, 0, "{runtime}: nothing to say is no failure");
        drop(alice);
        serve.stop();
    }
}

#[test]
fn a_server_that_is_not_there_is_told() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let address = serve.address().to_owned();
        serve.stop();
        let run = parlance(&["connect", &address, "--runtime", runtime], "hello\n");
        run.failed(&[&address, "parlance serve"]);
    }
}

#[test]
fn a_server_outlives_the_reader_of_its_log() {
    for runtime in RUNTIMES {
        let mut serve = Serve::on_free_port(runtime, &[]);
        drop(serve.log.take());
        for nick in ["alice", "bob", "carol"] {
            let mut client = serve.connect().register(nick);
            client.send("QUIT");
            client.leave();
        }
        assert_eq!(serve.stop().0.code(), Some(0), "{runtime}");
    }
}
