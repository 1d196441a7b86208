//! Why a benchmark ended without a figure.

use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use super::order::Fault;

/// Why a benchmark gave no figure. Its text is one line that says what to do.
#[derive(Debug)]
pub(crate) enum BenchError {
    /// The arguments do not fit together.
    Usage(String),
    /// No connection came about.
    Connect {
        /// The server's address.
        server: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The server refused a command of the load.
    Refused {
        /// The nick of the client.
        nick: String,
        /// What was being done.
        phase: &'static str,
        /// What the server answered.
        line: String,
    },
    /// The server closed a connection.
    Closed {
        /// The nick of the client.
        nick: String,
        /// What was being done.
        phase: &'static str,
        /// The server's last ERROR line, or what the system said.
        last: String,
    },
    /// A phase took too long.
    Deadline {
        /// What was being done.
        phase: &'static str,
        /// How much of it is done.
        done: u64,
        /// How much of it there was to do.
        of: u64,
        /// How long it was given.
        timeout: Duration,
    },
    /// A message was lost, repeated, reordered or came unasked.
    Order(Fault),
    /// A message in the channel that this load did not send, or that is damaged.
    Stray {
        /// The nick of the client that got it.
        nick: String,
        /// The line.
        line: String,
    },
    /// More descriptors are needed than this user may open.
    Descriptors {
        /// How many are needed.
        needed: u64,
        /// How many are allowed.
        allowed: u64,
    },
    /// The process to measure cannot be looked at.
    Process {
        /// Its number.
        pid: u32,
        /// What the system said.
        error: io::Error,
    },
    /// This thread cannot be kept on those processors.
    Processor {
        /// Their numbers.
        cpu: String,
        /// What the system said.
        error: io::Error,
    },
    /// A server that was to be compared did not start.
    Start {
        /// Its name in the comparison.
        name: String,
        /// What went wrong.
        why: String,
    },
    /// A server ended while it was being loaded.
    Died {
        /// Its name in the comparison.
        name: String,
        /// How it ended, and what it said.
        how: String,
    },
    /// The server does not do what the scenario is about.
    Lacks {
        /// What it lacks.
        what: String,
    },
    /// Clients saw more or fewer of something than there was.
    Count {
        /// What was counted.
        what: &'static str,
        /// How many were seen.
        seen: u64,
        /// How many there were.
        of: u64,
    },
    /// A file of the document cannot be read or written.
    File {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The system refused something else.
    Io {
        /// What was tried, to stand after "cannot".
        doing: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl BenchError {
    /// An error of the system while `doing` something.
    pub(super) fn io(doing: &'static str, error: impl Into<io::Error>) -> Self {
        Self::Io { doing, error: error.into() }
    }

    /// True if no server is to blame: with another one it would be the same.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Descriptors { .. } | Self::Processor { .. })
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Connect { server, error } => {
                write!(
                    f,
                    "cannot connect to {server}: {error}; start the server or correct its address"
                )
            }
            Self::Refused { nick, phase, line } => write!(
                f,
                "the server refused {nick} while {phase}: {line}; lift its limits for this address and try again"
            ),
            Self::Closed { nick, phase, last } => write!(
                f,
                "the server closed the connection of {nick} while {phase}: {last}; lift its limits (clients per address, flood, sendq) and try again"
            ),
            Self::Deadline { phase, done, of, timeout } => write!(
                f,
                "only {done} of {of} done after {} s of {phase}; turn the server's throttles off, ask for less, or raise --timeout",
                timeout.as_secs()
            ),
            Self::Order(fault) => write!(f, "{fault}; this is a fault of the server, not a figure"),
            Self::Stray { nick, line } => write!(
                f,
                "{nick} got a message that this load does not expect: {line}; keep others out of the channel, or suspect the server"
            ),
            Self::Descriptors { needed, allowed } => write!(
                f,
                "{needed} descriptors are needed but {allowed} allowed; raise the hard limit (ulimit -Hn) or ask for fewer connections"
            ),
            Self::Process { pid, error } => {
                write!(
                    f,
                    "cannot measure process {pid}: {error}; correct --pid or run as the server's user"
                )
            }
            Self::Processor { cpu, error } => {
                write!(f, "cannot run on processors {cpu}: {error}; name others (see nproc)")
            }
            Self::Start { name, why } => write!(f, "cannot start {name}: {why}"),
            Self::Died { name, how } => write!(f, "{name} ended in the middle: {how}"),
            Self::Lacks { what } => {
                write!(f, "the server does not offer {what}; leave it out of this scenario")
            }
            Self::Count { what, seen, of } => write!(
                f,
                "clients saw {seen} {what}, but there were {of}; this is a fault of the server, not a figure"
            ),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Io { doing, error } => write!(f, "cannot {doing}: {error}"),
        }
    }
}

impl std::error::Error for BenchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect { error, .. }
            | Self::Process { error, .. }
            | Self::Processor { error, .. }
            | Self::File { error, .. }
            | Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<Fault> for BenchError {
    fn from(fault: Fault) -> Self {
        Self::Order(fault)
    }
}
