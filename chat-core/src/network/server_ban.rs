//! Bans from the server: whom, by whom, until when, why.

use alloc::{string::ToString, vec::Vec};

use serde::{Deserialize, Serialize};

use super::state::Text;
use crate::{
    UnixMillis,
    wire::{CaseMapping, Subnet, is_mask, matches},
};

/// The two kinds of bans.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum BanKind {
    /// Of users, by `user@host`: they can't register.
    Kline,
    /// Of addresses: they can't connect.
    Dline,
}

/// One ban.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerBan {
    pub(crate) target: BanTarget,
    /// The nick of who set it.
    pub(crate) by: Text,
    pub(crate) at: UnixMillis,
    /// `None`: until it is taken away.
    pub(crate) until: Option<UnixMillis>,
    pub(crate) reason: Text,
}

/// Whom a ban is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum BanTarget {
    /// A mask of `user@host`, in small letters.
    Mask(Text),
    Addresses(Subnet),
}

/// Why a text is no target for a ban.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum BadTarget {
    /// It is no `user@host` or no network.
    Malformed,
    /// It would be of nearly everybody.
    TooWide,
}

/// Bytes of a mask.
const MASK_MAX: usize = 200;
/// Bytes of a mask that are no wildcards, at least.
const LETTERS: usize = 4;
/// Bits that all addresses of a banned network have in common, at least: IPv4, IPv6.
const BITS: (u8, u8) = (8, 16);

impl BanKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Kline => "KLINE",
            Self::Dline => "DLINE",
        }
    }

    /// What a target must have, so that it is not of nearly everybody.
    pub(crate) const fn least(self) -> &'static str {
        match self {
            Self::Kline => "must have four letters or digits beside wildcards",
            Self::Dline => "must have eight bits or more, of IPv6 16",
        }
    }
}

impl BanTarget {
    /// Reads a target, in its one form.
    pub(crate) fn parse(kind: BanKind, text: &[u8]) -> Result<Self, BadTarget> {
        match kind {
            BanKind::Kline => {
                let at = text.iter().position(|byte| *byte == b'@').ok_or(BadTarget::Malformed)?;
                let parts = [&text[..at], &text[at + 1..]];
                if parts.iter().any(|part| !is_mask(part, MASK_MAX) || part.contains(&b'!')) {
                    return Err(BadTarget::Malformed);
                }
                let telling = |byte: &&u8| !b"*?.@:".contains(byte);
                if text.iter().filter(telling).count() < LETTERS {
                    return Err(BadTarget::TooWide);
                }
                Ok(Self::Mask(text.to_ascii_lowercase().into()))
            }
            BanKind::Dline => {
                let text = core::str::from_utf8(text).map_err(|_| BadTarget::Malformed)?;
                let subnet: Subnet = text.parse().map_err(|_| BadTarget::Malformed)?;
                let least = if subnet.is_ipv6() { BITS.1 } else { BITS.0 };
                if subnet.bits() < least {
                    return Err(BadTarget::TooWide);
                }
                Ok(Self::Addresses(subnet))
            }
        }
    }

    pub(crate) const fn kind(&self) -> BanKind {
        match self {
            Self::Mask(_) => BanKind::Kline,
            Self::Addresses(_) => BanKind::Dline,
        }
    }

    /// The target as it is written.
    pub(crate) fn text(&self) -> Vec<u8> {
        match self {
            Self::Mask(mask) => mask.to_vec(),
            Self::Addresses(subnet) => subnet.to_string().into_bytes(),
        }
    }

    /// Whether it is of a user with one of these [names](names_of).
    pub(crate) fn is_of_user(&self, names: &[Vec<u8>]) -> bool {
        let Self::Mask(mask) = self else { return false };
        names.iter().any(|name| matches(mask, name, CaseMapping::Ascii))
    }

    /// Whether it is of this address.
    pub(crate) fn is_of_address(&self, address: core::net::IpAddr) -> bool {
        matches!(self, Self::Addresses(subnet) if subnet.contains(address))
    }
}

/// What masks of bans are compared with: a user at the host that others see, and at the address.
pub(crate) fn names_of(user: &[u8], host: &[u8], address: &[u8]) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> =
        [host, address].into_iter().map(|host| [user, b"@", host].concat()).collect();
    names.dedup();
    names
}

impl ServerBan {
    /// Whether it is in force.
    pub(crate) fn is_in_force(&self, now: UnixMillis) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_user_and_host_and_not_of_everybody() {
        for (text, expected) in [
            (&b"*@Bad.example"[..], Ok(&b"*@bad.example"[..])),
            (b"~joe@*", Ok(b"~joe@*")),
            (b"*@192.0.2.*", Ok(b"*@192.0.2.*")),
            (b"*@*", Err(BadTarget::TooWide)),
            (b"*?@*.de", Err(BadTarget::TooWide)),
            (b"bad.example", Err(BadTarget::Malformed)),
            (b"nick!user@host", Err(BadTarget::Malformed)),
            (b"@host", Err(BadTarget::Malformed)),
            (b"user@", Err(BadTarget::Malformed)),
        ] {
            let parsed = BanTarget::parse(BanKind::Kline, text).map(|target| target.text());
            assert_eq!(parsed, expected.map(Vec::from));
        }
    }

    #[test]
    fn a_network_has_some_bits_in_common() {
        let parse =
            |text: &[u8]| BanTarget::parse(BanKind::Dline, text).map(|target| target.text());
        assert_eq!(parse(b"10.1.2.3/8"), Ok(b"10.0.0.0/8".to_vec()));
        assert_eq!(parse(b"2001:db8::/32"), Ok(b"2001:db8::/32".to_vec()));
        assert_eq!(parse(b"10.0.0.0/7"), Err(BadTarget::TooWide));
        assert_eq!(parse(b"::/15"), Err(BadTarget::TooWide));
        assert_eq!(parse(b"example.org"), Err(BadTarget::Malformed));
    }
}
