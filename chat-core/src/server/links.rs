//! All connections, and the way of a line to one of them.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::net::IpAddr;

use super::{
    batch::Batch,
    fan_out::AtHand,
    link::Link,
    outbox::{Outboxes, Pushed},
    outputs::Outputs,
    render,
    timers::Timers,
    watches::Watches,
};
use crate::{
    Config, Limits, Metrics, Now, Output, UnixMillis,
    arena::Arena,
    caps::Caps,
    io::ConnId,
    keyed::HashKey,
    network::{BanChange, BanTarget, Session, UserId},
    wire::{Encoder, Numeric, Standard},
};

/// All connections and what is on its way to them.
pub(crate) struct Links {
    pub(crate) arena: Arena<ConnId, Link>,
    pub(crate) outboxes: Outboxes,
    pub(crate) outputs: Outputs,
    pub(crate) timers: Timers,
    pub(crate) limits: Limits,
    pub(crate) now: Now,
    pub(crate) metrics: Metrics,
    /// The server's name, the source of replies.
    pub(crate) name: Arc<[u8]>,
    /// What the server is, for WHOIS.
    pub(crate) description: Box<[u8]>,
    /// Whose command is being carried out: its answers may be labeled.
    pub(crate) active: Option<ConnId>,
    /// Those whose queue has passed its limit, to be ended when the entry is applied.
    pub(crate) overflowed: Vec<ConnId>,
    /// Those whom the network has put out, to be told why and ended.
    pub(crate) expelled: Vec<Expelled>,
    /// Changes of bans, to be followed up.
    pub(crate) banned: Vec<Banned>,
    /// Those who have just registered and are to be welcomed.
    pub(crate) arrived: Vec<ConnId>,
    /// Those who were given something to go on with by somebody else's command.
    pub(crate) woken: Vec<ConnId>,
    /// What unread bytes of all connections take.
    pub(crate) unread: usize,
    /// Deliveries since the budget was last set.
    pub(crate) deliveries: usize,
    /// The connection of each user, by the user's index.
    pub(super) routes: Vec<Option<ConnId>>,
    pub(super) at_hand: AtHand,
    /// Batches begun so far.
    pub(super) batches: u64,
    /// Who watches which nick.
    pub(super) watches: Watches,
}

/// A connection whose user is gone already.
pub(crate) struct Expelled {
    pub(crate) conn: ConnId,
    pub(crate) nick: Vec<u8>,
    pub(crate) reason: Vec<u8>,
}

/// What became of a connection's change of a ban.
pub(crate) struct Banned {
    pub(crate) conn: ConnId,
    pub(crate) target: BanTarget,
    pub(crate) change: BanChange,
}

/// The session of a connection: its id is its number.
pub(crate) fn session(conn: ConnId, epoch: u32) -> Session {
    let number = u64::from(conn.index) << 32 | u64::from(conn.generation);
    Session { node: 0, epoch, number }
}

pub(super) fn conn_of(session: Session) -> ConnId {
    ConnId { index: (session.number >> 32) as u32, generation: session.number as u32 }
}

