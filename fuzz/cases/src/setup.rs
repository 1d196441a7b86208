//! The configurations that are tried: narrow bounds are met more often.

use arbitrary::Arbitrary;
use chat_core::{Config, Limits, OperConfig};

use crate::MAPPINGS;

/// What differs between the servers that are tried.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Setup {
    mapping: u8,
    password: bool,
    flood_control: bool,
    tight_queues: bool,
    lobby: bool,
    keep_bans: bool,
}

impl Setup {
    pub(crate) fn config(self) -> Config {
        let mut config = Config { name: "irc.test".into(), ..Config::default() };
        config.opers.push(OperConfig { name: "root".into(), password: "hash".into() });
        config.password = self.password.then(|| "hash".into());
        config.casemapping = MAPPINGS[usize::from(self.mapping) % MAPPINGS.len()];
        config.keep_bans = self.keep_bans;
        if !self.lobby {
            config.default_channels.clear();
        }
        config.limits = if self.flood_control {
            Limits {
                joins_burst: 3,
                nicks_burst: 2,
                invites_burst: 1,
                conversations_burst: 2,
                channel_joins_burst: 3,
                password_guesses_burst: 1,
                ..config.limits
            }
        } else {
            config.limits.unpaced()
        };
        let limits = &mut config.limits;
        if self.tight_queues {
            limits.recvq = 16 << 10;
            limits.recvq_total = 24 << 10;
            limits.sendq_soft = 1 << 10;
            limits.sendq_hard = 16 << 10;
            limits.sendq_total = 24 << 10;
        }
        limits.channels = 4;
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
