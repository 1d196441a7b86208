//! The server and the client where the world goes wrong: stopped processes, readers that are gone,
//! broken configurations, full disks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions, kill_process, prlimit, waitpid};
use support::{RUNTIMES, Serve, file, parlance};

/// Stops a process, and waits until it stands still.
fn freeze(child: &Child) {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped());
}

fn thaw(child: &Child) {
    kill_process(Pid::from_child(child), Signal::CONT).unwrap();
}

#[test]
fn a_server_that_stood_still_goes_on_with_everybody() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let mut alice = serve.connect().register("alice");
        let mut bob = serve.connect().register("bob");
        freeze(&serve.child);
        for number in 0..8 {
            alice.send(&format!("PRIVMSG #lobby :number {number}"));
        }
        let mut carol = serve.connect();
        carol.send("NICK carol\r\nUSER carol 0 * :carol");
        thaw(&serve.child);
        for number in 0..8 {
            let line = bob.expect("PRIVMSG #lobby :");
            assert!(line.ends_with(&format!(":number {number}\r\n")), "{runtime}: {line}");
        }
        carol.expect(" 366 carol ");
        alice.expect(":carol!");
        bob.send("PRIVMSG #lobby :all here");
        for client in [&mut alice, &mut carol] {
            client.expect("PRIVMSG #lobby :all here");
        }
        drop((alice, bob, carol));
        assert_eq!(serve.stop().0.code(), Some(0), "{runtime}");
    }
}

#[test]
fn a_client_that_stood_still_misses_nothing() {
    for runtime in RUNTIMES {
        let serve = Serve::on_free_port(runtime, &[]);
        let mut alice = serve.connect().register("alice");
        let mut child = Command::new(env!("CARGO_BIN_EXE_parlance"))
            .args(["connect", serve.address(), "--nick", "bot", "--runtime", runtime])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        alice.expect(":bot!");
        freeze(&child);
        for number in 0..8 {
            alice.send(&format!("PRIVMSG #lobby :number {number}"));
        }
        alice.send("PING :all said");
        alice.expect("all said");
        thaw(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for number in 0..8 {
            let line = lines.next().unwrap().unwrap();
            assert!(line.ends_with(&format!("number {number}")), "{runtime}: {line}");
        }
        child.stdin.take().unwrap().write_all(b"thanks\n").unwrap();
        alice.expect("PRIVMSG #lobby :thanks");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{runtime}");
        drop(alice);
        serve.stop();
    }
}

#[test]
fn a_broken_configuration_changes_nothing_and_is_told_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parlance.toml");
    for runtime in RUNTIMES {
        let config = file(folder.path(), "parlance.toml", "[server]\nmotd = \"one\"");
        let mut serve = Serve::on_free_port(runtime, &["--config", &config]);
        let mut alice = serve.connect().register("alice");
        for (text, told) in [
            ("[server\n", ":1: "),
            ("[server]\nmotd = 7\n", ":2: server.motd: "),
            ("[limits]\n\nrecvq = \"1 B\"\n", ":3: limits.recvq: "),
            ("[limits]\nsendq_hard = \"-1 KiB\"\n", ":2: limits.sendq_hard: "),
            ("[[oper]]\nname = \"root\"\npassword = \"plain\"\n", ":3: oper.password: "),
        ] {
            fs::write(&path, text).unwrap();
            serve.signal(Signal::HUP);
            let line = serve.log_line("the old configuration stays");
            assert!(line.contains(&format!("{config}{told}")), "{runtime}: {line}");
        }
        fs::remove_file(&path).unwrap();
        serve.signal(Signal::HUP);
        assert!(serve.log_line("the old configuration stays").contains(&config));
        alice.send("MOTD");
        assert!(alice.expect(" 372 ").contains("one"), "{runtime}: the old one is in force");

        fs::write(&path, "[server]\nmotd = \"two\"").unwrap();
        serve.signal(Signal::HUP);
        serve.log_line("the new configuration is in force");
        alice.send("MOTD");
        assert!(alice.expect(" 372 ").contains("two"), "{runtime}");
        drop(alice);
        assert_eq!(serve.stop().0.code(), Some(0), "{runtime}");
    }
}

