//! The client on a terminal of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader},
    process::Command,
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use support::{RUNTIMES, Serve};

/// Both ends of a new terminal: ours, and the client's.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (ours.into(), theirs)
}

#[test]
fn a_client_that_is_told_to_end_gives_the_terminal_back() {
    for runtime in RUNTIMES {
        for signal in [Signal::TERM, Signal::HUP] {
            let serve = Serve::on_free_port(runtime, &[]);
            let (ours, theirs) = terminal();
            let modes = || tcgetattr(&theirs).unwrap().local_modes;
            let before = modes();
            assert!(before.contains(LocalModes::ICANON | LocalModes::ECHO));
            let mut child = Command::new(env!("CARGO_BIN_EXE_parlance"))
                .args(["connect", serve.address(), "--nick", "ann", "--runtime", runtime])
                .env("TERM", "xterm")
                .stdin(theirs.try_clone().unwrap())
                .stdout(theirs.try_clone().unwrap())
                .stderr(theirs.try_clone().unwrap())
                .spawn()
                .unwrap();
            // The prompt is there when it names the channel: the line is being edited.
            let mut screen = BufReader::new(ours);
            let mut shown = Vec::new();
            while !String::from_utf8_lossy(&shown).contains("#lobby]") {
                assert_ne!(screen.read_until(b']', &mut shown).unwrap(), 0);
            }
            kill_process(Pid::from_child(&child), signal).unwrap();
            // What it still writes must not fill the terminal.
            std::thread::spawn(move || std::io::copy(&mut screen, &mut std::io::sink()));
            assert_eq!(child.wait().unwrap().code(), Some(0), "{runtime}");
            assert_eq!(modes(), before, "{runtime}");
            serve.stop();
        }
    }
}
