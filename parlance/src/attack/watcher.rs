//! Our own client in a pipe, to see what reaches whoever looks on.

use std::{
    io::{self, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

/// A `parlance connect` in `#lobby` whose output is kept.
#[derive(Debug)]
pub(super) struct Watcher {
    child: Child,
    output: JoinHandle<io::Result<Vec<u8>>>,
}

impl Watcher {
    /// Starts it; it stays as long as its input is open.
    ///
    /// # Errors
    /// If it can't be run.
    pub(super) fn start(program: &Path, server: SocketAddr) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["connect", &server.to_string(), "--nick", "watcher", "--join", "#lobby"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let output = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).map(|_| bytes)
        });
        Ok(Self { child, output })
    }

    /// Closes its input, which ends it; all that it has shown.
    ///
    /// # Errors
    /// If its output could not be read.
    pub(super) fn end(mut self) -> io::Result<Vec<u8>> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        self.output.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
