//! Networks as people write them in the configuration.

use std::{net::IpAddr, str::FromStr};

use chat_core::wire::Subnet;
use serde::{Deserialize, Deserializer, de};

/// The addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`, or a lone address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Network(Subnet);

impl Network {
    /// Whether `address` is one of them. An IPv4 address written as IPv6 counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            |_| format!("{text:?} is no network: write 192.0.2.7, 10.0.0.0/8, ::1 or fd00::/8");
        text.parse().map(Self).map_err(wrong)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
