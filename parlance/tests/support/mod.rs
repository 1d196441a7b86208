//! The built command, run by tests: commands that end, servers, and clients that expect lines.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

pub const RUNTIMES: [&str; 2] = ["mio", "tokio"];

/// What a command left behind.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn parlance(args: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parlance"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    /// It failed with one line that holds these words.
    pub fn failed(&self, words: &[&str]) {
        assert_eq!(self.code, 1, "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        assert!(self.err.starts_with("parlance: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {}", self.err);
        }
    }
}

/// A running server; killed if the test forgets it.
pub struct Serve {
    pub child: Child,
    /// Lines of its standard output.
    pub said: Vec<String>,
    /// Its standard error, until somebody closes it.
    pub log: Option<BufReader<ChildStderr>>,
}

impl Serve {
    pub fn start(runtime: &str, args: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_parlance"))
            .args(["serve", "--runtime", runtime])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self::of(child)
    }

    /// A server that was started, read up to where it says how to get there.
    pub fn of(mut child: Child) -> Self {
        let log = child.stderr.take().map(BufReader::new);
        let mut said = Vec::new();
        let Some(out) = child.stdout.take() else { return Self { child, said, log } };
        let mut out = BufReader::new(out);
        while !said.last().is_some_and(|line: &String| line.starts_with("connect with")) {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                break;
            }
            said.push(line.trim_end().to_owned());
        }
        Self { child, said, log }
    }

    pub fn on_free_port(runtime: &str, args: &[&str]) -> Self {
        Self::start(runtime, &[&["--listen", "127.0.0.1:0"], args].concat())
    }

    pub fn address(&self) -> &str {
        self.said[0].strip_prefix("listening on ").unwrap()
    }

    pub fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next line of the log that holds these words.
    pub fn log_line(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.log.as_mut().unwrap().read_line(&mut line).unwrap(),
                0,
                "the log has no {words:?}"
            );
            if line.contains(words) {
                return line;
            }
        }
    }

    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        let mut log = String::new();
        if let Some(mut lines) = self.log.take() {
            lines.read_to_string(&mut log).unwrap();
        }
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a test waits for a line before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client that sends and expects lines.
pub struct Client<S>(pub BufReader<S>);

impl<S: std::io::Read + std::io::Write> Client<S> {
    pub fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(format!("{text}\r\n").as_bytes()).unwrap();
    }

    /// Reads up to the line that holds these words.
    pub fn expect(&mut self, words: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = Vec::new();
            let read = self.0.read_until(b'\n', &mut line).unwrap();
            assert_ne!(read, 0, "no {words:?} in: {seen}");
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains(words) {
                return line;
            }
            seen += &line;
        }
    }

    /// Reads up to the end; the server waits for that.
    pub fn leave(mut self) {
        self.expect("ERROR :");
    }

    pub fn register(mut self, nick: &str) -> Self {
        self.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
        self.expect(" 366 ");
        self
    }
}

pub fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
