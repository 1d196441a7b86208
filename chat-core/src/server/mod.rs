//! The server: connections, shared state and their outputs, composed.

mod arrival;
mod ban_file;
mod bans;
mod batch;
mod command;
mod door;
mod effects;
mod fan_out;
mod guesses;
mod help;
mod isupport;
mod lifetime;
mod link;
mod links;
mod metadata;
mod multiline;
mod outbox;
mod outputs;
mod own_time;
mod pace;
mod query;
mod rate;
mod reference;
mod rename;
mod render;
mod replay;
mod run;
mod text;
mod timers;
mod watches;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    format,
    string::ToString,
    vec::Vec,
};
use core::{fmt, net::IpAddr};

pub use self::{
    ban_file::{BadBans, check_bans},
    reference::reference,
};
use self::{
    bans::Sweep,
    door::Places,
    guesses::Guesses,
    link::State,
    links::{Links, conn_of},
    own_time::OwnTime,
    rate::Buckets,
};
use crate::{
    Answer, Chunk, Config, ConfigError, ConnId, Input, Instant, Metrics, Now, Output, Pause,
    Report, Ticket,
    keyed::HashKey,
    network::{ChannelId, Entry, Log, MemLog, Network, NetworkConfig, Op, Origin},
    wire::{Encoder, Numeric},
};

/// Lines that one call carries out at the most; the rest waits for the next.
const BUDGET_LINES: usize = 256;
/// Deliveries after which a call carries out no further line or entry.
const BUDGET_DELIVERIES: usize = 20_000;
/// Lines of an [`Input::Timeout`]: it comes once a turn, with what was put off of all.
const TIMEOUT_LINES: usize = 5 * BUDGET_LINES;
/// Deliveries of an [`Input::Timeout`] for each connection, if that is more than another call's. A turn
/// that writes to everybody is long in any case; a write should be worth it.
const TIMEOUT_DELIVERIES_EACH: usize = 128;

/// This server's number among those of its network: it is alone.
const NODE: u32 = 0;

/// A chat server as a pure state machine.
///
/// A host tells it what happened ([`open`](Self::open), [`handle`](Self::handle)) and does what it
/// says ([`poll_output`](Self::poll_output), until there is nothing more). It holds no socket, no
/// clock, no thread and no randomness: the same calls give the same outputs, byte for byte.
///
/// No input makes it panic, and none makes it grow past the limits of its [`Config`].
pub struct Server {
    config: Config,
    network: Network,
    log: MemLog,
    /// How often this server has started with this state.
    epoch: u32,
    links: Links,
    time: OwnTime,
    /// Who waits for the answer to which question.
    asked: BTreeMap<Ticket, ConnId>,
    /// Answers that came while entries waited: what follows from them comes after those.
    answers: VecDeque<(Ticket, Answer)>,
    next_ticket: u64,
    /// Connections whose lines wait for budget alone.
    run_queue: VecDeque<ConnId>,
    places: Places,
    guesses: Guesses,
    /// Those who joined each channel of late.
    joins: Buckets<ChannelId>,
    /// Lines that this call may still carry out.
    lines_left: usize,
    /// Deliveries after which it carries out no more.
    most_deliveries: usize,
    /// The question for the bans that the host has kept.
    bans_asked: Option<(Ticket, Option<ConnId>)>,
    /// A look at connections for those that are banned.
    sweep: Option<Sweep>,
    /// How often each command was used, by its place in the table.
    used: [u64; command::COMMANDS.len()],
    stopping: bool,
    stopped: bool,
}

/// Why a server could not be restored.
#[derive(Clone, Debug, PartialEq)]
pub enum RestoreError {
    /// The configuration is out of bounds.
    Config(ConfigError),
    /// The bytes are no snapshot of this version.
    Snapshot,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Snapshot => f.write_str("this is no snapshot that this version can read"),
        }
    }
}

impl core::error::Error for RestoreError {}

impl Server {
    /// A server without connections. All that it draws at random comes from `seed`, which must be
    /// secret and new for each server.
    ///
    /// # Errors
    /// The first value of the configuration that is out of bounds.
    pub fn new(config: Config, seed: [u8; 32], now: Now) -> Result<Self, ConfigError> {
        let mut server = Self::with_network(config, seed, now, Network::new())?;
        let key = HashKey::derive(&seed, b"network");
        let found = Op::Found { key, config: server.network_config() };
        server.apply(Origin::default(), found);
        server.apply(Origin::default(), Op::NodeUp { node: NODE, epoch: 0 });
        server.load_bans(None);
        Ok(server)
    }

