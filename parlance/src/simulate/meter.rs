//! How far many runs are: one line that is written over on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// Shows progress on standard error. Nobody may read it: what can't be written is left out.
pub(crate) struct Meter {
    terminal: bool,
    began: Instant,
    shown: Option<Instant>,
    /// Something is on the line that is written over.
    dirty: bool,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let terminal = io::stderr().is_terminal();
        Self { terminal, began: Instant::now(), shown: None, dirty: false }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows a line, if it is time for one: `done` is how much is done, 0 to 1.
    pub(crate) fn show(&mut self, done: f64, line: impl FnOnce() -> String) {
        let pause = Duration::from_millis(if self.terminal { 100 } else { 10_000 });
        if self.shown.unwrap_or(self.began).elapsed() < pause {
            return;
        }
        self.shown = Some(Instant::now());
        if self.terminal {
            let cells = (done * CELLS as f64) as usize;
            let bar = "#".repeat(cells.min(CELLS)) + &"-".repeat(CELLS.saturating_sub(cells));
            // What does not fit would wrap, and a wrapped line can't be written over.
            let columns = rustix::termios::tcgetwinsize(io::stderr())
                .map_or(80, |size| usize::from(size.ws_col).max(20));
            let line: String = format!("[{bar}] {}", line()).chars().take(columns - 1).collect();
            let _ = write!(io::stderr(), "\r\x1b[2K{line}");
            self.dirty = true;
        } else {
            let _ = writeln!(io::stderr(), "{:3.0} % {}", done * 100.0, line());
        }
    }

    /// Says something that stays.
    pub(crate) fn say(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.dirty) {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.clear();
    }
}

const CELLS: usize = 20;

/// A number as people read it: 1,234,567.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_go_in_threes() {
        let grouped: Vec<_> = [0, 999, 1_000, 1_234_567].map(grouped).into();
        assert_eq!(grouped, ["0", "999", "1,000", "1,234,567"]);
    }
}
