//! The configuration file: TOML, mapped onto the core's [`Config`].
//!
//! [`EXAMPLE`] describes every key; a test holds it against the tables here and the core's defaults.

mod fault;
mod value;

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use chat_core::{AdminConfig, Config, Limits, OperConfig, wire::CaseMapping};
use clap::ValueEnum;
use runtime::Listen;
use serde::{Deserialize, Deserializer, de};

use self::{
    fault::{Document, Fault},
    value::{Count, CountOrNone, Seconds},
};
use crate::{Failure, network::Network, password, size::Size};

/// A complete configuration file that says what every key does, and changes nothing.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// What a server is told by its file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// What the core is told.
    pub(crate) config: Config,
    /// Where to listen.
    pub(crate) listen: Vec<Listen>,
    /// What drives the sockets.
    pub(crate) runtime: Runtime,
    /// Threads that read and write sockets; as many as there are processors, if it is not said.
    pub(crate) io_threads: Option<NonZeroU8>,
    /// Where bans from the server are kept.
    pub(crate) bans_file: Option<PathBuf>,
    /// Whom `connections_per_address` does not hold for.
    pub(crate) exempt: Vec<Network>,
}

/// What drives the sockets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    /// The Tokio runtime
    #[default]
    Tokio,
    /// A plain readiness loop
    Mio,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1"];
        Self {
            config: Config::default(),
            listen: default_listen(),
            runtime: Runtime::default(),
            io_threads: None,
            bans_file: None,
            exempt: loopback.iter().flat_map(|text| text.parse()).collect(),
        }
    }
}

/// Both loopback addresses. The second is left out where there is no IPv6.
pub(crate) fn default_listen() -> Vec<Listen> {
    vec![
        Listen::Tcp((Ipv4Addr::LOCALHOST, PORT).into()),
        Listen::Tcp((Ipv6Addr::LOCALHOST, PORT).into()),
    ]
}

/// The port of IRC in the clear.
const PORT: u16 = 6667;

impl Settings {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong: file, line, key and the fix.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::io(format_args!("read {}", path.display()), &error))?;
        Self::parse(&text, path.parent().unwrap_or(Path::new("")))
            .map_err(|fault| Failure::new(format!("{}{fault}", path.display())))
    }

    /// The keys that can't change while a server runs, but do from here to `new`. What the core
    /// can't change, it reports itself.
    pub(crate) fn fixed_keys_changed(&self, new: &Self) -> Vec<&'static str> {
        [
            ("listen", self.listen != new.listen),
            ("runtime", self.runtime != new.runtime),
            ("io_threads", self.io_threads != new.io_threads),
            ("bans_file", self.bans_file != new.bans_file),
            ("exempt", self.exempt != new.exempt),
        ]
        .into_iter()
        .filter_map(|(key, changed)| changed.then_some(key))
        .collect()
    }

    /// What a file's text says. Files that it names are looked for in `folder`.
    pub(crate) fn parse(text: &str, folder: &Path) -> Result<Self, Fault> {
        let document = Document::parse(text)?;
        let File { server, mut limits, oper } = document.read()?;
        for (number, oper) in oper.iter().enumerate() {
            oper.check().map_err(|(key, why)| document.fault_of_oper(number, key, why))?;
        }
        if let Some(hash) = &server.password {
            password::check_hash(hash).map_err(|why| document.fault("password", why))?;
        }

        let defaults = Self::default();
        let exempt = limits.exempt.take().unwrap_or(defaults.exempt);
        let bans_file = server.bans_file(folder).map_err(|why| document.fault("bans_file", why))?;
        let config = Config {
            keep_bans: bans_file.is_some(),
            motd: server.motd_lines(folder).map_err(|(key, why)| document.fault(key, why))?,
            name: server.name.unwrap_or(defaults.config.name),
            network: server.network.unwrap_or(defaults.config.network),
            description: server.description.unwrap_or(defaults.config.description),
            icon: server.icon.unwrap_or(defaults.config.icon),
            admin: AdminConfig {
                location: server.admin_location.unwrap_or_default(),
                organisation: server.admin_organisation.unwrap_or_default(),
                email: server.admin_email.unwrap_or_default(),
            },
            password: server.password,
            casemapping: server.casemapping.map_or(defaults.config.casemapping, Into::into),
            utf8_only: server.utf8_only.unwrap_or(defaults.config.utf8_only),
            capabilities_off: server.capabilities_off.unwrap_or_default(),
            client_tags_denied: server.client_tags_denied.unwrap_or_default(),
            default_channels: server.default_channels.unwrap_or(defaults.config.default_channels),
            cloak: server.cloak.unwrap_or(defaults.config.cloak),
            cloak_suffix: server.cloak_suffix.unwrap_or(defaults.config.cloak_suffix),
            opers: oper.into_iter().map(Into::into).collect(),
            trace: server.trace.unwrap_or(defaults.config.trace),
            limits: limits.applied_to(defaults.config.limits),
        };
        config.check().map_err(|error| document.fault(error.key, error.why))?;
        let listen = server.listen.unwrap_or(defaults.listen);
        if listen.is_empty() {
            return Err(document.fault("listen", "name at least one address"));
        }
        let runtime = server.runtime.unwrap_or_default();
        let io_threads = server.io_threads;
        Ok(Self { config, listen, runtime, io_threads, bans_file, exempt })
    }
}

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: ServerTable,
    limits: LimitsTable,
    oper: Vec<OperTable>,
}