    /// A server that goes on with the shared state of an earlier one. Those who were connected to
    /// it are gone, and quit.
    ///
    /// # Errors
    /// The configuration is out of bounds, or these bytes are no snapshot of this version.
    pub fn restore(
        config: Config,
        seed: [u8; 32],
        now: Now,
        snapshot: &[u8],
    ) -> Result<Self, RestoreError> {
        let network = Network::restore(snapshot).map_err(|_| RestoreError::Snapshot)?;
        let mut server =
            Self::with_network(config, seed, now, network).map_err(RestoreError::Config)?;
        let configure = Op::Configure(server.network_config());
        server.apply(Origin::default(), configure);
        server.apply(Origin::default(), Op::NodeUp { node: NODE, epoch: server.epoch });
        server.load_bans(None);
        Ok(server)
    }

    fn with_network(
        config: Config,
        seed: [u8; 32],
        now: Now,
        network: Network,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let links = Links::new(&config, &seed, now);
        Ok(Self {
            log: MemLog::after(network.sequence()),
            epoch: network.epoch(NODE).map_or(0, |epoch| epoch + 1),
            network,
            links,
            time: OwnTime::default(),
            asked: BTreeMap::new(),
            answers: VecDeque::new(),
            next_ticket: 0,
            run_queue: VecDeque::new(),
            places: Places::new(&seed),
            guesses: Guesses::new(&seed),
            joins: Buckets::new(HashKey::derive(&seed, b"joins")),
            lines_left: 0,
            most_deliveries: 0,
            bans_asked: None,
            sweep: None,
            used: [0; command::COMMANDS.len()],
            stopping: false,
            stopped: false,
            config,
        })
    }

