//! The door: newcomers are taken until there are none, or no descriptors.

use std::{
    fs::File,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use chat_core::{Instant, mutant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Net;

/// Newcomers that one turn takes from one listener: a crowd waits at the door, and costs those inside
/// no more than that.
const MOST_PER_TURN: usize = 4;
/// Those who are turned away at once when there is no descriptor.
const MOST_REFUSED: usize = 64;
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What newcomers are told when there is no descriptor for them.
const NO_ROOM: &[u8] = b"ERROR :Closing link: the server has no room, try again later\r\n";

/// All listeners.
pub(crate) struct Door<N: Net> {
    listeners: Vec<N::Listener>,
    /// A descriptor that is given up to refuse a newcomer politely.
    spare: Option<File>,
    /// When to try again: at once after a full turn, later after descriptors ran out.
    retry_at: Option<Instant>,
    wait: Duration,
    /// When the log may hear of trouble again.
    next_report: Instant,
}

impl<N: Net> Door<N> {
    pub(crate) fn new(listeners: Vec<N::Listener>) -> Self {
        Self {
            listeners,
            spare: spare(),
            retry_at: None,
            wait: FIRST_WAIT,
            next_report: Instant::ZERO,
        }
    }

    /// When to call [`accept`](Self::accept) again although nothing becomes ready.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Takes nobody from now on.
    pub(crate) fn close(&mut self) {
        self.listeners.clear();
        self.retry_at = None;
    }

    /// Takes those who wait. Whatever goes wrong, those inside go on; what is returned is worth a
    /// log line.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        context: &mut Context<'_>,
        mut take: impl FnMut(N::Stream, Option<IpAddr>),
    ) -> Option<io::Error> {
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        self.retry_at = None;
        if self.spare.is_none() {
            self.spare = spare();
        }
        for at in 0..self.listeners.len() {
            let mut taken = 0;
            loop {
                if taken == MOST_PER_TURN {
                    self.retry_at = Some(now);
                    break;
                }
                taken += 1;
                match N::poll_accept(&mut self.listeners[at], context) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(_)) if mutant!(TokioSecondNewcomerLost) && taken > 1 => break,
                    Poll::Ready(Ok((stream, address))) => {
                        self.wait = FIRST_WAIT;
                        take(stream, address);
                    }
                    Poll::Ready(Err(error)) if is_passing(&error) => {}
                    // No descriptors, or no memory: refuse some and wait longer each time.
                    Poll::Ready(Err(error)) => {
                        self.refuse(at, context);
                        self.retry_at = Some(now.after(self.wait));
                        self.wait = (self.wait * 2).min(LONGEST_WAIT);
                        let report = self.next_report <= now;
                        if report {
                            self.next_report = now.after(REPORT_EVERY);
                        }
                        return report.then_some(error);
                    }
                }
            }
        }
        None
    }

    fn refuse(&mut self, listener: usize, context: &mut Context<'_>) {
        self.spare = None;
        for _ in 0..MOST_REFUSED {
            let accepted = N::poll_accept(&mut self.listeners[listener], context);
            let Poll::Ready(Ok((stream, _))) = accepted else { break };
            turn_away(stream, NO_ROOM, context);
        }
        self.spare = spare();
    }
}

/// Tells a peer that is not taken why, as far as that is possible without waiting for it.
pub(crate) fn turn_away(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut line: &[u8],
    context: &mut Context<'_>,
) {
    while !line.is_empty() {
        match Pin::new(&mut stream).poll_write(context, line) {
            Poll::Ready(Ok(written)) if written > 0 => line = &line[written..],
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    let _ = Pin::new(&mut stream).poll_shutdown(context);
    // Closing with something unread would reset the connection, and the line could be lost.
    let _ = Pin::new(&mut stream).poll_read(context, &mut ReadBuf::new(&mut [0; 1024]));
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
