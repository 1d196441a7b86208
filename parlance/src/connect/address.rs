//! Where a server is, as people write it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// A server: `127.0.0.1:6667`, `irc.example.org`, `[::1]:6667`, `unix:/run/parlance.sock`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// TCP: a name or an address, and a port.
    Tcp(String, u16),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

impl Address {
    /// What a prompt shows of it.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Tcp(host, _) => host,
            Self::Unix(_) => "unix",
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("{text:?} is no address: write 127.0.0.1:6667, irc.example.org or unix:/path")
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::Unix(path.into())) };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Tcp(address.to_string(), DEFAULT_PORT));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Tcp(address.ip().to_string(), address.port()));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (text, DEFAULT_PORT),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if host.is_empty() || port == 0 || !host.bytes().all(is_name) {
            return Err(wrong());
        }
        Ok(Self::Tcp(host.to_owned(), port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The port of servers without TLS.
const DEFAULT_PORT: u16 = 6667;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_port() {
        for (text, means) in [
            ("127.0.0.1", "127.0.0.1:6667"),
            ("::1", "[::1]:6667"),
            ("[::1]:7000", "[::1]:7000"),
            ("irc.example.org:7000", "irc.example.org:7000"),
            ("localhost", "localhost:6667"),
            ("unix:/run/x", "unix:/run/x"),
        ] {
            assert_eq!(
                text.parse::<Address>().map(|address| address.to_string()),
                Ok(means.into())
            );
        }
        for text in ["", "unix:", "host:", "host:99999", "host:0", "a b", "[::1", "a:b:c"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
