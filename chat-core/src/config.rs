//! What a server is told once: its name, its texts, who runs it.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Limits, caps,
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
