//! The attacks, and the table of them.

mod arrivals;

use std::{fmt, io};

use super::trial::{Field, Got};

/// One attack.
pub(super) struct Attack {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// What the attackers do.
    pub(super) what: &'static str,
    /// `[limits]` of the server's configuration that differ from those of other attacks, with why.
    pub(super) limits: &'static [(&'static str, &'static str)],
    /// Makes it, until the field's end.
    pub(super) make: fn(&Field) -> io::Result<Got>,
}

impl fmt::Debug for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All of them, in the order of the table.
pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "slow-registration",
        what: "5,000 sockets say NICK and no more",
        limits: &[("connections", "6000"), ("registration_s", "1")],
        make: arrivals::slow_registration,
    },
    Attack {
        name: "accept-storm",
        what: "connects and drops, as fast as it can",
        limits: &[],
        make: arrivals::storm,
    },
    Attack {
        name: "descriptors",
        what: "takes all of the server's 256 descriptors",
        limits: &[],
        make: arrivals::descriptors,
    },
];
