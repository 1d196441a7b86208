//! Proves a recording: a fresh server, fed with it, does the same.

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, mem, time::Duration};

use super::{
    Kind, Turn,
    frame::{self, Opened},
    parse,
};
use crate::{Config, ConfigError, Input, Now, PeerInfo, Server, UnixMillis};

/// Proves a whole recording that is in memory.
///
/// # Errors
/// As [`Replay`].
pub fn replay(recording: &[u8]) -> Result<Summary, ReplayError> {
    let mut replay = Replay::new();
    for part in recording.chunks(64 << 10) {
        replay.feed(part)?;
    }
    replay.finish()
}

/// Proves a recording that comes in parts of any size.
///
/// It holds at most one record at a time. Any bytes are safe to feed.
#[derive(Default)]
pub struct Replay {
    run: Option<Run>,
    ended: bool,
    begun: bool,
    summary: Summary,
    /// Bytes that came and are not used yet; the first of them stands at `summary.bytes`.
    pending: Vec<u8>,
}

impl Replay {
    /// A replay that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it is: all of this is proved.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Takes the next bytes of the recording.
    ///
    /// # Errors
    /// What is wrong with the recording, or where the run that it holds differs from this one. The
    /// replay is over then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ReplayError> {
        let mut pending = mem::take(&mut self.pending);
        pending.extend_from_slice(bytes);
        let start = self.summary.bytes;
        let mut rest = pending.as_slice();
        while let Some(used) = self.step(rest)? {
            self.summary.bytes += used as u64;
            rest = rest.get(used..).unwrap_or_default();
        }
        let used = usize::try_from(self.summary.bytes - start).unwrap_or(usize::MAX);
        pending.drain(..used.min(pending.len()));
        self.pending = pending;
        Ok(())
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// [`ReplayError::Cut`] if the recording has no end; what it proved up to there is told.
    pub fn finish(self) -> Result<Summary, ReplayError> {
        if self.ended {
            return Ok(self.summary);
        }
        Err(if self.begun {
            ReplayError::Cut { at: self.place(), proved: Box::new(self.summary) }
        } else {
            ReplayError::NotARecording
        })
    }

    /// Takes one record, if it is whole: the bytes that it has.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<usize>, ReplayError> {
        if !self.begun {
            return self.header(bytes);
        }
        if self.ended && !bytes.is_empty() {
            return Err(ReplayError::Trailing { at: self.place() });
        }
        match frame::open(self.summary.records, bytes) {
            Opened::Partial => Ok(None),
            Opened::Damaged => Err(ReplayError::Damaged { at: self.place() }),
            Opened::Record(payload, used) => {
                self.record(payload)?;
                self.summary.records += 1;
                Ok(Some(used))
            }
        }
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Option<usize>, ReplayError> {
        let Some((head, _)) = bytes.split_at_checked(frame::MAGIC.len()) else {
            let so_far = frame::MAGIC.starts_with(bytes);
            return if so_far { Ok(None) } else { Err(ReplayError::NotARecording) };
        };
        if head != frame::MAGIC {
            return Err(ReplayError::NotARecording);
        }
        self.begun = true;
        Ok(Some(head.len()))
    }

    fn record(&mut self, payload: &[u8]) -> Result<(), ReplayError> {
        let unknown = ReplayError::Unknown { at: self.place() };
        let Some((kind, body)) = payload.split_first_chunk::<1>() else { return Err(unknown) };
        let outcome = match (parse(kind), &mut self.run) {
            (Some(Kind::Start), None) => return self.start(body),
            (Some(Kind::Open), Some(run)) => {
                let Some((outputs, now, peer)) = parse(body) else { return Err(unknown) };
                self.summary.last = now;
                self.summary.connections += 1;
                run.open(outputs, now, peer)
            }
            (Some(Kind::Handle), Some(run)) => {
                let Some((outputs, now, input)) = parse(body) else { return Err(unknown) };
                self.summary.last = now;
                self.summary.inputs += 1;
                run.handle(outputs, now, input)
            }
            (Some(Kind::Proof), Some(run)) => {
                let Some((outputs, hash)) = parse(body) else { return Err(unknown) };
                self.summary.turns += 1;
                run.take(outputs).and_then(|()| run.take_none()).and_then(|()| run.compare(hash))
            }
            (Some(Kind::End), Some(run)) => {
                let Some((outputs, hash)) = parse(body) else { return Err(unknown) };
                self.ended = true;
                run.take(outputs).and_then(|()| run.compare(hash))
            }
            _ => return Err(unknown),
        };
        outcome.map_err(|what| ReplayError::Differs { at: self.place(), what })?;
        if let Some(run) = &self.run {
            self.summary.outputs = run.turn.outputs;
            self.summary.bytes_sent = run.turn.bytes_sent;
        }
        Ok(())
    }