/// `[server]`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerTable {
    name: Option<String>,
    network: Option<String>,
    description: Option<String>,
    icon: Option<String>,
    admin_location: Option<String>,
    admin_organisation: Option<String>,
    admin_email: Option<String>,
    #[serde(deserialize_with = "addresses")]
    listen: Option<Vec<Listen>>,
    motd: Option<String>,
    motd_file: Option<PathBuf>,
    password: Option<String>,
    casemapping: Option<Casemapping>,
    utf8_only: Option<bool>,
    capabilities_off: Option<Vec<String>>,
    client_tags_denied: Option<Vec<String>>,
    default_channels: Option<Vec<String>>,
    cloak: Option<bool>,
    trace: Option<bool>,
    cloak_suffix: Option<String>,
    runtime: Option<Runtime>,
    io_threads: Option<NonZeroU8>,
    bans_file: Option<PathBuf>,
}

impl ServerTable {
    fn bans_file(&self, folder: &Path) -> Result<Option<PathBuf>, String> {
        let Some(file) = &self.bans_file else { return Ok(None) };
        let path = folder.join(file);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if file.as_os_str().is_empty() || path.is_dir() {
            return Err(format!("{:?} must be a file, there already or not", file.display()));
        }
        match parent.filter(|parent| !parent.is_dir()) {
            Some(parent) => Err(format!("there is no folder {}", parent.display())),
            None => Ok(Some(path)),
        }
    }

    fn motd_lines(&self, folder: &Path) -> Result<Vec<String>, (&'static str, String)> {
        let text = match (&self.motd, &self.motd_file) {
            (Some(motd), Some(_)) if !motd.is_empty() => {
                let why = "motd is given too: keep one of the two";
                return Err(("motd_file", why.to_owned()));
            }
            (_, Some(file)) => {
                let file = folder.join(file);
                fs::read_to_string(&file).map_err(|error| {
                    ("motd_file", format!("cannot read {}: {error}", file.display()))
                })?
            }
            (motd, None) => motd.clone().unwrap_or_default(),
        };
        Ok(text.lines().map(str::to_owned).collect())
    }
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Listen>>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map(Some)
        .map_err(de::Error::custom)
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Casemapping {
    Ascii,
    Rfc1459,
    Precis,
    Permissive,
}

impl From<Casemapping> for CaseMapping {
    fn from(named: Casemapping) -> Self {
        match named {
            Casemapping::Ascii => Self::Ascii,
            Casemapping::Rfc1459 => Self::Rfc1459,
            Casemapping::Precis => Self::Precis,
            Casemapping::Permissive => Self::Permissive,
        }
    }
}

/// `[[oper]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperTable {
    name: String,
    password: String,
}

impl OperTable {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.name.is_empty() || !self.name.bytes().all(|b| b.is_ascii_graphic()) {
            let why = format!("{:?} must be visible ASCII characters without spaces", self.name);
            return Err(("name", why));
        }
        password::check_hash(&self.password).map_err(|why| ("password", why))
    }
}

