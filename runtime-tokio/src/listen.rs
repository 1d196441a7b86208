//! Where a server listens, and what can go wrong there.

use std::{fmt, io, net::SocketAddr, path::PathBuf, str::FromStr};

use chat_core::ConfigError;

/// An address to listen on or to connect to: `127.0.0.1:6667`, `[::1]:6667`, `unix:/path`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listen {
    /// TCP. Port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: needs a path, as in unix:/run/parlance.sock".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                format!("{text:?} is no address: write 127.0.0.1:6667, [::1]:6667 or unix:/path")
            }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a runtime could not start or go on.
#[derive(Debug)]
pub enum Error {
    /// The configuration is wrong.
    Config(ConfigError),
    /// An address can't be listened on.
    Listen(Listen, io::Error),
    /// The system failed in what every server needs.
    System(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "the configuration is wrong: {error}"),
            Self::Listen(address, error) => {
                let advice = match error.kind() {
                    io::ErrorKind::AddrInUse => {
                        "it is in use: stop the other server or listen elsewhere"
                    }
                    io::ErrorKind::PermissionDenied => {
                        "it is not permitted: take a port above 1023 or a path that you may write"
                    }
                    io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
                    _ => return write!(f, "can't listen on {address}: {error}"),
                };
                write!(f, "can't listen on {address}: {advice}")
            }
            Self::System(error) => write!(f, "the system failed: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in ["127.0.0.1:6667", "[::1]:0", "unix:/tmp/x"] {
            assert_eq!(text.parse::<Listen>().map(|address| address.to_string()), Ok(text.into()));
        }
        assert!("localhost".parse::<Listen>().is_err() && "unix:".parse::<Listen>().is_err());
    }
}
