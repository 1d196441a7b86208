//! All connections: where events and replies become lines in outboxes.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::net::IpAddr;

use super::{
    bans::{banned_text, why_banned},
    batch::Batch,
    link::{Link, State, Step},
    metadata::{self, Sync},
    outbox::{Encoded, Outboxes, Pushed},
    outputs::Outputs,
    query::Read,
    render,
    replay::Replay,
    timers::Timers,
    watches::Watches,
};
use crate::{
    Config, Limits, Metrics, Now, Output, Report, UnixMillis,
    arena::Arena,
    caps::Caps,
    io::ConnId,
    keyed::HashKey,
    network::{
        Audience, BanChange, BanTarget, ChannelId, Delivery, Event, Metadata, Network, Origin,
        Query, Session, Sink, UserId,
    },
    wire::{
        Encoder, Numeric, Standard,
        numeric::{ERR_NICKNAMEINUSE, ERR_YOUREBANNEDCREEP, RPL_KEYNOTSET},
    },
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
    routes: Vec<Option<ConnId>>,
    /// Which users have been told of the event at hand, by index: those with the current mark.
    marks: Vec<u32>,
    mark: u32,
    /// The encodings of the event at hand.
    lines: Vec<Encoded>,
    /// Which of them was given last.
    line: usize,
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
            marks: Vec::new(),
            mark: 0,
            lines: Vec::new(),
            line: 0,
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

    /// Gives the event at hand to one user.
    pub(super) fn give(
        &mut self,
        network: &Network,
        user: UserId,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        self.give_all(network, core::iter::once(user), delivery, plan);
    }

    /// Gives the event at hand to users. For nearly all of them its line goes on where their last
    /// one ended: what these need is looked up once for a stretch of them.
    #[inline(always)]
    fn give_all(
        &mut self,
        network: &Network,
        mut users: impl Iterator<Item = UserId>,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        loop {
            let line = self.lines.get(self.line).filter(|_| plan.labeled.is_none()).copied();
            let (routes, outboxes) = (&self.routes[..], &mut self.outboxes);
            let most = self.limits.sendq_hard;
            let mut given = 0;
            let other = users.find_map(|user| {
                let conn = (*routes.get(user.index as usize)?)?;
                let goes_on = line.is_some_and(|line| {
                    let takes = |caps| plan.line_for(caps) == Some(line.caps);
                    outboxes.go_on(conn.index(), takes, &line, most)
                });
                given += usize::from(goes_on);
                (!goes_on).then_some(conn)
            });
            self.deliveries += given;
            self.metrics.lines_out += given as u64;
            let Some(conn) = other else { return };
            self.give_anew(network, conn, delivery, plan);
        }
    }

    /// Gives the event at hand to one connection, whatever waits for it already.
    #[inline(never)]
    fn give_anew(&mut self, network: &Network, conn: ConnId, delivery: &Delivery<'_>, plan: Plan) {
        let Some(caps) = plan.line_for(self.outboxes.caps(conn.index())) else { return };
        self.deliveries += 1;
        if plan.labeled == Some(conn) {
            return self.give_labeled(network, conn, delivery, caps);
        }
        if self.lines.get(self.line).is_none_or(|line| line.caps != caps) {
            self.line = self.find_line(network, delivery, caps);
        }
        let line = &mut self.lines[self.line];
        let pushed = self.outboxes.push(conn.index(), line, self.now.mono);
        self.pushed(conn, pushed);
    }

    #[cold]
    fn give_labeled(
        &mut self,
        network: &Network,
        conn: ConnId,
        delivery: &Delivery<'_>,
        caps: Caps,
    ) {
        let mut line = Vec::new();
        render::event(network, &self.name, delivery, caps, &mut line);
        self.respond(conn, line);
    }

    /// Which of the lines is the event at hand for these capabilities; it is encoded if none is.
    #[inline(never)]
    fn find_line(&mut self, network: &Network, delivery: &Delivery<'_>, caps: Caps) -> usize {
        self.lines.iter().position(|line| line.caps == caps).unwrap_or_else(|| {
            let name = &self.name;
            let write = |out: &mut Vec<u8>| render::event(network, name, delivery, caps, out);
            self.lines.push(self.outboxes.encode(caps, write));
            self.lines.len() - 1
        })
    }

    /// A mark that no user has yet.
    pub(super) fn new_mark(&mut self) {
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.marks.fill(0);
            self.mark = 1;
        }
    }

    /// Marks a user; whether this was the first time for the event at hand.
    pub(super) fn mark(&mut self, user: UserId) -> bool {
        let index = user.index as usize;
        if self.marks.len() <= index {
            self.marks.resize(index + 1, 0);
        }
        core::mem::replace(&mut self.marks[index], self.mark) != self.mark
    }

    fn give_to_peers(
        &mut self,
        network: &Network,
        of: UserId,
        with_self: bool,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        self.new_mark();
        self.mark(of);
        if with_self {
            self.give(network, of, delivery, plan);
        }
        let channels = network.user(of).map_or(&[][..], |user| &user.channels);
        for id in channels.iter().skip(mutant!(FirstChannelMissed => 1, else 0)) {
            for member in network.channel(*id).map_or(&[][..], |channel| &channel.members) {
                if self.mark(member.user) || mutant!(PeersToldTwice) && member.user != of {
                    self.give(network, member.user, delivery, plan);
                }
            }
        }
    }
}

