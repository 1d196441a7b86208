//! The configurations that are tried: narrow bounds are met more often.

use arbitrary::Arbitrary;
use chat_core::{Config, OperConfig, wire::CaseMapping};

/// What differs between the servers that are tried.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Setup {
    rfc1459: bool,
    password: bool,
    flood_control: bool,
    tight_queues: bool,
    lobby: bool,
}

impl Setup {
    pub(crate) fn config(self) -> Config {
        let mut config = Config { name: "irc.test".into(), ..Config::default() };
        config.opers.push(OperConfig { name: "root".into(), password: "hash".into() });
        config.password = self.password.then(|| "hash".into());
        if self.rfc1459 {
            config.casemapping = CaseMapping::Rfc1459;
        }
        if !self.lobby {
            config.default_channels.clear();
        }
        let limits = &mut config.limits;
        if !self.flood_control {
            limits.lines_per_second = None;
        }
        if self.tight_queues {
            limits.recvq = 16 << 10;
            limits.sendq_soft = 1 << 10;
            limits.sendq_hard = 16 << 10;
            limits.sendq_total = 24 << 10;
        }
        limits.channels_per_user = 3;
        limits.targets = 3;
        limits.modes = 3;
        limits.list_entries = 3;
        limits.invites = 2;
        limits.monitor = 2;
        limits.whowas = 2;
        limits.history_lines = 4;
        limits.connections_per_address = Some(6);
        config
    }
}