    /// Takes one input. Outputs wait for [`poll_output`](Self::poll_output); many inputs may come
    /// before, and then each connection is flushed once for all of them.
    ///
    /// An input for a connection that is gone does nothing.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        self.set_now(now);
        (self.lines_left, self.most_deliveries) = match input {
            Input::Timeout => {
                let of_all = TIMEOUT_DELIVERIES_EACH * self.links.arena.len();
                (TIMEOUT_LINES, BUDGET_DELIVERIES.max(of_all))
            }
            _ => (BUDGET_LINES, BUDGET_DELIVERIES),
        };
        self.links.deliveries = 0;
        // The quits of those who go in one turn come together, when nobody of them is left to be told.
        let defer = matches!(input, Input::Closed(..) | Input::Eof(_));
        match input {
            Input::Data(conn, bytes) => {
                let now = self.links.now.mono;
                if let Some(link) = self.links.get_mut(conn) {
                    link.heard = now;
                    link.ping_sent = link.ping_sent.filter(|_| mutant!(PingKeptPending));
                    self.links.metrics.bytes_in += bytes.len() as u64;
                    self.run(conn, bytes);
                }
            }
            Input::Eof(conn) => {
                if let Some(link) = self.links.get_mut(conn) {
                    link.eof = true;
                    if link.reading && !link.is_busy() {
                        // No line of it waits; carrying one out would have others' quits before it.
                        self.end(conn, b"Connection closed");
                    } else {
                        self.run(conn, &[]);
                    }
                }
            }
            Input::Closed(conn, why) => self.closed(conn, why),
            Input::Sent(conn, bytes, pause) => self.sent(conn, bytes, pause),
            Input::Answer(ticket, answer) => self.take_answer(ticket, answer),
            Input::Timeout => self.timeout(),
            Input::Reload(config) => {
                let _ = self.reload(*config, None);
            }
            Input::Shutdown => self.shutdown(),
        }
        self.settle(defer);
    }

    /// When [`Input::Timeout`] is due; now, if work is left over. `None`: nothing is.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_due().map(|due| self.time.on_host(due))
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.links.outputs.pop();
        if let Some(Output::Flush(conn)) = output
            && self.links.get(conn).is_some()
        {
            self.links.outboxes.lend(conn.index());
        }
        if output.is_none() {
            self.links.outputs.give_back(self.links.arena.places());
        }
        output
    }

    /// What is to be written to a connection, in order. Readable until it is
    /// [`Closed`](Input::Closed); empty for a stale id.
    pub fn outbox(&self, conn: ConnId) -> impl Iterator<Item = Chunk<'_>> {
        let index = self.links.get(conn).map_or(usize::MAX, |_| conn.index());
        self.links.outboxes.chunks(index)
    }

    /// Counters and gauges.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let count = self.network.count();
        Metrics {
            connections: self.links.arena.len() as u64,
            users: count.users as u64,
            channels: count.channels as u64,
            queued_bytes: self.links.outboxes.held() as u64,
            ..self.links.metrics
        }
    }

    /// All shared state as bytes, for [`restore`](Self::restore). They hold what users have set:
    /// keys of channels, topics, hosts.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        self.network.snapshot()
    }

    /// A hash of all shared state: equal for servers with equal histories.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.network.state_hash()
    }

    fn set_now(&mut self, now: Now) {
        if self.time.is_still(now.mono) {
            self.links.now.wall = now.wall;
            return;
        }
        let (mono, still) = self.time.at(now.mono, self.links.now.mono, self.next_due());
        self.links.now = Now { mono, wall: now.wall };
        if let Some(time) = still {
            self.links.outputs.push(Output::Report(Report::StoodStill { time }));
        }
    }

    /// When there is something to do, in the server's own time.
    fn next_due(&self) -> Option<Instant> {
        let idle = self.run_queue.is_empty()
            && self.log.is_empty()
            && self.answers.is_empty()
            && self.sweep.is_none();
        if idle { self.links.timers.next() } else { Some(self.links.now.mono) }
    }

    fn network_config(&self) -> NetworkConfig {
        let limits = &self.config.limits;
        NetworkConfig {
            casemapping: self.config.casemapping,
            channels: limits.channels as u32,
            channels_per_user: limits.channels_per_user as u32,
            key_len: limits.key_len as u32,
            list_entries: limits.list_entries as u32,
            list_total: limits.list_total as u64,
            invites: limits.invites as u32,
            whowas: limits.whowas as u32,
            cloak: (self.config.cloak).then(|| self.config.cloak_suffix.as_bytes().into()),
            history_lines: limits.history_lines as u32,
            history_talks: limits.history_talks as u32,
            history_bytes: limits.history_bytes as u64,
            server_bans: limits.server_bans as u32,
            metadata_keys: limits.metadata_keys as u32,
            metadata_total: limits.metadata_total as u64,
            redact: limits.redact.as_millis() as u64,
        }
    }

    /// Carries out an operation that no connection waits for.
    fn apply(&mut self, origin: Origin, op: Op<'_>) {
        let entry = Entry { origin, time: self.links.now.wall, op };
        match self.log.assign() {
            Some(sequence) => {
                self.network.apply(sequence, &entry, &mut self.links);
                self.follow_up();
            }
            None => self.log.append(entry.to_owned()),
        }
    }

    /// Carries out an operation of a connection.
    fn propose(&mut self, conn: ConnId, op: Op<'_>) {
        let Some(link) = self.links.get(conn) else { return };
        let origin = link.origin();
        self.apply(origin, op);
        self.welcome_arrived();
        while let Some(conn) = self.links.woken.pop() {
            self.queue(conn);
        }
    }

    /// Carries out entries that wait in the log, as the budget allows. Whether none is left.
    fn drain_log(&mut self) -> bool {
        while self.links.deliveries < self.most_deliveries {
            let Some((sequence, entry)) = self.log.next() else { return true };
            if let Some(entry) = entry.get() {
                if let Op::Quit { .. } = entry.op {
                    self.trace(|| Report::Quit { conn: conn_of(entry.origin.session) });
                }
                self.network.apply(sequence, &entry, &mut self.links);
                self.follow_up();
            }
        }
        self.log.is_empty()
    }

    /// After each input: ends those who owe too much, and carries out what that leads to, unless that
    /// is put off.
    fn settle(&mut self, defer: bool) {
        if self.sweep.is_some() {
            self.sweep();
        }
        loop {
            while let Some(conn) = self.links.overflowed.pop() {
                if self.links.get(conn).is_some_and(|link| !link.is_dying()) {
                    self.links.metrics.sendq_kills += 1;
                    self.end_with(conn, b"SendQ exceeded", false);
                }
            }
            let most = self.config.limits.sendq_total;
            if self.links.outboxes.held() > most && !mutant!(SendqTotalIgnored) {
                self.shed_unsent(most);
            }
            if self.links.unread > self.config.limits.recvq_total {
                self.shed_unread();
            }
            let nothing_waits = self.log.is_empty() && self.answers.is_empty();
            if defer || self.links.deliveries >= self.most_deliveries || nothing_waits {
                break;
            }
            self.go_on();
        }
    }

    /// Ends those to whom most waits to be sent, until no more than `most` does.
    #[cold]
    fn shed_unsent(&mut self, most: usize) {
        for index in self.links.outboxes.by_cost() {
            let found = self.links.arena.iter_from(index as u32).next().map(|(conn, _)| conn);
            let Some(conn) = found else { break };
            self.links.metrics.sendq_kills += 1;
            self.end_with(conn, b"Too much is waiting to be sent", false);
            if self.links.outboxes.held() <= most {
                break;
            }
        }
    }

    /// Ends those of whom most waits to be carried out, until a quarter less does than may: so that
    /// it is seldom done.
    #[cold]
    fn shed_unread(&mut self) {
        let most = self.config.limits.recvq_total / 4 * 3;
        let mut owing: Vec<(usize, ConnId)> = self
            .links
            .arena
            .iter()
            .filter(|(_, link)| !link.unread.is_empty())
            .map(|(conn, link)| (link.unread.capacity(), conn))
            .collect();
        owing.sort_unstable_by_key(|(bytes, conn)| (core::cmp::Reverse(*bytes), conn.index()));
        for (_, conn) in owing {
            if self.links.unread <= most {
                break;
            }
            self.links.metrics.recvq_kills += 1;
            self.end(conn, b"Too much is waiting to be carried out");
        }
    }

    /// Carries out entries that wait, then answers that wait for them.
    #[cold]
    fn go_on(&mut self) {
        if !self.log.is_empty() {
            self.drain_log();
        } else if let Some((ticket, answer)) = self.answers.pop_front() {
            self.answered(ticket, answer);
        }
    }

    fn nick_of(&self, conn: ConnId) -> Vec<u8> {
        match self.links.get(conn).map(|link| &link.state) {
            Some(State::Registered(user)) => {
                self.network.user(*user).map_or_else(|| b"*".to_vec(), |user| user.nick.to_vec())
            }
            Some(State::Registering { form, .. }) => {
                form.nick.as_ref().map_or_else(|| b"*".to_vec(), |nick| nick.to_vec())
            }
            _ => b"*".to_vec(),
        }
    }

    fn reply(&mut self, conn: ConnId, numeric: Numeric, params: &[&[u8]]) {
        self.reply_text(conn, numeric, params, Some(numeric.text().as_bytes()));
    }

    fn reply_text(
        &mut self,
        conn: ConnId,
        numeric: Numeric,
        params: &[&[u8]],
        text: Option<&[u8]>,
    ) {
        let nick = self.nick_of(conn);
        self.links.numeric(conn, &nick, numeric, params, text);
    }

    fn sent(&mut self, conn: ConnId, bytes: usize, pause: Pause) {
        if self.links.get(conn).is_none() {
            return;
        }
        // A recording may claim that more has left than there was.
        let bytes = bytes.min(self.links.outboxes.len(conn.index()));
        self.links.metrics.bytes_out += bytes as u64;
        if self.links.outboxes.sent(conn.index(), bytes, pause, self.links.now.mono) {
            self.links.outputs.push(Output::Flush(conn));
        }
        let Some(link) = self.links.get(conn) else { return };
        let below_soft = self.links.outboxes.len(conn.index()) <= self.config.limits.sendq_soft;
        let resumes = below_soft && !mutant!(NotResumed);
        if resumes && (!link.steps.is_empty() || !link.unread.is_empty() && !link.reading) {
            // Later: others that the host has written, and not told of yet, would be added to.
            self.queue(conn);
        }
        self.rearm_blocked(conn);
    }
}

/// An address as a host.
fn host_text(address: Option<IpAddr>) -> Box<[u8]> {
    let text = match address.map(|address| address.to_canonical()) {
        None => "localhost".to_string(),
        // A parameter can't begin with a colon.
        Some(address) => match address.to_string() {
            text if text.starts_with(':') => format!("0{text}"),
            text => text,
        },
    };
    text.into_bytes().into()
}

/// `ERROR :Closing link: host (reason)`
fn error_line(host: &[u8], reason: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    let text = [b"Closing link: ", host, b" (", reason, b")"].concat();
    Encoder::new(&mut line).command(b"ERROR").trailing(&text).finish();
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::User;

    /// Threads of a host may read outboxes at once while nothing is handed to the server.
    #[test]
    fn a_server_may_be_sent_and_shared() {
        const fn is_shared<T: Send + Sync>() {}
        const { is_shared::<Server>() }
    }
    /// In bytes, for each connection and its user, whatever they do; more must be worth it.
    #[test]
    fn a_connection_and_its_user_take_little() {
        assert_eq!((size_of::<link::Link>(), size_of::<User>()), (280, 248));
    }
}
