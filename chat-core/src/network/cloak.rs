//! Cloaks: the host that others see in place of an address.
//!
//! A cloak has three parts, keyed hashes of the address and of the two networks that it is in, the
//! smallest first: `*.<second>.<third>.ip` bans all of a /24 (IPv4) or a /64 (IPv6), and
//! `*.<third>.ip` all of a /16 or a /48. Nobody without the key can tell an address from its cloak.

use alloc::vec::Vec;
use core::{hash::Hasher, net::IpAddr, str::FromStr};

use super::{Network, User};
use crate::keyed::{HashKey, base32};

/// Bits of an address that each part of a cloak is made of.
const V4_PARTS: [u8; 3] = [32, 24, 16];
const V6_PARTS: [u8; 3] = [128, 64, 48];

/// Letters of a part: 40 bits.
const PART_LEN: usize = 8;

/// The cloak of a host, if it is an address.
fn cloak(key: HashKey, host: &[u8], suffix: &[u8]) -> Option<Vec<u8>> {
    let address = IpAddr::from_str(core::str::from_utf8(host).ok()?).ok()?;
    let mut cloak = Vec::with_capacity(3 * (PART_LEN + 1) + suffix.len());
    match address.to_canonical() {
        IpAddr::V4(address) => push_parts(key, &address.octets(), V4_PARTS, &mut cloak),
        IpAddr::V6(address) => push_parts(key, &address.octets(), V6_PARTS, &mut cloak),
    }
    cloak.extend_from_slice(suffix);
    Some(cloak)
}

fn push_parts(key: HashKey, octets: &[u8], parts: [u8; 3], cloak: &mut Vec<u8>) {
    for bits in parts {
        let mut hasher = key.hasher();
        hasher.write(b"cloak");
        hasher.write_u8(bits);
        hasher.write(&octets[..usize::from(bits / 8)]);
        let letters = base32(hasher.finish());
        cloak.extend_from_slice(&letters[letters.len() - PART_LEN..]);
        cloak.push(b'.');
    }
}

impl Network {
    /// What others see in place of a host; `None`: the host itself.
    pub(super) fn cloak_of(&self, host: &[u8]) -> Option<Vec<u8>> {
        cloak(self.state.key, host, self.state.config.cloak.as_deref()?)
    }

    /// All that a ban on a user may name: the source that others see, and those with the address
    /// and with its cloak.
    pub(super) fn sources(&self, user: &User) -> Vec<Vec<u8>> {
        let with = |host: &[u8]| [&user.nick, &b"!"[..], &user.user, b"@", host].concat();
        let mut sources = alloc::vec![user.source()];
        if user.host != user.address {
            sources.push(with(&user.address));
        }
        if !user.modes.cloaked
            && let Some(cloak) = self.cloak_of(&user.address)
        {
            sources.push(with(&cloak));
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn parts(host: &str) -> Vec<String> {
        let cloak = cloak(HashKey(1, 2), host.as_bytes(), b"ip").unwrap_or_default();
        String::from_utf8_lossy(&cloak).split('.').map(Into::into).collect()
    }

    fn common(a: &str, b: &str) -> usize {
        parts(a).iter().rev().zip(parts(b).iter().rev()).take_while(|(a, b)| a == b).count() - 1
    }

    #[test]
    fn neighbours_share_the_parts_of_their_networks() {
        assert_eq!(parts("192.0.2.1").len(), 4);
        assert_eq!(common("192.0.2.1", "192.0.2.1"), 3);
        assert_eq!(common("192.0.2.1", "192.0.2.2"), 2);
        assert_eq!(common("192.0.2.1", "192.0.3.1"), 1);
        assert_eq!(common("192.0.2.1", "192.1.2.1"), 0);
        assert_eq!(common("2001:db8::1", "2001:db8::2"), 2);
        assert_eq!(common("2001:db8::1", "2001:db8:0:1::1"), 1);
        assert_eq!(common("2001:db8::1", "2001:db8:1::1"), 0);
    }

    #[test]
    fn an_address_has_one_cloak_however_it_is_written() {
        assert_eq!(parts("0::1"), parts("::1"));
        assert_eq!(parts("::ffff:192.0.2.1"), parts("192.0.2.1"));
    }

    #[test]
    fn what_is_no_address_has_no_cloak() {
        assert_eq!(cloak(HashKey(1, 2), b"localhost", b"ip"), None);
    }

    #[test]
    fn another_key_gives_another_cloak() {
        let with = |key| cloak(key, b"192.0.2.1", b"ip");
        assert_ne!(with(HashKey(1, 2)), with(HashKey(1, 3)));
    }
}