#[test]
fn a_server_whose_output_nobody_reads_serves_all_the_same() {
    for runtime in RUNTIMES {
        let (reader, output) = std::io::pipe().unwrap();
        drop(reader);
        let child = Command::new(env!("CARGO_BIN_EXE_parlance"))
            .args(["serve", "--runtime", runtime, "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut serve = Serve::of(child);
        let line = serve.log_line("listening");
        let address = line.split_once("address=").unwrap().1.trim_end().trim_matches('"');
        serve.said = vec![format!("listening on {address}")];
        serve.connect().register("alice");
        drop(serve.log.take());
        serve.connect().register("bob");
        assert_eq!(serve.stop().0.code(), Some(0), "{runtime}");
    }
}

/// From now on no file of the server may grow past so many bytes, as on a disk that is full.
fn fill_disk(serve: &Serve, bytes: Option<u64>) {
    let pid = Some(Pid::from_child(&serve.child));
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

#[test]
fn a_full_disk_ends_the_recording_and_chat_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(folder.path(), "parlance.toml", "[limits]\nlines_per_second = \"none\"\n");
    for runtime in RUNTIMES {
        let path = folder.path().join(runtime);
        let tape = path.to_str().unwrap();
        let mut serve = Serve::on_free_port(runtime, &["--config", &config, "--record", tape]);
        fill_disk(&serve, Some(100_000));
        let mut alice = serve.connect().register("alice");
        let mut bob = serve.connect().register("bob");
        // More than the recorder holds before it writes.
        let text = "x".repeat(400);
        for number in 0..1000 {
            alice.send(&format!("PRIVMSG #lobby :{number} {text}"));
            assert!(bob.expect("PRIVMSG").contains(&format!(":{number} ")), "{runtime}");
        }
        let line = serve.log_line("the chat goes on");
        assert!(line.contains(&format!("recording to {tape} ended")), "{line}");
        drop((alice, bob));
        let (status, log) = serve.stop();
        assert_eq!(status.code(), Some(0), "{runtime}: {log}");
        assert!(!log.contains("recording"), "it is told once: {log}");

        assert_eq!(fs::metadata(&path).unwrap().len(), 100_000);
        parlance(&["replay", tape], "").failed(&["cut off here", "proved equal"]);
    }
}

#[test]
fn bans_that_can_not_be_kept_are_in_force_and_kept_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let hash = parlance(&["hash-password"], "correct horse\n").out;
    let hash = hash.trim_end();
    let text = format!(
        "[server]\nbans_file = \"bans.txt\"\n[[oper]]\nname = \"root\"\npassword = \"{hash}\""
    );
    let config = file(folder.path(), "parlance.toml", &text);
    let bans = folder.path().join("bans.txt");
    for runtime in RUNTIMES {
        fs::write(&bans, "KLINE ~ann@* :by hand\n").unwrap();
        let mut serve = Serve::on_free_port(runtime, &["--config", &config]);
        let mut root = serve.connect();
        root.send("NICK root\r\nUSER root 0 * :root\r\nOPER root :correct horse");
        root.expect(" 381 root ");

        fill_disk(&serve, Some(10));
        root.send("KLINE 1d ~joe@* :spam");
        let line = root.expect("The KLINE of ~joe@* is set, but only until the server ends");
        assert!(line.contains("bans.txt"), "{line}");
        serve.log_line("the bans could not be kept");
        let mut joe = serve.connect();
        joe.send("NICK joe\r\nUSER joe 0 * :joe");
        joe.expect(" 465 joe :You are banned from this server: spam");
        assert_eq!(fs::read_to_string(&bans).unwrap(), "KLINE ~ann@* :by hand\n");
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "{runtime}: half a file is left behind");

        fill_disk(&serve, None);
        root.send("KLINE 1d ~eve@* :spam");
        root.expect("The KLINE of ~eve@* is set\r\n");
        let kept = fs::read_to_string(&bans).unwrap();
        for who in ["~ann", "~joe", "~eve"] {
            assert!(kept.contains(&format!("\nKLINE {who}@*")), "{runtime}: {kept}");
        }
        drop((root, joe));
        assert_eq!(serve.stop().0.code(), Some(0), "{runtime}");
    }
}
