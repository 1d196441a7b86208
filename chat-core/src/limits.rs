//! Bounds on everything: how much there may be, how often, and how long it may take.

use alloc::{format, string::ToString};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// A bound on everything. `None`, where it is allowed, is "no bound"; zero is never "infinite".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a nick: 1 to 64.
    pub nick_len: usize,
    /// Bytes of a user name, the `~` of an unchecked one included: 2 to 32.
    pub user_len: usize,
    /// Bytes of a real name: 1 to 200.
    pub real_len: usize,
    /// Bytes of a channel name, its `#` included: 2 to 100.
    pub channel_len: usize,
    /// Bytes of a channel key: 1 to 64.
    pub key_len: usize,
    /// Bytes of a topic: 1 to 390.
    pub topic_len: usize,
    /// Bytes of a kick's reason: 1 to 390.
    pub kick_len: usize,
    /// Bytes of a part's or quit's reason: 1 to 390.
    pub quit_len: usize,
    /// Bytes of an away message: 1 to 390.
    pub away_len: usize,
    /// Channels in all.
    pub channels: usize,
    /// Channels that one user may be in.
    pub channels_per_user: usize,
    /// Targets of one PRIVMSG, NOTICE or TAGMSG; also of JOIN, PART and KICK.
    pub targets: usize,
    /// Mode changes with a parameter in one MODE.
    pub modes: usize,
    /// Entries of one channel's ban list; the same of its list of exceptions and of that of invitations.
    pub list_entries: usize,
    /// What the lists of all channels may take together, in bytes.
    pub list_total: usize,
    /// Invitations that one channel remembers at once.
    pub invites: usize,
    /// Nicks that one connection may watch with MONITOR.
    pub monitor: usize,
    /// Users that WHOWAS remembers.
    pub whowas: usize,
    /// Messages and events that are kept of one channel, and of each side of a conversation.
    /// 0: none are, and no history is offered.
    pub history_lines: usize,
    /// Conversations with others that are kept of one user.
    pub history_talks: usize,
    /// Bytes of all that is kept; above it, the oldest goes first.
    pub history_bytes: usize,
    /// Messages that one CHATHISTORY gives.
    pub history_answer: usize,
    /// Messages of a channel that a client without `draft/chathistory` is shown when it joins.
    pub history_replay: usize,
    /// Channels and conversations whose read marker is kept for one connection.
    pub read_markers: usize,
    /// Age up to which a message may be redacted.
    pub redact: Duration,
    /// Bytes of a message of several lines.
    pub multiline_bytes: usize,
    /// Lines of one message. 0: messages have one line, and `draft/multiline` is not offered.
    pub multiline_lines: usize,
    /// Bans from the server.
    pub server_bans: usize,
    /// Keys of metadata that one user or channel may have.
    pub metadata_keys: usize,
    /// Bytes of one value of metadata: 1 to 378, less where the longest names leave less of a line.
    pub metadata_value_len: usize,
    /// Keys of metadata whose changes one connection may be told.
    pub metadata_subs: usize,
    /// What all metadata together may cost, in bytes.
    pub metadata_total: usize,
    /// Unread bytes that are kept of one connection: at least 16 KiB, one read.
    pub recvq: usize,
    /// The same of all connections together; above it those with most are ended.
    pub recvq_total: usize,
    /// Unsent bytes of a connection above which its own lines wait.
    pub sendq_soft: usize,
    /// Unsent bytes of a connection above which it is ended.
    pub sendq_hard: usize,
    /// Unsent bytes of all connections together; above it the largest debtor is ended.
    pub sendq_total: usize,
    /// Age of a connection's oldest unsent byte above which it is ended.
    pub sendq_age: Duration,
    /// Lines a second that a connection may send for long. `None`: as many as it likes.
    pub lines_per_second: Option<u32>,
    /// Lines that a connection may send at once.
    pub lines_burst: u32,
    /// Channels that one user may join, a minute for long. `None`: no bound.
    pub joins_per_minute: Option<u32>,
    /// The same at once.
    pub joins_burst: u32,
    /// Changes of its nick that one user may make, a minute for long. `None`: no bound.
    pub nicks_per_minute: Option<u32>,
    /// The same at once.
    pub nicks_burst: u32,
    /// Invitations that one user may send, a minute for long. `None`: no bound.
    pub invites_per_minute: Option<u32>,
    /// The same at once.
    pub invites_burst: u32,
    /// Users whom one user may begin to write to: who answers it, or was just written to, does not count, a minute for long. `None`: no bound.
    pub conversations_per_minute: Option<u32>,
    /// The same at once.
    pub conversations_burst: u32,
    /// Users who may join one channel, those on arrival aside, a minute for long. `None`: no bound.
    pub channel_joins_per_minute: Option<u32>,
    /// The same at once.
    pub channel_joins_burst: u32,
    /// Connections that one IPv4 address or one IPv6 /64 may make, a minute for long. `None`: no bound.
    pub connects_per_minute: Option<u32>,
    /// The same at once.
    pub connects_burst: u32,
    /// Wrong passwords from one address, and the same for one operator's name, a minute for long. `None`: no bound.
    pub password_guesses_per_minute: Option<u32>,
    /// The same at once.
    pub password_guesses_burst: u32,
    /// Connections in all. `None`: as many as the host takes.
    pub connections: Option<usize>,
    /// Connections from one IPv4 address or one IPv6 /64. `None`: no bound.
    pub connections_per_address: Option<usize>,
    /// Time from connecting until registration must be done.
    pub registration: Duration,
    /// Time from the beginning of a client's batch to its end.
    pub batch: Duration,
    /// Silence after which the server sends PING.
    pub ping_interval: Duration,
    /// Silence after that PING after which the connection is ended.
    pub ping_timeout: Duration,
    /// Time that the host has to answer what it was asked.
    pub ask: Duration,
    /// Time that a closing connection, or a server that shuts down, has to flush.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            nick_len: 30,
            user_len: 20,
            real_len: 150,
            channel_len: 64,
            key_len: 32,
            topic_len: 390,
            kick_len: 300,
            quit_len: 300,
            away_len: 200,
            channels: 20_000,
            channels_per_user: 100,
            targets: 4,
            modes: 6,
            list_entries: 100,
            list_total: 32 << 20,
            invites: 100,
            monitor: 100,
            whowas: 1_000,
            history_lines: 500,
            history_talks: 50,
            history_bytes: 64 << 20,
            history_answer: 100,
            history_replay: 10,
            read_markers: 200,
            redact: Duration::from_secs(3600),
            multiline_bytes: 4096,
            multiline_lines: 32,
            server_bans: 1_000,
            metadata_keys: 20,
            metadata_value_len: 250,
            metadata_subs: 50,
            metadata_total: 16 << 20,
            recvq: 32 << 10,
            recvq_total: 64 << 20,
            sendq_soft: 64 << 10,
            sendq_hard: 256 << 10,
            sendq_total: 256 << 20,
            sendq_age: Duration::from_secs(30),
            lines_per_second: Some(4),
            lines_burst: 40,
            joins_per_minute: Some(30),
            joins_burst: 60,
            nicks_per_minute: Some(6),
            nicks_burst: 10,
            invites_per_minute: Some(10),
            invites_burst: 20,
            conversations_per_minute: Some(4),
            conversations_burst: 10,
            channel_joins_per_minute: Some(6_000),
            channel_joins_burst: 10_000,
            connects_per_minute: Some(60),
            connects_burst: 64,
            password_guesses_per_minute: Some(3),
            password_guesses_burst: 6,
            connections: None,
            connections_per_address: Some(64),
            registration: Duration::from_secs(20),
            batch: Duration::from_secs(30),
            ping_interval: Duration::from_secs(90),
            ping_timeout: Duration::from_secs(60),
            ask: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        }
    }
}