/// Watching nicks.
impl Links {
    /// Takes a nick into the list of those that a connection watches; whether it was not there.
    pub(crate) fn watch(&mut self, conn: ConnId, nick: &[u8]) -> bool {
        let new = self.watches.insert(nick, conn);
        if let (true, Some(link)) = (new, self.arena.get_mut(conn)) {
            link.interests_mut().watching.push(nick.into());
        }
        new
    }

    pub(crate) fn is_watching(&self, conn: ConnId, nick: &[u8]) -> bool {
        self.watches.has(nick, conn)
    }

    pub(crate) fn unwatch(&mut self, conn: ConnId, nick: &[u8]) {
        if !self.watches.remove(nick, conn) {
            return;
        }
        let casemapping = self.watches.casemapping();
        if let Some(interests) = self.arena.get_mut(conn).and_then(|link| link.interests.as_mut()) {
            interests.watching.retain(|other| !casemapping.eq(other, nick));
        }
    }

    pub(crate) fn unwatch_all(&mut self, conn: ConnId) {
        let Some(link) = self.arena.get_mut(conn) else { return };
        let Some(interests) = &mut link.interests else { return };
        for nick in core::mem::take(&mut interests.watching) {
            self.watches.remove(&nick, conn);
        }
    }

    /// Gives the event at hand to those who watch its nick and have no mark yet.
    fn give_to_watchers(&mut self, network: &Network, delivery: &Delivery<'_>, plan: Plan) {
        let nick = match delivery.event {
            Event::Offline { nick } => nick,
            event => {
                let user = render::source(&event).and_then(|id| network.user(id));
                user.map_or(&b""[..], |user| &user.nick)
            }
        };
        let conns: Vec<ConnId> = self.watches.of(nick).collect();
        for conn in conns {
            if let Some(user) = self.arena.get(conn).and_then(Link::user)
                && self.mark(user)
            {
                self.give(network, user, delivery, plan);
            }
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

/// What is the same for all recipients of an event.
#[derive(Copy, Clone)]
pub(super) struct Plan {
    relevant: Caps,
    /// What a recipient has, of all that is asked for.
    required: Caps,
    asked: Caps,
    /// The one to whom it is part of a labeled answer.
    labeled: Option<ConnId>,
}

impl Plan {
    /// Which encoding one with these capabilities is sent; `None`: it is sent nothing.
    #[inline(always)]
    fn line_for(self, caps: Caps) -> Option<Caps> {
        (caps & self.asked == self.required).then_some(caps & self.relevant)
    }

    /// For those alone who have these too.
    fn with(self, more: Caps) -> Self {
        Self { required: self.required | more, asked: self.asked | more, ..self }
    }
}

impl Sink for Links {
    fn deliver(&mut self, network: &Network, delivery: &Delivery<'_>) {
        let labeled = self
            .active
            .filter(|conn| self.arena.get(*conn).is_some_and(|link| link.response.is_some()));
        let required = render::required(&delivery.event);
        let plan = Plan {
            relevant: render::relevant_here(network, &delivery.event),
            required,
            asked: required | render::excluded(&delivery.event),
            labeled,
        };
        let echo = mutant!(EchoUnasked => plan, else plan.with(Caps::ECHO_MESSAGE));
        match delivery.audience {
            Audience::Channel(id) => {
                let members = network.channel(id).map_or(&[][..], |channel| &channel.members);
                let members = members.iter().skip(mutant!(FirstMemberMissed => 1, else 0));
                self.give_all(network, members.map(|member| member.user), delivery, plan);
            }
            Audience::Message { channel, least, from } => {
                let members = network.channel(channel).map_or(&[][..], |channel| &channel.members);
                let others = members.iter().filter(|member| member.user != from);
                let told = others.filter(|member| member.rank.at_least(least));
                self.give_all(network, told.map(|member| member.user), delivery, plan);
                if matches!(delivery.event, Event::Message { .. }) {
                    self.give(network, from, delivery, echo);
                }
            }
            Audience::Peers { of, with_self } => {
                self.give_to_peers(network, of, with_self, delivery, plan);
                let watched = matches!(
                    delivery.event,
                    Event::Away { .. } | Event::SetName { .. } | Event::Host { .. }
                );
                if watched {
                    self.give_to_watchers(network, delivery, plan.with(Caps::EXTENDED_MONITOR));
                }
            }
            Audience::Watchers => {
                self.new_mark();
                self.give_to_watchers(network, delivery, plan);
                if let Event::Online { user } = delivery.event {
                    self.introduce_to_watchers(network, user);
                }
            }
            Audience::Subscribers { of, key, but } => {
                self.give_to_subscribers(network, (of, key, but), delivery, plan);
            }
            Audience::User(user) => {
                // A message to oneself is labeled as the echo alone.
                let message = matches!(delivery.event, Event::Message { .. });
                let labeled = if message { None } else { plan.labeled };
                self.give(network, user, delivery, Plan { labeled, ..plan });
            }
            Audience::Wallops => {
                for (id, _) in network.users_from(0).filter(|(_, user)| user.modes.wallops) {
                    self.give(network, id, delivery, plan);
                }
            }
            Audience::Echo(user) => self.give(network, user, delivery, echo),
        }
        self.outboxes.done(&self.lines);
        self.lines.clear();
        if let Event::Rename { channel, old, reason, .. } = delivery.event {
            self.channel_renamed(network, delivery, channel, old, reason);
        }
    }

    fn reply(&mut self, network: &Network, origin: &Origin, numeric: Numeric, params: &[&[u8]]) {
        let conn = conn_of(origin.session);
        let user = self.get(conn).and_then(Link::user).and_then(|id| network.user(id));
        let nick = user.map_or(&b"*"[..], |user| &user.nick);
        if numeric.text().is_empty() {
            // The last parameter is the text.
            let (last, params) = match params.split_last() {
                Some((last, params)) => (*last, params),
                None => (&b""[..], params),
            };
            self.server_line(conn, |line| {
                line.numeric(numeric.code()).param(nick);
                for param in params {
                    line.param(param);
                }
                line.last(last);
            });
            return;
        }
        self.numeric(conn, nick, numeric, params, Some(numeric.text().as_bytes()));
    }

    fn standard(&mut self, origin: &Origin, reply: &Standard<'_>) {
        Links::standard(self, conn_of(origin.session), reply);
    }

    fn registered(&mut self, network: &Network, origin: &Origin, user: UserId) {
        let conn = conn_of(origin.session);
        let (Some(link), Some(new)) = (self.arena.get_mut(conn), network.user(user)) else {
            return;
        };
        link.state = State::Registered(user);
        link.metadata = Metadata::default();
        let index = user.index as usize;
        if self.routes.len() <= index {
            self.routes.resize(index + 1, None);
        }
        self.routes[index] = Some(conn);
        self.arrived.push(conn);
        self.outputs.push(Output::Report(Report::Registered {
            conn,
            nick: new.nick.to_vec(),
            user: new.user.to_vec(),
            host: new.address.to_vec(),
        }));
    }

    fn refused(&mut self, _: &Network, origin: &Origin, nick: &[u8]) {
        let conn = conn_of(origin.session);
        if let Some(State::Registering { form, .. }) =
            self.get_mut(conn).map(|link| &mut link.state)
        {
            form.nick = None;
        }
        let text = ERR_NICKNAMEINUSE.text().as_bytes();
        self.numeric(conn, b"*", ERR_NICKNAMEINUSE, &[nick], Some(text));
    }

    fn joined(&mut self, network: &Network, origin: &Origin, channel: ChannelId) {
        let most = self.limits.history_replay;
        let Some(link) = self.get_mut(conn_of(origin.session)) else { return };
        // Who can't ask for history is shown some, after all that tells of the channel as it is.
        if most > 0
            && !link.caps.has(Caps::CHATHISTORY)
            && let Some(found) = network.channel(channel)
            && let Some(ring) = found.history
            && let Some(rest) = network.history().select(ring, Query::Latest(None), most, false)
        {
            let replay = Replay::unasked(found.name.clone(), channel, rest);
            link.steps.push_front(Step::Read(Read::Replay(replay)));
        }
        if link.caps.has(metadata::CAPS) && !link.interests().subscriptions.is_empty() {
            link.steps.push_front(Step::Read(Read::MetadataSync(Sync::joined(channel))));
        }
        link.steps.push_front(Step::Read(Read::arrival(channel)));
    }

    fn opered(&mut self, network: &Network, origin: &Origin, name: &[u8]) {
        let user = self.get(conn_of(origin.session)).and_then(Link::user);
        let Some(user) = user.and_then(|id| network.user(id)) else { return };
        self.outputs.push(Output::Report(Report::Oper {
            nick: user.nick.to_vec(),
            name: alloc::string::String::from_utf8_lossy(name).into_owned(),
        }));
    }

    fn barred(&mut self, _: &Network, origin: &Origin, reason: &[u8]) {
        let conn = conn_of(origin.session);
        let nick = match self.get(conn).map(|link| &link.state) {
            Some(State::Registering { form, .. }) => form.nick.as_deref().map(Vec::from),
            _ => None,
        };
        let nick = nick.unwrap_or_else(|| b"*".to_vec());
        self.numeric(conn, &nick, ERR_YOUREBANNEDCREEP, &[], Some(&banned_text(reason)));
        self.expelled.push(Expelled { conn, nick, reason: why_banned(reason) });
    }

    fn banned(&mut self, _: &Network, origin: &Origin, target: &BanTarget, change: BanChange) {
        let conn = conn_of(origin.session);
        self.banned.push(Banned { conn, target: target.clone(), change });
    }

    fn expelled(&mut self, network: &Network, user: UserId, reason: &[u8]) {
        let (Some(conn), Some(user)) = (self.route(user), network.user(user)) else { return };
        let expelled = Expelled { conn, nick: user.nick.to_vec(), reason: reason.to_vec() };
        self.expelled.push(expelled);
    }

    fn metadata_cleared(
        &mut self,
        network: &Network,
        origin: &Origin,
        name: &[u8],
        metadata: &Metadata,
    ) {
        self.enter_batch(conn_of(origin.session), b"metadata", &[name]);
        for (key, _) in metadata.iter() {
            self.reply(network, origin, RPL_KEYNOTSET, &[name, key]);
        }
        self.leave_batch(conn_of(origin.session));
    }

    fn departing(&mut self, _: &Network, user: UserId) {
        self.unroute(user);
    }
}
