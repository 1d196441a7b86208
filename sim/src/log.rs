//! What happened in a run, as structured events in order of time: timelines are made of it.

use crate::script::Action;

/// All that happened in a run.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Log {
    /// In order of time.
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// Microseconds since the start.
    pub at_us: u64,
    /// What.
    pub what: What,
}

/// What happened. A life is one connection of a client, counted over all clients.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the fields of each are its words")]
pub enum What {
    /// A step of the script: what a client does, or a fault.
    Step { client: u32, action: Action },
    /// A connection begins.
    Opened { life: usize, client: u32 },
    /// The client put bytes on their way to the server.
    Sent { life: usize, bytes: Vec<u8> },
    /// The server's host took them from the network.
    ReachedServer { life: usize, bytes: Vec<u8> },
    /// The server's host put bytes on their way to the client.
    Wrote { life: usize, bytes: Vec<u8> },
    /// The client took them from the network.
    ReachedClient { life: usize, bytes: Vec<u8> },
    /// The core asks its host to read from a connection, or not to.
    Reading { life: usize, on: bool },
    /// The core asks its host to close a connection: now, or when all has left.
    Closing { life: usize, now: bool },
    /// The server's end is gone.
    ServerClosed { life: usize, why: String },
    /// The client's end is gone.
    ClientClosed { life: usize, why: String },
    /// The host called on the core because time had passed.
    Timeout,
    /// The server carries out this line.
    Carried { life: usize, line: Vec<u8> },
    /// All troubles end.
    Healing,
    /// The server was started again.
    Restart,
    /// A property does not hold.
    Broken { life: Option<usize>, property: &'static str, detail: String },
}

impl What {
    /// The connection that it is of.
    #[must_use]
    pub fn life(&self) -> Option<usize> {
        match self {
            Self::Opened { life, .. }
            | Self::Sent { life, .. }
            | Self::ReachedServer { life, .. }
            | Self::Wrote { life, .. }
            | Self::ReachedClient { life, .. }
            | Self::Reading { life, .. }
            | Self::Closing { life, .. }
            | Self::ServerClosed { life, .. }
            | Self::ClientClosed { life, .. }
            | Self::Carried { life, .. } => Some(*life),
            Self::Broken { life, .. } => *life,
            Self::Step { .. } | Self::Timeout | Self::Healing | Self::Restart => None,
        }
    }
}