impl Links {
    pub(crate) fn new(config: &Config, seed: &[u8; 32], now: Now) -> Self {
        Self {
            arena: Arena::new(),
            outboxes: Outboxes::new(),
            outputs: Outputs::default(),
            timers: Timers::default(),
            limits: config.limits.clone(),
            now,
            metrics: Metrics { started: now.wall, ..Metrics::default() },
            name: config.name.as_bytes().into(),
            description: config.description.as_bytes().into(),
            active: None,
            overflowed: Vec::new(),
            expelled: Vec::new(),
            banned: Vec::new(),
            arrived: Vec::new(),
            woken: Vec::new(),
            unread: 0,
            deliveries: 0,
            routes: Vec::new(),
            at_hand: AtHand::default(),
            batches: 0,
            watches: Watches::new(HashKey::derive(seed, b"watches"), config.casemapping),
        }
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Link> {
        self.arena.get(conn)
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Link> {
        self.arena.get_mut(conn)
    }

    /// The bytes of a connection that could not be carried out yet.
    pub(crate) fn take_unread(&mut self, conn: ConnId) -> Vec<u8> {
        let Some(link) = self.arena.get_mut(conn) else { return Vec::new() };
        let unread = core::mem::take(&mut link.unread);
        self.unread -= unread.capacity();
        unread
    }

    /// Keeps them for later. Who has none keeps no room for any.
    pub(crate) fn keep_unread(&mut self, conn: ConnId, unread: Vec<u8>) {
        if let Some(link) = self.arena.get_mut(conn).filter(|_| !unread.is_empty()) {
            self.unread += unread.capacity();
            link.unread = unread;
        }
    }

    /// The address that a user connects from.
    pub(crate) fn address_of(&self, user: UserId) -> Option<IpAddr> {
        let conn = self.route(user)?;
        self.get(conn)?.address
    }

    /// The connection of a user, if it has one.
    #[inline(always)]
    pub(super) fn route(&self, user: UserId) -> Option<ConnId> {
        *self.routes.get(user.index as usize)?
    }

    /// Takes a user off its connection.
    pub(crate) fn unroute(&mut self, user: UserId) {
        if let Some(route) = self.routes.get_mut(user.index as usize) {
            *route = None;
        }
    }

    /// Sends one line to one connection: as part of the labeled answer, if it is one.
    pub(crate) fn line(&mut self, conn: ConnId, write: impl FnOnce(&mut Encoder<'_>)) {
        self.sourced(conn, false, write);
    }

    /// Sends one line whose source is the server: as part of the labeled answer, if it is one.
    pub(crate) fn server_line(&mut self, conn: ConnId, write: impl FnOnce(&mut Encoder<'_>)) {
        self.sourced(conn, true, write);
    }

    fn sourced(&mut self, conn: ConnId, server: bool, write: impl FnOnce(&mut Encoder<'_>)) {
        let Some(link) = self.arena.get(conn) else { return };
        let (caps, time) = (link.caps, self.now.wall);
        let source: &[u8] = if server { &self.name } else { b"" };
        if self.active == Some(conn) && (link.response.is_some() || link.inside.is_some()) {
            let batch = link.inside.unwrap_or(Batch::None);
            let mut bytes = Vec::new();
            encode_line(&mut bytes, caps, time, source, write);
            return self.send_in_batch(conn, batch, bytes);
        }
        let encode = |out: &mut Vec<u8>| encode_line(out, caps, time, source, write);
        let pushed = self.outboxes.write(conn.index(), self.now.mono, encode);
        self.pushed(conn, pushed);
    }

    /// Sends a reply from the server: `nick` is how the connection is addressed.
    pub(crate) fn numeric(
        &mut self,
        conn: ConnId,
        nick: &[u8],
        numeric: Numeric,
        params: &[&[u8]],
        text: Option<&[u8]>,
    ) {
        self.server_line(conn, |line| {
            line.numeric(numeric.code()).param(nick);
            for param in params {
                line.param(param);
            }
            if let Some(text) = text {
                line.trailing(text);
            }
        });
    }

    /// Sends FAIL, WARN or NOTE.
    pub(crate) fn standard(&mut self, conn: ConnId, reply: &Standard<'_>) {
        self.server_line(conn, |line| reply.write(line));
    }

    /// Writes lines for one connection alone, outside any labeled answer.
    pub(crate) fn write(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let pushed = self.outboxes.write(conn.index(), self.now.mono, write);
        self.pushed(conn, pushed);
    }

    /// What follows from a line's being put into an outbox.
    #[inline]
    pub(crate) fn pushed(&mut self, conn: ConnId, pushed: Pushed) {
        self.metrics.lines_out += u64::from(pushed != Pushed::Dropped);
        match pushed {
            Pushed::First => self.outputs.push(Output::Flush(conn)),
            Pushed::Waits
                if self.outboxes.cost(conn.index()) > self.limits.sendq_hard
                    && !mutant!(SendqHardIgnored) =>
            {
                self.overflowed.push(conn);
            }
            Pushed::Waits | Pushed::Dropped => {}
        }
    }
}

fn encode_line(
    out: &mut Vec<u8>,
    caps: Caps,
    time: UnixMillis,
    source: &[u8],
    write: impl FnOnce(&mut Encoder<'_>),
) {
    let line = &mut Encoder::new(out);
    render::time_tag(line, caps, time);
    write(line.source(source));
    line.finish();
}
