//! Networks: the addresses that begin with the same bits.

use alloc::string::ToString;
use core::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// The addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`, or a lone address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadSubnet;

impl Subnet {
    /// One address alone.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, bits: number(address).1 }
    }

    /// How many bits its addresses have in common.
    #[must_use]
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// Whether it is one of IPv6 addresses.
    #[must_use]
    pub const fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether `address` is one of them. An IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, width) = number(self.address);
        let (theirs, other) = number(address.to_canonical());
        let rest = u32::from(width - self.bits);
        width == other && ours.checked_shr(rest) == theirs.checked_shr(rest)
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;

    /// Bits of the address behind those that count are cleared, so that equal networks are equal.
    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| BadSubnet)?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| BadSubnet)?.to_canonical();
        let (number, width) = number(address);
        let bits = bits.unwrap_or(width);
        let rest = u32::from(width.checked_sub(bits).ok_or(BadSubnet)?);
        let kept = number.checked_shr(rest).and_then(|kept| kept.checked_shl(rest)).unwrap_or(0);
        let address = match address {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(kept).unwrap_or(0).into()),
            IpAddr::V6(_) => IpAddr::V6(kept.into()),
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.address.to_string();
        // No parameter may begin with a colon.
        f.write_str(if text.starts_with(':') { "0" } else { "" })?;
        f.write_str(&text)?;
        if self.bits == number(self.address).1 { Ok(()) } else { write!(f, "/{}", self.bits) }
    }
}

/// An address as a number, and how many bits it has.
fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (address.into(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_shares_its_bits() {
        for (network, address, inside) in [
            ("127.0.0.0/8", "127.1.2.3", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fd00::1", true),
            ("::/0", "192.0.2.7", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
        ] {
            let network: Subnet = network.parse().expect("it is one");
            let address = address.parse().expect("it is one");
            assert_eq!(network.contains(address), inside, "{network} {address}");
        }
        for text in ["", "lan", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<Subnet>(), Err(BadSubnet), "{text}");
        }
    }

    #[test]
    fn it_is_written_in_one_form_that_can_be_read() {
        for (text, form) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1", "0::1"),
            ("::/0", "0::/0"),
            ("2001:DB8:1:2::9/64", "2001:db8:1:2::/64"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let network: Subnet = text.parse().expect("it is one");
            assert_eq!(network.to_string(), form);
            assert_eq!(form.parse(), Ok(network));
        }
    }
}
