//! What must hold in a run, and whether it does.
//!
//! A [`Judge`] is told what clients send and receive, and in which order the server says that it
//! carries lines out. Two parts of it know nothing of each other, nor of the server: black-box
//! properties, which need no more than what is sent and received, and a model, which predicts each
//! client's stream line by line.

mod commands;
mod expect;
mod list;
mod look;
mod model;
mod modes;
mod properties;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chat_core::{ConnId, Report};

use self::{list::Kind, model::Model, properties::Properties};
use crate::{
    counters::Counters,
    line::Line,
    log::What,
    sometimes::{Seen, Sometimes},
};

/// A property that does not hold: its name, and how it was seen.
pub type Broken = (&'static str, String);

/// One connection of a client, counted over all clients.
pub type LifeId = usize;

/// Judges a run. Any host, real or simulated, can be judged: call these as things happen.
///
/// The server runs with [`Config::trace`](chat_core::Config::trace), without cloaks, default
/// channels and replay of history. Clients are called `c0_0`, `c0_1`, …, speak in channels `#ch0`,
/// `#ch1`, …, never say the same text twice, and begin each connection with `USER u<life> …`, by
/// which the server's reports are understood.
pub struct Judge {
    properties: Properties,
    model: Model,
    /// What each life has sent and the server has not carried out yet.
    sent: BTreeMap<LifeId, VecDeque<String>>,
    /// Lives whose lines the server has begun to carry out.
    known: BTreeSet<LifeId>,
    /// Lives all of whose lines have reached the server, and their end.
    ended: BTreeSet<LifeId>,
}

impl Judge {
    /// A judge of a server of that name, before anything has happened.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self {
            properties: Properties::default(),
            model: Model::new(server),
            sent: BTreeMap::new(),
            known: BTreeSet::new(),
            ended: BTreeSet::new(),
        }
    }

    /// A client has a new connection: its number, which it puts into its USER.
    pub fn begin(&mut self) -> LifeId {
        self.properties.begin()
    }

    /// A client sends a line, given without its end, after `at_us` µs.
    pub fn sends(&mut self, life: LifeId, line: &str, at_us: u64) {
        self.properties.sends(life, line, at_us);
        self.sent.entry(life).or_default().push_back(line.into());
    }

    /// All that a client has sent has reached the server, and that nothing more will come.
    pub fn ends(&mut self, life: LifeId) {
        self.ended.insert(life);
    }

    /// Whose connection this is, once its first line has been carried out.
    #[must_use]
    pub fn life_of(&self, conn: ConnId) -> Option<LifeId> {
        self.model.peers.get(&conn)?.life
    }

    /// What a report tells of a connection, for a log.
    pub(crate) fn told(&self, report: &Report) -> Option<What> {
        match report {
            Report::Line { conn, line } => {
                self.life_of(*conn).map(|life| What::Carried { life, line: line.clone() })
            }
            Report::Ended { conn, .. } => {
                self.life_of(*conn).map(|life| What::Closing { life, now: false })
            }
            _ => None,
        }
    }

    /// The server reports something. What it reports must be told before the lines that follow from it
    /// are received.
    ///
    /// # Errors
    /// It carried out what it should not have: `carried`.
    pub fn report(&mut self, report: &Report) -> Result<(), Broken> {
        match report {
            Report::Line { conn, line } => {
                let line = String::from_utf8_lossy(line);
                let peer = self.model.peers.entry(*conn).or_default();
                let name = line.strip_prefix("USER u").and_then(|rest| rest.split(' ').next());
                if let Some(life) = name.and_then(|life| life.parse().ok())
                    && self.sent.contains_key(&life)
                    && self.known.insert(life)
                {
                    peer.life = Some(life);
                }
                if let Some(life) = peer.life {
                    self.carried(life, &line)?;
                }
                self.model.carry_out(*conn, &line);
            }
            Report::Step { conn } => self.model.step(*conn),
            Report::Registered { conn, nick, user, host } => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                let registered = self.model.register(*conn, &text(nick), &text(user), &text(host));
                registered.map_err(|why| ("carried", why))?;
            }
            Report::Ended { conn, why, .. } => {
                let why = String::from_utf8_lossy(why);
                self.rightly_ended(*conn, &why)?;
                self.model.end(*conn, &why);
            }
            Report::Quit { conn } => self.model.quit(*conn),
            _ => {}
        }
        Ok(())
    }

    /// Who ends its side has all lines carried out first, and who is not read from can't send too much.
    fn rightly_ended(&self, conn: ConnId, why: &str) -> Result<(), Broken> {
        let Some(peer) = self.model.peers.get(&conn) else { return Ok(()) };
        let Some(life) = peer.life else { return Ok(()) };
        let lines = self.sent.get(&life).map_or(0, VecDeque::len);
        let steps = peer.steps.iter().filter(|step| step.is_owed()).count();
        match why {
            "Connection closed" if lines + steps > 0 && self.ended.contains(&life) => {
                let left = format!("{lines} lines and {steps} steps were left");
                Err(("carried", format!("life {life} ended its side, but {left}")))
            }
            "Too much is waiting to be carried out" if lines == 0 => {
                Err(("cause", format!("life {life} ended for what waits, but nothing does")))
            }
            "RecvQ exceeded" => {
                Err(("cause", format!("life {life} was read from until it was too much")))
            }
            _ => Ok(()),
        }
    }

    /// Lines are carried out once each, in the order in which they were sent.
    fn carried(&mut self, life: LifeId, line: &str) -> Result<(), Broken> {
        match self.sent.get_mut(&life).and_then(VecDeque::pop_front) {
            Some(sent) if sent == line => Ok(()),
            Some(sent) => Err(("carried", format!("{line:?} of life {life} instead of {sent:?}"))),
            None => Err(("carried", format!("{line:?}, which life {life} has not sent"))),
        }
    }

    /// A client receives a line, its end included, after `at_us` µs.
    ///
    /// # Errors
    /// What does not hold.
    pub fn receives(&mut self, life: LifeId, bytes: &[u8], at_us: u64) -> Result<(), Broken> {
        self.hears(life, bytes, at_us).map(|_| ())
    }

    /// The same; what the line says.
    pub(crate) fn hears<'a>(
        &mut self,
        life: LifeId,
        bytes: &'a [u8],
        at_us: u64,
    ) -> Result<Line<'a>, Broken> {
        let line = Line::read(bytes)
            .map_err(|why| ("form", format!("{why}: \"{}\"", bytes.escape_ascii())))?;
        self.properties.hears(life, &line, at_us)?;
        if !self.known.contains(&life) {
            return Ok(line);
        }
        let stream = self.model.streams.entry(life).or_default();
        stream.receive(&line, &self.model.lists).map_err(|expected| {
            let came = bytes.escape_ascii();
            ("predicted", format!("life {life} received \"{came}\", but {expected} was to come"))
        })?;
        Ok(line)
    }

    /// Whether each PING of a life has its PONG.
    #[must_use]
    pub fn is_answered(&self, life: LifeId) -> bool {
        self.properties.is_answered(life)
    }

    /// The server has stopped and starts anew, with nothing of what it knew.
    pub fn restarted(&mut self) {
        self.model.restart();
    }

    /// After healing: `live` are the connections of those who want to be there, each with the numbers
    /// of the channels that it is in. All of them have asked NAMES for each channel, and sent PING.
    ///
    /// # Errors
    /// `settled` or `ghosts`: somebody is not where it should be. `predicted`: something never came.
    pub fn settled(&self, live: &[(LifeId, Vec<u32>)]) -> Result<(), Broken> {
        self.properties.settled(live)?;
        for (life, _) in live {
            let missing = self.model.streams.get(life).and_then(expect::Stream::missing);
            if let Some(missing) = missing {
                return Err(("predicted", format!("life {life} never received {missing}")));
            }
        }
        Ok(())
    }

    /// The run is over: what was seen in it.
    ///
    /// # Errors
    /// `loss`: a message that was owed has not come. `order`: there is no order of all messages with
    /// which all that was received agrees.
    pub fn finish(&mut self) -> Result<Counters, Broken> {
        self.properties.nothing_lost()?;
        self.properties.one_order()?;
        Ok(Counters {
            received: self.properties.received,
            owed: self.properties.owed,
            predicted: self.model.streams.values().map(|stream| stream.met).sum(),
            ..Counters::default()
        })
    }

    /// What happened of what must happen sometimes.
    pub(crate) fn sometimes(&self) -> Sometimes {
        let mut seen = self.model.seen;
        for _ in self.model.streams.values().filter(|stream| stream.given_up) {
            seen.see(Seen::GivenUp);
        }
        let in_pieces = self.model.lists.iter().filter(|list| list.must != list.may);
        for list in in_pieces {
            seen.see(match list.kind() {
                Kind::Names => Seen::NamesInPieces,
                _ => Seen::AnswerInPieces,
            });
        }
        seen
    }
}
