//! The door: newcomers are taken until there are none, or no descriptors.

use std::{
    fs::File,
    io::{self, Write},
    net::IpAddr,
    time::Duration,
};

use chat_core::Instant;

use crate::stream::{Listener, Stream};

/// Newcomers that one turn takes from one listener.
const MOST_PER_TURN: usize = 64;
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What newcomers are told when there is no descriptor for them.
const NO_ROOM: &[u8] = b"ERROR :Closing link: the server has no room, try again later\r\n";

/// All listeners.
pub(crate) struct Door {
    pub(crate) listeners: Vec<Listener>,
    /// Listeners at which somebody may wait.
    ready: Vec<bool>,
    /// A descriptor that is given up to refuse a newcomer politely.
    spare: Option<File>,
    /// After descriptors ran out: when to try again.
    retry_at: Option<Instant>,
    wait: Duration,
}

impl Door {
    pub(crate) fn new(listeners: Vec<Listener>) -> Self {
        let ready = vec![true; listeners.len()];
        Self { listeners, ready, spare: spare(), retry_at: None, wait: FIRST_WAIT }
    }

    pub(crate) fn set_ready(&mut self, listener: usize) {
        if let Some(ready) = self.ready.get_mut(listener) {
            *ready = true;
        }
    }

    /// When to call [`accept`](Self::accept) again although nothing becomes ready.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waiting = self.ready.iter().any(|ready| *ready);
        waiting.then(|| self.retry_at.unwrap_or(Instant::ZERO))
    }

    /// Takes those who wait. Whatever goes wrong, those inside go on.
    pub(crate) fn accept(&mut self, now: Instant, mut take: impl FnMut(Stream, Option<IpAddr>)) {
        if self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        self.retry_at = None;
        for at in 0..self.listeners.len() {
            for _ in 0..MOST_PER_TURN {
                if !self.ready[at] {
                    break;
                }
                match self.listeners[at].accept() {
                    Ok((stream, address)) => {
                        self.wait = FIRST_WAIT;
                        take(stream, address);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.ready[at] = false;
                    }
                    Err(error) if is_passing(&error) => {}
                    // No descriptors, or no memory: refuse one and wait longer each time.
                    Err(_) => {
                        self.refuse(at);
                        self.retry_at = Some(now.after(self.wait));
                        self.wait = (self.wait * 2).min(LONGEST_WAIT);
                        return;
                    }
                }
            }
        }
    }

    fn refuse(&mut self, listener: usize) {
        self.spare = None;
        for _ in 0..MOST_PER_TURN {
            let Ok((mut stream, _)) = self.listeners[listener].accept() else { break };
            let _ = stream.write(NO_ROOM);
        }
        self.spare = spare();
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Errors that are the newcomer's, not the listener's.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
