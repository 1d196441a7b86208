//! Where a server listens, and what can go wrong there.

use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{
        fs::FileTypeExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    str::FromStr,
};

use chat_core::ConfigError;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

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

/// A listener of this machine, of either kind. It does not block.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Listen {
    /// Listens here; also the address that was really had.
    ///
    /// # Errors
    /// The system's: the address is in use, say, or not this machine's.
    pub fn bind(&self) -> io::Result<(Bound, Self)> {
        match self {
            Self::Tcp(address) => {
                let socket =
                    Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
                if address.is_ipv6() {
                    // So that IPv4 can have the same port.
                    socket.set_only_v6(true)?;
                }
                socket.set_reuse_address(true)?;
                socket.set_nonblocking(true)?;
                socket.bind(&(*address).into())?;
                socket.listen(BACKLOG)?;
                let listener = TcpListener::from(socket);
                let address = Self::Tcp(listener.local_addr()?);
                Ok((Bound::Tcp(listener), address))
            }
            Self::Unix(path) => {
                if is_dead_socket(path) {
                    fs::remove_file(path)?;
                }
                let listener = UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                Ok((Bound::Unix(listener, SocketFile(path.clone())), self.clone()))
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether this is a socket at which nobody answers: left behind by a server that was killed. Any
/// other file is not ours to remove.
fn is_dead_socket(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
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