/// Bytes of a line of METADATA that names and the value share: all but host, key and what stands
/// between them.
const METADATA_LINE: usize = 378;

/// What is encoded in one turn, for all combinations of capabilities.
const TURN: usize = 16 << 20;
/// A connection and its user, with names and a line of each kind that it may hold, and its part of what
/// long answers take in a turn.
const CONNECTION: usize = 8 << 10;
/// The tags of a client's batch.
const TAGS: usize = 4 << 10;
/// Something with a name or two.
const RECORD: usize = 256;
/// A user in a channel, at either end, or an invitation.
const PLACE: usize = 32;

impl Limits {
    /// Bytes of one value of metadata: as many as are allowed, and as many as fit a line with the
    /// longest names.
    pub(crate) fn metadata_value_max(&self) -> usize {
        let names = self.nick_len + self.user_len + self.channel_len.max(self.nick_len);
        self.metadata_value_len.min(METADATA_LINE - names)
    }

    /// The same without any bound on how fast things are done: for simulations and measurements.
    #[must_use]
    pub fn unpaced(self) -> Self {
        Self {
            lines_per_second: None,
            joins_per_minute: None,
            nicks_per_minute: None,
            invites_per_minute: None,
            conversations_per_minute: None,
            channel_joins_per_minute: None,
            connects_per_minute: None,
            password_guesses_per_minute: None,
            ..self
        }
    }

