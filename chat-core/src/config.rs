//! What a server is told once: its name, its texts, and a limit on everything.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    caps,
    wire::{CaseMapping, is_channel, is_tag_key},
};

/// A server's configuration. Plain values: a host reads them from wherever it likes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The server's name, as the source of its replies: letters, digits, `-`, `.`; at most 63 bytes.
    pub name: String,
    /// The network's name, for the welcome and ISUPPORT's `NETWORK`: no spaces.
    pub network: String,
    /// Where a picture of the network is, for ISUPPORT's `draft/ICON`: a URL. Empty: there is none.
    pub icon: String,
    /// What the server is, in a line of free text.
    pub description: String,
    /// Who runs the server, for ADMIN.
    pub admin: AdminConfig,
    /// The message of the day, one string a line. Empty: a line that says that there is none.
    pub motd: Vec<String>,
    /// The hash that PASS must match, in a form that the host verifies. `None`: no password.
    pub password: Option<String>,
    /// How nicks and channel names are compared. It can't change while the server runs.
    pub casemapping: CaseMapping,
    /// Whether lines that are not UTF-8 are refused.
    pub utf8_only: bool,
    /// Capabilities that are not offered, by name.
    pub capabilities_off: Vec<String>,
    /// Client-only tags that are taken off messages, without their `+`, as in ISUPPORT's
    /// `CLIENTTAGDENY`: `*` first is all, `-` before a name takes it out again.
    pub client_tags_denied: Vec<String>,
    /// Channels that every connection joins on arrival.
    pub default_channels: Vec<String>,
    /// Whether others see a cloak in place of a user's address.
    pub cloak: bool,
    /// What cloaks end in: 1 to 30 letters, digits, `-` or `.`.
    pub cloak_suffix: String,
    /// Who may become an operator.
    pub opers: Vec<OperConfig>,
    /// Whether the host keeps bans from one run to the next.
    pub keep_bans: bool,
    /// Whether each line is reported when it is carried out, passwords and all: for whoever checks a
    /// server or looks for a fault in a client.
    pub trace: bool,
    /// The bounds.
    pub limits: Limits,
}

/// One operator's account: OPER `name` `password`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperConfig {
    /// The name given to OPER, compared exactly.
    pub name: String,
    /// The hash that the password must match, in a form that the host verifies.
    pub password: String,
}

