//! Who may connect: how many in all, how many and how often from one place, and who is banned.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use hashbrown::HashMap;

use super::{
    Server,
    bans::why_banned,
    command::seconds,
    error_line, host_text,
    link::Link,
    links::session,
    rate::{Buckets, Rate},
};
use crate::{ConnId, Instant, Limits, Now, Output, PeerInfo, Refused, Report, keyed::HashKey};

/// What connections are counted by: an IPv4 address, or an IPv6 /64.
#[derive(Copy, Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Place([u8; 9]);

impl Place {
    pub(crate) fn of(address: IpAddr) -> Self {
        let mut place = [0; 9];
        match address.to_canonical() {
            IpAddr::V4(address) => {
                place[0] = 4;
                place[1..5].copy_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                place[0] = 6;
                place[1..].copy_from_slice(&address.octets()[..8]);
            }
        }
        Self(place)
    }
}

/// The places that are connected, or were of late.
pub(crate) struct Places {
    open: HashMap<Place, usize, HashKey>,
    connects: Buckets<Place>,
}

impl Places {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self {
            open: HashMap::with_hasher(HashKey::derive(seed, b"addresses")),
            connects: Buckets::new(HashKey::derive(seed, b"connects")),
        }
    }

    /// Counts a connection.
    ///
    /// # Errors
    /// Why it is one too many.
    fn enter(&mut self, place: Place, limits: &Limits, now: Instant) -> Result<(), String> {
        let open = self.open.get(&place).copied().unwrap_or(0);
        if limits.connections_per_address.is_some_and(|most| open >= most) {
            return Err("Too many connections from your address".into());
        }
        let rate = Rate::per_minute(limits.connects_per_minute, limits.connects_burst);
        if let Err(wait) = self.connects.take(place, rate, now) {
            return Err(format!("You connect too often: wait {}", seconds(wait)));
        }
        *self.open.entry(place).or_insert(0) += 1;
        Ok(())
    }

    /// A connection that was counted is gone.
    pub(crate) fn leave(&mut self, place: Place) {
        if let Some(count) = self.open.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&place);
            }
        }
    }
}

impl Server {
    /// Takes a new connection.
    ///
    /// # Errors
    /// It is one too many, it comes too soon, its address is banned, or the server is stopping: the
    /// line to send before closing it.
    #[allow(clippy::needless_pass_by_value, reason = "the same shape as handle, for recordings")]
    pub fn open(&mut self, now: Now, peer: PeerInfo) -> Result<ConnId, Refused> {
        self.set_now(now);
        let now = self.links.now;
        let place = if peer.exempt { None } else { peer.address.map(Place::of) };
        let host = host_text(peer.address);
        if let Err(why) = self.admit(peer.address, place, now) {
            self.links.metrics.refused += 1;
            let line = error_line(&host, why.as_bytes());
            let report = Report::Refused { address: peer.address, why };
            self.links.outputs.push(Output::Report(report));
            return Err(Refused { line });
        }
        let conn = self.links.arena.next_key();
        let link = Link::new(session(conn, self.epoch), peer.address, place, now.mono);
        let conn = self.links.arena.insert(link);
        self.links.outboxes.open(conn.index());
        self.rearm(conn);
        Ok(conn)
    }

    /// Counts a newcomer, or says why it may not come.
    fn admit(
        &mut self,
        address: Option<IpAddr>,
        place: Option<Place>,
        now: Now,
    ) -> Result<(), String> {
        let limits = &self.config.limits;
        if self.stopping {
            return Err("The server is shutting down".into());
        }
        if limits.connections.is_some_and(|most| self.links.arena.len() >= most) {
            return Err("The server is full".into());
        }
        let ban = address.and_then(|address| self.network.ban_of_address(address, now.wall));
        if let Some(ban) = ban {
            let why: Vec<u8> = why_banned(&ban.reason);
            return Err(String::from_utf8_lossy(&why).into_owned());
        }
        place.map_or(Ok(()), |place| self.places.enter(place, limits, now.mono))
    }
}