impl From<OperTable> for OperConfig {
    fn from(OperTable { name, password }: OperTable) -> Self {
        Self { name, password }
    }
}

/// The table of limits: each key, how it is written, and the field of [`Limits`] that it sets.
macro_rules! limits {
    ($($key:ident: $kind:ty => $field:ident,)*) => {
        /// `[limits]`
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct LimitsTable {
            $($key: Option<$kind>,)*
            exempt: Option<Vec<Network>>,
        }

        impl LimitsTable {
            fn applied_to(self, defaults: Limits) -> Limits {
                // Every field is named, so that none of the core's limits is forgotten here.
                Limits { $($field: self.$key.map_or(defaults.$field, Into::into),)* }
            }
        }
    };
}

limits! {
    nick_len: Count => nick_len,
    user_len: Count => user_len,
    real_len: Count => real_len,
    channel_len: Count => channel_len,
    key_len: Count => key_len,
    topic_len: Count => topic_len,
    kick_len: Count => kick_len,
    quit_len: Count => quit_len,
    away_len: Count => away_len,
    channels: Count => channels,
    channels_per_user: Count => channels_per_user,
    targets: Count => targets,
    modes: Count => modes,
    list_entries: Count => list_entries,
    list_total: Size => list_total,
    invites: Count => invites,
    monitor: Count => monitor,
    whowas: Count => whowas,
    history_lines: CountOrNone => history_lines,
    history_talks: Count => history_talks,
    history_bytes: Size => history_bytes,
    history_answer: Count => history_answer,
    history_replay: CountOrNone => history_replay,
    read_markers: Count => read_markers,
    redact_s: Seconds => redact,
    multiline_bytes: Size => multiline_bytes,
    multiline_lines: CountOrNone => multiline_lines,
    server_bans: Count => server_bans,
    metadata_keys: Count => metadata_keys,
    metadata_value_len: Count => metadata_value_len,
    metadata_subs: Count => metadata_subs,
    metadata_total: Size => metadata_total,
    recvq: Size => recvq,
    recvq_total: Size => recvq_total,
    sendq_soft: Size => sendq_soft,
    sendq_hard: Size => sendq_hard,
    sendq_total: Size => sendq_total,
    sendq_age_s: Seconds => sendq_age,
    lines_per_second: CountOrNone => lines_per_second,
    lines_burst: Count => lines_burst,
    joins_per_minute: CountOrNone => joins_per_minute,
    joins_burst: Count => joins_burst,
    nicks_per_minute: CountOrNone => nicks_per_minute,
    nicks_burst: Count => nicks_burst,
    invites_per_minute: CountOrNone => invites_per_minute,
    invites_burst: Count => invites_burst,
    conversations_per_minute: CountOrNone => conversations_per_minute,
    conversations_burst: Count => conversations_burst,
    channel_joins_per_minute: CountOrNone => channel_joins_per_minute,
    channel_joins_burst: Count => channel_joins_burst,
    connects_per_minute: CountOrNone => connects_per_minute,
    connects_burst: Count => connects_burst,
    password_guesses_per_minute: CountOrNone => password_guesses_per_minute,
    password_guesses_burst: Count => password_guesses_burst,
    connections: CountOrNone => connections,
    connections_per_address: CountOrNone => connections_per_address,
    registration_s: Seconds => registration,
    batch_s: Seconds => batch,
    ping_interval_s: Seconds => ping_interval,
    ping_timeout_s: Seconds => ping_timeout,
    ask_s: Seconds => ask,
    drain_s: Seconds => drain,
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("")).map_err(|fault| fault.to_string())
    }

    fn fault(text: &str) -> String {
        parse(text).expect_err(text)
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(parse(""), Ok(Settings::default()));
    }

    #[test]
    fn the_example_changes_nothing() {
        assert_eq!(parse(EXAMPLE), Ok(Settings::default()));
    }

    #[test]
    fn the_example_has_every_key() {
        // Keys without a default stand there as comments.
        let keys: BTreeSet<&str> = EXAMPLE
            .lines()
            .filter_map(|line| line.trim_start_matches('#').split_once(" = "))
            .map(|(key, _)| key)
            .collect();
        for table in ["[server]", "[limits]", "[[oper]]"] {
            let known = fault(&format!("{table}\nnonsense = 1")).replace(':', "");
            let (_, known) = known.split_once("the keys here are ").expect("it lists them");
            for key in known.split(", ") {
                assert!(keys.contains(key), "{key} of {table} is not in the example");
            }
        }
    }

    #[test]
    fn each_kind_of_value_arrives() {
        let settings = parse(
            r##"
            [server]
            name = "irc.example.org"
            listen = ["0.0.0.0:6667", "unix:/run/parlance.sock"]
            motd = """
Welcome.
Be kind.
"""
            casemapping = "rfc1459"
            default_channels = []
            runtime = "mio"
            [limits]
            recvq = "1 MiB"
            sendq_age_s = 0.5
            lines_per_second = "none"
            connections = 10_000
            exempt = ["192.0.2.0/24"]
            "##,
        )
        .unwrap();
        assert_eq!(settings.config.name, "irc.example.org");
        assert_eq!(settings.config.motd, ["Welcome.", "Be kind."]);
        assert_eq!(settings.config.casemapping, CaseMapping::Rfc1459);
        assert!(settings.config.default_channels.is_empty());
        assert_eq!(settings.runtime, Runtime::Mio);
        assert_eq!(settings.listen.len(), 2);
        assert_eq!(settings.config.limits.recvq, 1 << 20);
        assert_eq!(settings.config.limits.sendq_age, Duration::from_millis(500));
        assert_eq!(settings.config.limits.lines_per_second, None);
        assert_eq!(settings.config.limits.connections, Some(10_000));
        assert_eq!(settings.exempt, ["192.0.2.0/24".parse().unwrap()]);
    }

    #[test]
    fn a_fault_has_its_line_its_key_and_the_fix() {
        for (text, expected) in [
            (
                "[limits]\n\nsendq_hart = 1",
                ":3: limits.sendq_hart: unknown key: did you mean sendq_hard?",
            ),
            ("[serwer]\nname = \"x\"", ":1: serwer: unknown key: did you mean server?"),
            ("[limits]\nlines_burst = 0", ":2: limits.lines_burst: "),
            ("[limits]\nlines_burst = \"none\"", ":2: limits.lines_burst: "),
            ("[limits]\nnick_len = 65", ":2: limits.nick_len: 65 is out of bounds (1 to 64)"),
            ("[limits]\nrecvq = \"1 MB\"", ":2: limits.recvq: "),
            ("[limits]\nping_timeout_s = 1e9", ":2: limits.ping_timeout_s: "),
            ("[limits]\nsendq_hard = \"32 KiB\"", ": sendq_soft: 65536 must be at most"),
            ("[server]\nname = \"a b\"", ":2: server.name: "),
            ("[server]\nlisten = [\n  \"lobby\",\n]", ":2: server.listen: "),
            ("[server]\nlisten = []", ":2: server.listen: name at least one address"),
            ("[server]\nmotd_file = \"/does/not/exist\"", ":2: server.motd_file: cannot read"),
            ("[server]\npassword = \"secret\"", ":2: server.password: "),
            ("[[oper]]\nname = \"alice\"", ":1: oper: missing"),
            ("[[oper]]\nname = \"a\"\npassword = \"secret\"", ":3: oper.password: "),
            ("[oper]\nname = \"a\"", ":1: oper: there may be several: write [[oper]]"),
            ("[server]\nbans_file = \"\"", ":2: server.bans_file: \"\" must be a file"),
            (
                "[server]\nbans_file = \"/does/not/exist\"",
                ":2: server.bans_file: there is no folder /does/not",
            ),
            (
                "[server]\ncapabilities_off = [\"echo\"]",
                ":2: server.capabilities_off: \"echo\" is none that the server has",
            ),
            ("[server]\ncloak_suffix = \".example\"", ":2: server.cloak_suffix: "),
            ("[server]\nruntime = \"async\"", ":2: server.runtime: "),
            ("[server\n", ":1: "),
            ("\"a\\u001b\\nb\" = 1", ":1: a\\u{1b}\\nb: unknown key: "),
            ("[server]\nname = \"a\"\nname = \"b\"", ":3: "),
        ] {
            let fault = fault(text);
            assert!(fault.starts_with(expected), "{text:?}: {fault}");
            assert!(!fault.contains(char::is_control), "{fault:?} is one line");
        }
    }
}
