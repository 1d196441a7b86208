//! METADATA LIST, and what WHOIS tells of metadata.
//!
//! Specification: IRCv3 `metadata`.

use super::Look;
use crate::{
    caps::Caps,
    network::{MetadataOf, User},
    wire::numeric::{RPL_KEYVALUE, RPL_WHOISKEYVALUE},
};

/// Keys that WHOIS shows.
const WHOIS_KEYS: usize = 10;

/// A METADATA LIST on its way: from the `at`th key on.
pub(crate) struct MetadataList {
    of: MetadataOf,
    at: usize,
}

impl MetadataList {
    pub(crate) const fn new(of: MetadataOf) -> Self {
        Self { of, at: 0 }
    }

    pub(super) fn next(&mut self, look: &mut Look<'_>) -> bool {
        let found = look.network.metadata(self.of);
        let name = found.map_or(&b"*"[..], |found| found.0);
        if self.at == 0 {
            look.links.enter_batch(look.conn, b"metadata", &[name]);
        }
        let Some((key, value)) = found.and_then(|found| found.1.at(self.at)) else {
            look.links.leave_batch(look.conn);
            return true;
        };
        self.at += 1;
        look.send(RPL_KEYVALUE, &[name, key, b"*"], Some(value));
        false
    }
}

impl Look<'_> {
    /// The part of WHOIS that those see who know of metadata.
    pub(super) fn whois_metadata(&mut self, user: &User) {
        if self.caps().has(Caps::METADATA) {
            for (key, value) in user.metadata.iter().take(WHOIS_KEYS) {
                self.send(RPL_WHOISKEYVALUE, &[&user.nick, key, b"*"], Some(value));
            }
        }
    }
}
