//! The attacks, and the table of them.

mod arrivals;
mod bytes;
mod flood;
mod silence;

use std::{fmt, io};

use super::trial::{Field, Got};

pub(super) use bytes::acting;

/// One attack.
pub(super) struct Attack {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// What the attackers do.
    pub(super) what: &'static str,
    /// `[limits]` of the server's configuration that differ from those of other attacks.
    pub(super) limits: &'static [(&'static str, &'static str)],
    /// Makes it, until the field's end.
    pub(super) make: fn(&Field) -> io::Result<Got>,
}

impl fmt::Debug for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An attack under the limits that all have.
const fn attack(
    name: &'static str,
    what: &'static str,
    make: fn(&Field) -> io::Result<Got>,
) -> Attack {
    Attack { name, what, limits: &[], make }
}

/// All of them, in the order of the table.
pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        limits: &[("connections", "6000"), ("registration_s", "1")],
        ..attack(
            "slow-registration",
            "5,000 sockets say NICK and no more",
            arrivals::slow_registration,
        )
    },
    Attack {
        limits: &[("registration_s", "1")],
        ..attack("cap-never-ended", "500 sockets never say CAP END", arrivals::cap_never_ended)
    },
    attack("accept-storm", "connects and drops, as fast as it can", arrivals::storm),
    attack("descriptors", "takes all of the server's 256 descriptors", arrivals::descriptors),
    Attack {
        // Hundreds of times what one may say: four writers stand for thousands.
        limits: &[("lines_per_second", "4000"), ("lines_burst", "8000")],
        ..attack("unread", "50 members of a busy channel do not read", silence::unread)
    },
    Attack {
        // The usual times are minutes.
        limits: &[("ping_interval_s", "1"), ("ping_timeout_s", "1"), ("drain_s", "1")],
        ..attack("half-open", "50 users whose link is cut", silence::half_open)
    },
    Attack {
        limits: &[("connections", "3000")],
        ..attack("quits", "2,000 members of a channel leave at once", silence::quits)
    },
    attack("endless-line", "lines without an end", bytes::endless_line),
    attack("trickle", "lines a byte at a time", bytes::trickle),
    attack("tags", "8 KiB of tags on each message", bytes::tags),
    attack("injection", "what acts on terminals, in all names and texts", bytes::injection),
    attack("http-post", "a browser posts IRC commands", bytes::http_post),
    attack("tls-hello", "TLS to the port that speaks none", bytes::tls_hello),
    attack("queries", "WHO, LIST, NAMES, WHOIS in a loop", flood::queries),
    attack("nicks", "a new nick in a loop", flood::nicks),
    attack("joins", "JOIN and PART in a loop", flood::joins),
    attack("modes", "MODE in a loop", flood::modes),
    attack("masks", "bans made to be slow, and messages", flood::masks),
];