    /// The most memory, in bytes, that so many connections can make a server hold: the sum of the
    /// largest of everything, so that it is far from what is usual. What the server is without peers
    /// (some MiB), the allocator's slack and the system's buffers come on top.
    #[must_use]
    pub const fn memory(&self, connections: usize) -> usize {
        let together = TURN
            + self.sendq_total
            + self.recvq_total
            + self.history_bytes
            + self.metadata_total
            + self.list_total
            + (self.whowas + self.server_bans) * RECORD;
        let batch = if self.multiline_lines > 0 { self.multiline_bytes + TAGS } else { 0 };
        let talks = if self.history_lines > 0 { self.history_talks * RECORD } else { 0 };
        let connection = CONNECTION
            + batch
            + talks
            + self.channels_per_user * PLACE
            + self.monitor * RECORD
            + self.read_markers * RECORD
            + self.metadata_keys * (self.metadata_value_len + RECORD)
            + self.metadata_subs * RECORD;
        let channel = RECORD + self.topic_len + self.key_len + self.invites * PLACE;
        together
            .saturating_add(connections.saturating_mul(connection))
            .saturating_add(self.channels.saturating_mul(channel))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        const ANY: usize = usize::MAX;
        let rate = |count: Option<u32>| count.map_or(1, |count| count as usize);
        for (key, value, least, most) in [
            ("nick_len", self.nick_len, 1, 64),
            ("user_len", self.user_len, 2, 32),
            ("real_len", self.real_len, 1, 200),
            ("channel_len", self.channel_len, 2, 100),
            ("key_len", self.key_len, 1, 64),
            ("topic_len", self.topic_len, 1, 390),
            ("kick_len", self.kick_len, 1, 390),
            ("quit_len", self.quit_len, 1, 390),
            ("away_len", self.away_len, 1, 390),
            ("channels", self.channels, 1, u32::MAX as usize),
            ("channels_per_user", self.channels_per_user, 1, 10_000),
            ("targets", self.targets, 1, 100),
            ("modes", self.modes, 1, 12),
            ("list_entries", self.list_entries, 1, 10_000),
            ("list_total", self.list_total, 1 << 10, ANY),
            ("invites", self.invites, 1, 10_000),
            ("monitor", self.monitor, 1, 1_000),
            ("whowas", self.whowas, 1, 100_000),
            ("history_lines", self.history_lines, 0, 100_000),
            ("history_talks", self.history_talks, 1, 1_000),
            ("history_bytes", self.history_bytes, 64 << 10, ANY),
            ("history_answer", self.history_answer, 1, 10_000),
            ("history_replay", self.history_replay, 0, 1_000),
            ("read_markers", self.read_markers, 1, 10_000),
            ("multiline_bytes", self.multiline_bytes, 512, 16 << 10),
            ("multiline_lines", self.multiline_lines, 0, 100),
            ("server_bans", self.server_bans, 1, 10_000),
            ("metadata_keys", self.metadata_keys, 1, 200),
            ("metadata_value_len", self.metadata_value_len, 1, METADATA_LINE),
            ("metadata_subs", self.metadata_subs, 1, 200),
            ("metadata_total", self.metadata_total, 1 << 10, 1 << 30),
            ("recvq", self.recvq, 16 << 10, 16 << 20),
            ("recvq_total", self.recvq_total, self.recvq, ANY),
            ("sendq_soft", self.sendq_soft, 1 << 10, ANY),
            ("sendq_hard", self.sendq_hard, 16 << 10, 1 << 30),
            ("sendq_total", self.sendq_total, self.sendq_hard, ANY),
            ("lines_per_second", rate(self.lines_per_second), 1, 1_000_000),
            ("lines_burst", self.lines_burst as usize, 1, 1_000_000),
            ("joins_per_minute", rate(self.joins_per_minute), 1, 1_000_000),
            ("joins_burst", self.joins_burst as usize, 1, 1_000_000),
            ("nicks_per_minute", rate(self.nicks_per_minute), 1, 1_000_000),
            ("nicks_burst", self.nicks_burst as usize, 1, 1_000_000),
            ("invites_per_minute", rate(self.invites_per_minute), 1, 1_000_000),
            ("invites_burst", self.invites_burst as usize, 1, 1_000_000),
            ("conversations_per_minute", rate(self.conversations_per_minute), 1, 1_000_000),
            ("conversations_burst", self.conversations_burst as usize, 1, 1_000_000),
            ("channel_joins_per_minute", rate(self.channel_joins_per_minute), 1, 1_000_000),
            ("channel_joins_burst", self.channel_joins_burst as usize, 1, 1_000_000),
            ("connects_per_minute", rate(self.connects_per_minute), 1, 1_000_000),
            ("connects_burst", self.connects_burst as usize, 1, 1_000_000),
            ("password_guesses_per_minute", rate(self.password_guesses_per_minute), 1, 1_000_000),
            ("password_guesses_burst", self.password_guesses_burst as usize, 1, 1_000_000),
            ("connections", self.connections.unwrap_or(1), 1, ANY),
            ("connections_per_address", self.connections_per_address.unwrap_or(1), 1, ANY),
        ] {
            if value < least || value > most {
                let most =
                    if most == ANY { "no upper bound".to_string() } else { most.to_string() };
                let why = format!("{value} is out of bounds ({least} to {most})");
                return Err(ConfigError { key, why: why.into() });
            }
        }
        if self.sendq_soft > self.sendq_hard {
            let why =
                format!("{} must be at most sendq_hard ({})", self.sendq_soft, self.sendq_hard);
            return Err(ConfigError { key: "sendq_soft", why: why.into() });
        }
        let day = Duration::from_secs(86_400);
        for (key, value) in [
            ("sendq_age", self.sendq_age),
            ("registration", self.registration),
            ("batch", self.batch),
            ("redact", self.redact),
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("ask", self.ask),
            ("drain", self.drain),
        ] {
            if value < Duration::from_millis(1) || value > day {
                let why = format!("{value:?} is out of bounds (1 ms to 1 day)");
                return Err(ConfigError { key, why: why.into() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_never_infinite() {
        let limits = Limits { lines_per_second: Some(0), ..Limits::default() };
        assert_eq!(limits.check().map_err(|e| e.key), Err("lines_per_second"));
    }
}
