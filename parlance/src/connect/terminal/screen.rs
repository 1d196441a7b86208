//! Prints lines above the line that is being typed, and never into it.

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

use rustyline::ExternalPrinter;

use super::Ended;

/// Where lines are shown. Showing never waits.
pub(super) struct Screen {
    lines: SyncSender<String>,
    /// Lines for which there was no room.
    lost: Arc<AtomicUsize>,
}

impl Screen {
    /// Starts to print while `gate` is open.
    pub(super) fn start(
        printer: impl ExternalPrinter + Send + 'static,
        gate: Arc<Gate>,
    ) -> (Self, Ended) {
        let (lines, waiting) = mpsc::sync_channel(LINES_MAX);
        let (end, ended) = Ended::new();
        let lost = Arc::new(AtomicUsize::new(0));
        let also_lost = Arc::clone(&lost);
        thread::spawn(move || {
            print_all(&waiting, printer, &gate, &also_lost);
            drop(end);
        });
        (Self { lines, lost }, ended)
    }

    /// Shows lines, as soon as the terminal takes them. If it takes none for very long, later ones
    /// are lost, and counted.
    pub(super) fn show(&self, lines: String) {
        if self.lines.try_send(lines).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn print_all(
    waiting: &Receiver<String>,
    mut printer: impl ExternalPrinter,
    gate: &Gate,
    lost: &AtomicUsize,
) {
    while let Ok(mut text) = waiting.recv() {
        text.push('\n');
        // All at once: the line being typed is painted once.
        while text.len() < BLOCK_MAX
            && let Ok(more) = waiting.try_recv()
        {
            text += &more;
            text.push('\n');
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            text += &format!("-- {lost} lines were lost: the terminal was too slow\n");
        }
        gate.wait();
        if printer.print(text).is_err() {
            return;
        }
    }
}

/// Open while the terminal is in one of the two states that the printer knows: lines are being
/// edited, or nothing is going on. Closed in between, where a print would tear the prompt.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(super) fn open(&self) {
        self.set(false);
    }

    pub(super) fn close(&self) {
        self.set(true);
    }

    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = closed;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(closed, |closed| *closed));
    }
}

/// How many lines wait for the terminal.
const LINES_MAX: usize = 10_000;

/// About how many bytes are printed at once.
const BLOCK_MAX: usize = 16 * 1024;