    fn start(&mut self, body: &[u8]) -> Result<(), ReplayError> {
        let at = self.place();
        let Some((config, seed, now)) = parse::<(Config, [u8; 32], Now)>(body) else {
            return Err(ReplayError::Unknown { at });
        };
        match Server::new(config, seed, now) {
            Ok(server) => {
                self.run = Some(Run { server, turn: Turn::default() });
                self.summary.first = now;
                self.summary.last = now;
                Ok(())
            }
            Err(why) => Err(ReplayError::Config { at, why }),
        }
    }

    fn place(&self) -> Place {
        let Summary { records, bytes, first, last, .. } = self.summary;
        Place {
            record: records,
            offset: bytes,
            after: last.mono.since(first.mono),
            wall: last.wall,
        }
    }
}

/// The server of this run.
struct Run {
    server: Server,
    turn: Turn,
}

impl Run {
    fn open(&mut self, outputs: u64, now: Now, peer: PeerInfo) -> Result<(), Difference> {
        self.take(outputs)?;
        let opened = self.server.open(now, peer);
        self.turn.opened(&opened);
        Ok(())
    }

    fn handle(&mut self, outputs: u64, now: Now, input: Input<'_>) -> Result<(), Difference> {
        self.take(outputs)?;
        self.turn.handling(&self.server, &input);
        self.server.handle(now, input);
        Ok(())
    }

    /// Takes as many outputs as the recorded host took.
    fn take(&mut self, outputs: u64) -> Result<(), Difference> {
        for _ in 0..outputs {
            let output = self.server.poll_output().ok_or(Difference::FewerOutputs)?;
            self.turn.took(&output);
        }
        Ok(())
    }

    fn take_none(&mut self) -> Result<(), Difference> {
        self.server.poll_output().map_or(Ok(()), |_| Err(Difference::MoreOutputs))
    }

    fn compare(&mut self, recorded: (u64, u64)) -> Result<(), Difference> {
        if self.turn.finish() == recorded { Ok(()) } else { Err(Difference::Hash) }
    }
}

/// What a recording holds, as far as it is proved.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Records, the first included.
    pub records: u64,
    /// Bytes of the recording.
    pub bytes: u64,
    /// Connections offered to the server.
    pub connections: u64,
    /// Inputs handled.
    pub inputs: u64,
    /// Outputs taken.
    pub outputs: u64,
    /// Bytes that left towards peers.
    pub bytes_sent: u64,
    /// Turns proved: as many hashes were equal.
    pub turns: u64,
    /// When it started.
    pub first: Now,
    /// When the last call was made.
    pub last: Now,
}

/// A place in a recording.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Number of the record; the first is 0.
    pub record: u64,
    /// Where it starts, in bytes.
    pub offset: u64,
    /// Time of the last call, from the start of the recording.
    pub after: Duration,
    /// The same by the wall clock.
    pub wall: UnixMillis,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.wall.to_iso();
        let wall = core::str::from_utf8(&iso).unwrap_or_default();
        let Self { record, offset, after, .. } = self;
        write!(f, "record {record} at byte {offset}, {after:?} after the start ({wall})")
    }
}

/// How a run differs from the recorded one.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Difference {
    /// The recorded server had more to do.
    FewerOutputs,
    /// The recorded server had nothing more to do.
    MoreOutputs,
    /// As many outputs, but not the same, or other bytes that left.
    Hash,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FewerOutputs => "fewer outputs than recorded",
            Self::MoreOutputs => "more outputs than recorded",
            Self::Hash => "other outputs or other bytes sent than recorded",
        })
    }
}

/// Why a recording is not proved.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplayError {
    /// It doesn't start as a recording of this version does.
    NotARecording,
    /// A checksum does not match: bytes were changed, at or soon after this place.
    Damaged {
        /// The damaged record.
        at: Place,
    },
    /// It ends before its end; all before this place is proved.
    Cut {
        /// Where the incomplete record starts.
        at: Place,
        /// What comes before.
        proved: Box<Summary>,
    },
    /// Bytes follow its end.
    Trailing {
        /// Where they start.
        at: Place,
    },
    /// The checksums match, but this is no record that may stand here.
    Unknown {
        /// The record.
        at: Place,
    },
    /// The recorded configuration is not valid.
    Config {
        /// The record.
        at: Place,
        /// Why not.
        why: ConfigError,
    },
    /// The server did not do what it did when it was recorded.
    Differs {
        /// The first record that does not hold.
        at: Place,
        /// How.
        what: Difference,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecording => f.write_str("not a recording of this version"),
            Self::Damaged { at } => write!(f, "{at}: damaged, a checksum does not match"),
            Self::Cut { at, proved } => {
                let turns = proved.turns;
                write!(f, "{at}: cut off here; the {turns} turns before it are proved equal")
            }
            Self::Trailing { at } => write!(f, "{at}: bytes follow the end of the recording"),
            Self::Unknown { at } => write!(f, "{at}: no record that may stand here"),
            Self::Config { at, why } => write!(f, "{at}: the configuration is wrong: {why}"),
            Self::Differs { at, what } => write!(f, "{at}: this run differs: {what}"),
        }
    }
}

impl core::error::Error for ReplayError {}
