//! The log: a line for each event on standard error, as text or JSON.
//!
//! A thread of its own writes the lines. Who reads the log slowly, or not at all, loses lines; the
//! server never waits.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use clap::ValueEnum;
use tracing_subscriber::fmt::MakeWriter;

/// How a log looks.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// A log that is on. Dropped, it waits a little until what was logged is written.
pub(crate) struct Log {
    lines: Lines,
    closed: mpsc::Receiver<()>,
}

impl Log {
    /// Starts logging to standard error.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(format: LogFormat) -> io::Result<Self> {
        let log = Self::to(io::stderr())?;
        // A line that can't be written can't be told of either.
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.lines.clone())
            .with_ansi(false)
            .with_target(false)
            .log_internal_errors(false);
        // It fails if a log is on already; then that one has the lines.
        let _ = match format {
            LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
            LogFormat::Json => tracing::subscriber::set_global_default(
                subscriber.json().flatten_event(true).finish(),
            ),
        };
        Ok(log)
    }

    fn to(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Lines::default();
        let (close, closed) = mpsc::channel();
        let waiting = lines.clone();
        thread::Builder::new().name("log".into()).spawn(move || {
            waiting.write_to(sink);
            drop(close);
        })?;
        Ok(Self { lines, closed })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.lock().closing = true;
        self.lines.0.changed.notify_one();
        // An error either way: the thread has ended, or the reader is stuck.
        let _ = self.closed.recv_timeout(LAST_WAIT);
    }
}

/// Lines that wait to be written.
#[derive(Clone, Default)]
struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    closing: bool,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes until the log is closed.
    fn write_to(&self, mut sink: impl Write) {
        loop {
            let mut waiting = self.lock();
            while waiting.bytes.is_empty() && !waiting.closing {
                waiting = self.0.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            let Waiting { bytes, lost, closing } = mem::take(&mut *waiting);
            waiting.closing = closing;
            drop(waiting);
            if bytes.is_empty() {
                return;
            }
            // Nobody may read any more; later lines may find a reader again.
            let _ = sink.write_all(&bytes);
            if lost > 0 {
                let _ =
                    writeln!(sink, "({lost} log lines lost: they came faster than they were read)");
            }
        }
    }
}

impl Write for Lines {
    /// Takes one line, whole or not at all.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.lost += 1;
        } else {
            waiting.bytes.extend_from_slice(line);
            self.0.changed.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Bytes that wait at most.
const MOST_WAITING: usize = 1 << 20;

/// How long the last lines may take.
const LAST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let sink = Sink::default();
        let log = Log::to(sink.clone()).unwrap();
        for number in 0..100 {
            writeln!(log.lines.make_writer(), "line {number}").unwrap();
        }
        drop(log);
        let expected: String = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(String::from_utf8_lossy(&sink.0.lock().unwrap()), expected);
    }

    #[test]
    fn a_reader_who_does_not_read_costs_lines_and_no_time() {
        let mut lines = Lines::default();
        for _ in 0..=MOST_WAITING / 1024 {
            lines.write_all(&[b'x'; 1024]).unwrap();
        }
        assert_eq!(lines.lock().lost, 1);
        assert_eq!(lines.lock().bytes.len(), MOST_WAITING);
    }

    #[test]
    fn a_closed_reader_is_not_fatal() {
        struct Closed;

        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let log = Log::to(Closed).unwrap();
        log.lines.clone().write_all(b"line\n").unwrap();
        drop(log);
    }
}
