//! The door: newcomers are taken until there are none, or no descriptors.

use std::{fs::File, io, net::IpAddr, time::Duration};

use chat_core::{Instant, Report, mutant};

use crate::socket::{ReadEnd, Socket, Sockets};

/// Newcomers that one turn takes from one listener: a crowd waits at the door, and costs those inside
/// no more than that.
const MOST_PER_TURN: usize = 4;
/// Those who are turned away at once when there is no descriptor.
const MOST_REFUSED: usize = 64;
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Between two reports that there is no room.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What newcomers are told when there is no descriptor for them.
const NO_ROOM: &[u8] = b"ERROR :Closing link: the server has no room, try again later\r\n";

/// All listeners.
pub(crate) struct Door<L> {
    listeners: Vec<Listening<L>>,
    /// A descriptor that is given up to refuse a newcomer politely.
    spare: Option<File>,
    /// After descriptors ran out: when to try again.
    retry_at: Option<Instant>,
    wait: Duration,
    reported_at: Option<Instant>,
}

struct Listening<L> {
    listener: L,
    /// Somebody may wait.
    ready: bool,
}

impl<L> Door<L> {
    pub(crate) fn new(listeners: Vec<L>) -> Self {
        let listening = |listener| Listening { listener, ready: true };
        Self {
            listeners: listeners.into_iter().map(listening).collect(),
            spare: spare(),
            retry_at: None,
            wait: FIRST_WAIT,
            reported_at: None,
        }
    }

    pub(crate) fn set_ready(&mut self, listener: usize) {
        if let Some(at) = self.listeners.get_mut(listener) {
            at.ready = true;
        }
    }

    /// When to call [`accept`](Self::accept) again although nothing becomes ready.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waits = self.listeners.iter().any(|at| at.ready);
        waits.then(|| self.retry_at.unwrap_or(Instant::ZERO))
    }

    /// Takes nobody from now on.
    pub(crate) fn close(&mut self) {
        self.listeners.clear();
    }

    /// Takes those who wait, by pushing them to `newcomers`. Whatever goes wrong, those inside go
    /// on; the report says so now and then.
    pub(crate) fn accept<A: Sockets<Listener = L>>(
        &mut self,
        sockets: &mut A,
        now: Instant,
        newcomers: &mut Vec<(A::Socket, Option<IpAddr>)>,
    ) -> Option<Report> {
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        self.retry_at = None;
        if self.spare.is_none() {
            self.spare = spare();
        }
        for at in &mut self.listeners {
            for taken in 0..MOST_PER_TURN {
                if !at.ready {
                    break;
                }
                match sockets.accept(&mut at.listener) {
                    Ok(_) if mutant!(SecondNewcomerLost) && taken > 0 => {}
                    Ok(newcomer) => {
                        self.wait = FIRST_WAIT;
                        newcomers.push(newcomer);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => at.ready = false,
                    Err(error) if is_passing(&error) => {}
                    // No descriptors, or no memory: refuse some and wait longer each time.
                    Err(error) => {
                        self.spare = None;
                        let refused = refuse_some(sockets, &mut at.listener);
                        self.spare = spare();
                        self.retry_at = Some(now.after(self.wait));
                        self.wait = (self.wait * 2).min(LONGEST_WAIT);
                        return self.report(now, refused, &error);
                    }
                }
            }
        }
        None
    }

    fn report(&mut self, now: Instant, peer: Option<IpAddr>, why: &io::Error) -> Option<Report> {
        if self.reported_at.is_some_and(|at| now < at.after(REPORT_EVERY)) {
            return None;
        }
        self.reported_at = Some(now);
        let why = format!("can't accept: {why}; raise the limit of open files (ulimit -n)");
        Some(Report::Refused { address: peer, why })
    }
}

/// Tells a peer that is not taken why, as far as that is possible without waiting for it.
pub(crate) fn turn_away(mut socket: impl Socket, line: &[u8]) {
    let _ = write_whole(&mut socket, line);
    let _ = socket.shut_down_write();
    // Closing with something unread would reset the connection, and the line could be lost.
    while socket.read(&mut [0; 1024]) == (0, ReadEnd::More) {}
}

/// Writes all of `line`, or as much as the socket takes without waiting.
fn write_whole(socket: &mut impl Socket, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match socket.write(line) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => line = &line[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Turns away those who wait. The address of the last.
fn refuse_some<A: Sockets>(sockets: &mut A, listener: &mut A::Listener) -> Option<IpAddr> {
    let mut last = None;
    for _ in 0..MOST_REFUSED {
        let Ok((socket, address)) = sockets.accept(listener) else { break };
        turn_away(socket, NO_ROOM);
        last = address;
    }
    last
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
