//! The server under attack: its configuration, and the memory that this configuration allows.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Failure,
    bench::{
        peers::{Directory, Kind, Peer, Recipe},
        process::Process,
    },
    settings::Settings,
};

/// A running server.
#[derive(Debug)]
pub(super) struct Target {
    peer: Peer,
    /// Where it is reached.
    pub(super) address: SocketAddr,
    /// Its process.
    pub(super) process: Process,
    /// Bytes that its configuration allows beyond what it holds with no client.
    pub(super) bound_bytes: u64,
    _directory: Directory,
}

impl Target {
    /// Starts a server whose `[limits]` are those of [`LIMITS`] and, above them, `limits`.
    ///
    /// # Errors
    /// If it does not start.
    pub(super) fn start(
        program: &Path,
        runtime: &str,
        limits: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let failed = |error| Failure::io("write a configuration", &error);
        let directory = Directory::create().map_err(failed)?;
        let config = directory.write("attack.toml", &config(limits)).map_err(failed)?;
        let bound_bytes = bound_bytes(&Settings::load(&config)?);
        let words = [
            program.as_os_str(),
            "serve".as_ref(),
            "--runtime".as_ref(),
            runtime.as_ref(),
            "--config".as_ref(),
            config.as_os_str(),
        ];
        let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let recipe = Recipe { name: runtime.to_owned(), kind: Kind::Announcing(words) };
        let peer = recipe.start(START)?;
        let (address, process) = (peer.address, peer.process()?);
        let address = (IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()).into();
        Ok(Self { peer, address, process, bound_bytes, _directory: directory })
    }

    /// The file that it logs to.
    pub(super) fn log(&self) -> PathBuf {
        self.peer.log()
    }
}

/// What every server under attack is configured with: nobody exempt, and bounds of memory that are
/// small enough to be met.
const LIMITS: [(&str, &str); 7] = [
    ("exempt", "[]"),
    ("connections", "1000"),
    ("recvq_total", "\"8 MiB\""),
    ("sendq_total", "\"16 MiB\""),
    ("history_bytes", "\"8 MiB\""),
    // So few that the history of each channel is full, and memory at rest, before the attack.
    ("history_lines", "20"),
    ("metadata_total", "\"2 MiB\""),
];

fn config(limits: &[(&str, &str)]) -> String {
    let all: BTreeMap<_, _> = LIMITS.iter().chain(limits).copied().collect();
    let limits: String = all.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("[server]\nlisten = [\"0.0.0.0:0\"]\n\n[limits]\n{limits}")
}

/// What the configuration allows: queues, history, metadata, and each connection's own.
fn bound_bytes(settings: &Settings) -> u64 {
    let limits = &settings.config.limits;
    let connections = limits.connections.unwrap_or(usize::MAX);
    let queues = limits.recvq_total + limits.sendq_total;
    let shared = queues + limits.history_bytes + limits.metadata_total;
    shared.saturating_add(connections.saturating_mul(CONNECTION_BYTES)) as u64
}

/// What a connection costs beside its queues, its user and memberships included: four times what
/// `parlance bench idle` measures.
const CONNECTION_BYTES: usize = 4 << 10;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(limits: &[(&str, &str)]) -> u64 {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("attack.toml");
        std::fs::write(&path, config(limits)).expect("written");
        bound_bytes(&Settings::load(&path).expect("a configuration"))
    }

    #[test]
    fn the_configuration_is_one_and_bounds_memory() {
        let plain = bound(&[]);
        assert!((34 << 20..50 << 20).contains(&plain), "{plain}");
        assert_eq!(bound(&[("sendq_total", "\"15 MiB\"")]), plain - (1 << 20));
        assert!(bound(&[("connections", "2000")]) > plain);
    }
}