/// Who runs a server: three lines of free text, each of them empty if there is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdminConfig {
    /// Where the server is.
    pub location: String,
    /// Who runs it.
    pub organisation: String,
    /// Where to write to.
    pub email: String,
}

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
    /// Entries of one channel's ban list.
    pub list_entries: usize,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "parlance.local".to_string(),
            network: "Parlance".to_string(),
            icon: String::new(),
            description: "A Parlance chat server".to_string(),
            admin: AdminConfig::default(),
            motd: Vec::new(),
            password: None,
            casemapping: CaseMapping::Ascii,
            utf8_only: true,
            capabilities_off: Vec::new(),
            client_tags_denied: Vec::new(),
            default_channels: vec!["#lobby".to_string()],
            cloak: true,
            cloak_suffix: "ip".to_string(),
            opers: Vec::new(),
            keep_bans: false,
            trace: false,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// The first value that is out of its bounds, by its key, with the bound.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: &'static str, why: String| Err(ConfigError { key, why: why.into() });
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if self.name.is_empty() || self.name.len() > 63 || !self.name.chars().all(is_name) {
            return wrong(
                "name",
                format!("{:?} must be 1 to 63 letters, digits, '-' or '.'", self.name),
            );
        }
        if self.cloak_suffix.is_empty()
            || self.cloak_suffix.len() > 30
            || !self.cloak_suffix.chars().all(is_name)
            || self.cloak_suffix.split('.').any(str::is_empty)
        {
            return wrong(
                "cloak_suffix",
                format!(
                    "{:?} must be 1 to 30 letters, digits, '-' or, between them, '.'",
                    self.cloak_suffix
                ),
            );
        }
        if self.network.is_empty()
            || self.network.len() > 63
            || !self.network.bytes().all(|b| b.is_ascii_graphic())
        {
            return wrong(
                "network",
                format!(
                    "{:?} must be 1 to 63 visible ASCII characters without spaces",
                    self.network
                ),
            );
        }
        let texts = self.motd.iter().map(|line| ("motd", line)).chain([
            ("description", &self.description),
            ("admin_location", &self.admin.location),
            ("admin_organisation", &self.admin.organisation),
            ("admin_email", &self.admin.email),
        ]);
        for (key, text) in texts {
            if text.len() > 400 || text.chars().any(|c| matches!(c, '\0' | '\r' | '\n')) {
                return wrong(key, format!("{text:?} must be a line of at most 400 bytes"));
            }
        }
        for name in &self.capabilities_off {
            if name == "cap-notify" {
                return wrong("capabilities_off", "cap-notify is always offered".to_string());
            }
            if !caps::ALL.iter().any(|one| one.name == name.as_bytes()) {
                let why = format!("{name:?} is none that the server has: CAP LS lists them");
                return wrong("capabilities_off", why);
            }
        }
        let tags = &self.client_tags_denied;
        if tags.iter().map(|tag| tag.len() + 1).sum::<usize>() > 300 {
            return wrong("client_tags_denied", "more than 300 bytes".to_string());
        }
        for (at, tag) in tags.iter().enumerate() {
            let key = tag.strip_prefix('-').unwrap_or(tag);
            let all = tag == "*" && at == 0;
            if !all && (key.starts_with('+') || !is_tag_key(key.as_bytes())) {
                return wrong(
                    "client_tags_denied",
                    format!(
                        "{tag:?} must be a tag without its '+', '-' and a tag, or a first \"*\""
                    ),
                );
            }
        }
        let is_url = ["https://", "http://"]
            .iter()
            .any(|scheme| self.icon.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        let plain = self.icon.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !(self.icon.is_empty() || is_url && plain && self.icon.len() <= 300) {
            let why = format!("{:?} must be a URL (https://...) of at most 300 bytes", self.icon);
            return wrong("icon", why);
        }
        for channel in &self.default_channels {
            if !is_channel(channel.as_bytes(), self.limits.channel_len) {
                return wrong(
                    "default_channels",
                    format!(
                        "{channel:?} must be '#' and a name without spaces or commas, {} bytes at most",
                        self.limits.channel_len
                    ),
                );
            }
        }
        if self.default_channels.len() > self.limits.channels_per_user {
            return wrong("default_channels", "more channels than channels_per_user".to_string());
        }
        self.limits.check()
    }
}

/// Bytes of a line of METADATA that names and the value share: all but host, key and what stands
/// between them.
const METADATA_LINE: usize = 378;

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

    fn check(&self) -> Result<(), ConfigError> {
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

/// A value of the configuration that can't be.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError {
    /// The field's name.
    pub key: &'static str,
    /// What is wrong with it and what it must be.
    pub why: Box<str>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.why)
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn zero_is_never_infinite() {
        let mut config = Config::default();
        config.limits.lines_per_second = Some(0);
        assert_eq!(config.check().map_err(|e| e.key), Err("lines_per_second"));
    }

    #[test]
    fn what_is_turned_off_has_to_be_there() {
        let wrong = |config: Config| config.check().map_err(|error| error.key);
        let caps = |name: &str| Config { capabilities_off: vec![name.into()], ..Config::default() };
        assert_eq!(wrong(caps("echo-message")), Ok(()));
        assert_eq!(wrong(caps("echo-massage")), Err("capabilities_off"));
        assert_eq!(wrong(caps("cap-notify")), Err("capabilities_off"));
        let tags = |list: &[&str]| {
            let list = list.iter().map(|tag| (*tag).to_string()).collect();
            Config { client_tags_denied: list, ..Config::default() }
        };
        assert_eq!(wrong(tags(&["*", "-draft/react", "typing"])), Ok(()));
        for bad in [&["+typing"][..], &["typing", "*"], &["a b"], &[""], &["a,b"]] {
            assert_eq!(wrong(tags(bad)), Err("client_tags_denied"), "{bad:?}");
        }
    }

    #[test]
    fn a_name_can_not_carry_a_second_line() {
        let config = Config { name: "a\r\nb".to_string(), ..Config::default() };
        assert_eq!(config.check().map_err(|e| e.key), Err("name"));
    }
}
