//! A small IRC server, written apart from the real one: told which lines are carried out in which
//! order, it says what each client receives.
//!
//! It shares no code with the server and takes the simplest way everywhere. What it does not know of:
//! when lines are carried out, and when connections end; both are reported to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chat_core::ConnId;

use crate::sometimes::{Seen, Sometimes};

use super::{
    LifeId,
    expect::{Expect, Part, Stream, Want},
    list::{Kind, List},
    look::Look,
};

/// A user, numbered over all that ever were.
pub(super) type UserId = usize;

/// A channel, numbered over all that ever were: another one of its name is another channel.
pub(super) type ChannelId = usize;

/// All that the model knows.
pub(super) struct Model {
    /// The server's name.
    pub(super) name: String,
    pub(super) peers: BTreeMap<ConnId, Peer>,
    pub(super) users: BTreeMap<UserId, User>,
    next_user: UserId,
    pub(super) next_channel: ChannelId,
    /// By name in lower case.
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) streams: BTreeMap<LifeId, Stream>,
    /// All lists that were ever told.
    pub(super) lists: Vec<List>,
    /// Whose line is being carried out.
    pub(super) active: Option<ConnId>,
    /// Names of channels that have ended.
    pub(super) ended: BTreeSet<String>,
    pub(super) seen: Sometimes,
}

/// One connection.
#[derive(Default)]
pub(super) struct Peer {
    /// Whose it is; `None`: nobody's whose stream is predicted.
    pub(super) life: Option<LifeId>,
    pub(super) user: Option<UserId>,
    pub(super) caps: BTreeSet<String>,
    pub(super) real: String,
    /// The nicks that it has asked for so far, before it was registered.
    pub(super) nicks: Vec<String>,
    /// Why it has ended, once it has.
    pub(super) ended: Option<String>,
    /// Steps of its last command that are still to be made.
    pub(super) steps: VecDeque<Step>,
    response: Option<Response>,
}

/// A labeled answer under way.
struct Response {
    label: String,
    lines: Lines,
}

enum Lines {
    None,
    /// Held back: if it stays alone, it carries the label.
    One(Want),
    Batch,
}

/// What is left of a command of several steps.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Join {
        channel: String,
        key: Option<String>,
    },
    /// The topic of a channel just joined, in two lines, then its names.
    Arrival {
        channel: String,
        line: u8,
    },
    /// A list, by its number; `None`: it has not begun.
    Look {
        look: Look,
        list: Option<usize>,
    },
}

impl Step {
    /// Whether it is certainly still to be made: nobody can tell when a list is over.
    pub(super) fn is_owed(&self) -> bool {
        !matches!(self, Self::Look { list: Some(_), .. })
    }
}

pub(super) struct User {
    pub(super) conn: ConnId,
    pub(super) nick: String,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) real: String,
    pub(super) away: Option<String>,
    /// Hidden from those who share no channel with it.
    pub(super) invisible: bool,
}

impl User {
    pub(super) fn source(&self) -> String {
        format!("{}!{}@{}", self.nick, self.user, self.host)
    }
}

pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// As whoever made it wrote it.
    pub(super) name: String,
    pub(super) members: BTreeMap<UserId, Ranks>,
    /// Its text, and who set it.
    pub(super) topic: Option<(String, String)>,
    /// The letters of modes without parameters.
    pub(super) flags: BTreeSet<char>,
    pub(super) key: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) bans: Vec<String>,
    pub(super) invited: BTreeSet<UserId>,
    /// Messages, as those who ask for them later are told.
    pub(super) said: Vec<String>,
}

/// What a member is.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Ranks {
    /// How many came into any channel before.
    pub(super) since: usize,
    pub(super) op: bool,
    pub(super) voice: bool,
}

impl Model {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            peers: BTreeMap::new(),
            users: BTreeMap::new(),
            next_user: 0,
            next_channel: 0,
            channels: BTreeMap::new(),
            streams: BTreeMap::new(),
            lists: Vec::new(),
            active: None,
            ended: BTreeSet::new(),
            seen: Sometimes::default(),
        }
    }

    /// The server has started anew: nobody is there, and nothing.
    pub(super) fn restart(&mut self) {
        self.peers.clear();
        self.users.clear();
        self.channels.clear();
    }

    /// A connection becomes a user.
    ///
    /// # Errors
    /// Why it can't have.
    pub(super) fn register(
        &mut self,
        conn: ConnId,
        nick: &str,
        user: &str,
        host: &str,
    ) -> Result<(), String> {
        if let Some(holder) = self.by_nick(nick) {
            return Err(format!("{nick} registers while {} is there", self.users[&holder].nick));
        }
        let Some(peer) = self.peers.get_mut(&conn) else {
            return Err(format!("{nick} registers without having said anything"));
        };
        if peer.life.is_some() && !peer.nicks.iter().any(|asked| asked == nick) {
            return Err(format!("{nick} registers, but has not asked for that"));
        }
        let id = self.next_user;
        self.next_user += 1;
        peer.user = Some(id);
        let (real, life) = (peer.real.clone(), peer.life);
        let (nick, user, host) = (nick.into(), user.into(), host.into());
        self.users.insert(id, User { conn, nick, user, host, real, away: None, invisible: false });
        if let Some(life) = life {
            self.streams.entry(life).or_default().push(Want::Welcome, Part::None);
        }
        Ok(())
    }

    /// A connection ends; its user is still there.
    pub(super) fn end(&mut self, conn: ConnId, why: &str) {
        self.active = None;
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        // The label of a command that has had no answer goes to the last line.
        let part = match peer.response.take() {
            Some(Response { label, lines: Lines::None }) => {
                self.seen.see(Seen::LabelOfEnd);
                Part::Label(label)
            }
            Some(response) => {
                peer.response = Some(response);
                self.finish(conn);
                Part::None
            }
            None => Part::None,
        };
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.ended = Some(why.into());
        // Of an answer under way the rest does not come, even if its end does.
        for step in peer.steps.drain(..) {
            if let Step::Look { list: Some(list), .. } = step {
                self.lists[list].cut = true;
            }
        }
        // Whoever does not read in time gets no more than that last line.
        let gap = ["SendQ exceeded", "Too much is waiting to be sent", "Nothing was read"];
        let gap = gap.iter().any(|reason| why.starts_with(reason));
        let (life, user) = (peer.life, peer.user);
        if let Some(life) = life {
            let host = user.map(|id| self.users[&id].host.clone());
            let want = Want::Error { host, why: why.into(), gap };
            self.streams.entry(life).or_default().push(want, part);
        }
        if user.is_none() {
            self.peers.remove(&conn);
        }
    }

    /// The user of a connection that has ended is gone.
    pub(super) fn quit(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.remove(&conn) else { return };
        let (Some(id), Some(why)) = (peer.user, peer.ended) else { return };
        let line = Expect::event(&self.users[&id].source(), "QUIT", &[&why]);
        for peer in self.peers_of(id) {
            self.tell(peer, &line);
        }
        self.users.remove(&id);
        for channel in self.channels.values_mut() {
            channel.members.remove(&id);
            channel.invited.remove(&id);
        }
        let over = self.channels.iter().filter(|(_, channel)| channel.members.is_empty());
        let over: Vec<String> = over.map(|(name, _)| name.clone()).collect();
        over.iter().for_each(|name| self.forget(name));
    }

    pub(super) fn by_nick(&self, nick: &str) -> Option<UserId> {
        let mut users = self.users.iter();
        users.find(|(_, user)| user.nick.eq_ignore_ascii_case(nick)).map(|(id, _)| *id)
    }

    pub(super) fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.get(&name.to_ascii_lowercase())
    }

    pub(super) fn channel_mut(&mut self, name: &str) -> Option<&mut Channel> {
        self.channels.get_mut(&name.to_ascii_lowercase())
    }

    /// All who share a channel with a user, each once, without that user.
    pub(super) fn peers_of(&self, id: UserId) -> BTreeSet<UserId> {
        let shared = self.channels.values().filter(|channel| channel.members.contains_key(&id));
        let all = shared.flat_map(|channel| channel.members.keys().copied());
        all.filter(|other| *other != id).collect()
    }

    pub(super) fn has(&self, id: UserId, cap: &str) -> bool {
        let peer = self.users.get(&id).and_then(|user| self.peers.get(&user.conn));
        peer.is_some_and(|peer| peer.caps.contains(cap))
    }

    /// A member leaves; a channel without members ends.
    pub(super) fn leave(&mut self, id: UserId, name: &str) {
        if let Some(channel) = self.channel_mut(name) {
            channel.members.remove(&id);
            if channel.members.is_empty() {
                self.forget(&name.to_ascii_lowercase());
            }
        }
    }

    fn forget(&mut self, name: &str) {
        self.channels.remove(name);
        self.ended.insert(name.into());
    }

    /// A line for all members but one.
    pub(super) fn tell_channel(&mut self, name: &str, but: Option<UserId>, line: &Expect) {
        let Some(channel) = self.channel(name) else { return };
        let members: Vec<UserId> = channel.members.keys().copied().collect();
        for member in members.into_iter().filter(|member| Some(*member) != but) {
            self.tell(member, line);
        }
    }

    /// A line for one user.
    pub(super) fn tell(&mut self, id: UserId, line: &Expect) {
        if let Some(conn) = self.users.get(&id).map(|user| user.conn) {
            self.send(conn, Want::Line(line.clone()));
        }
    }

    /// Something for a connection: part of its labeled answer, if its command is at work.
    pub(super) fn send(&mut self, conn: ConnId, want: Want) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let (Some(life), None) = (peer.life, &peer.ended) else { return };
        let stream = self.streams.entry(life).or_default();
        let Some(response) = peer.response.as_mut().filter(|_| self.active == Some(conn)) else {
            return stream.push(want, Part::None);
        };
        if matches!(want, Want::List(list) if self.lists[list].kind() == Kind::History) {
            // The batch that it is carries the label, and is all of the answer.
            let label = response.label.clone();
            peer.response = None;
            return stream.push(want, Part::Label(label));
        }
        let is_long = matches!(want, Want::List(list) if self.lists[list].is_long());
        match std::mem::replace(&mut response.lines, Lines::Batch) {
            Lines::None if !is_long => response.lines = Lines::One(want),
            Lines::None => {
                stream.push(Want::BatchStart, Part::Label(response.label.clone()));
                stream.push(want, Part::Batch);
            }
            Lines::One(first) => {
                stream.push(Want::BatchStart, Part::Label(response.label.clone()));
                stream.push(first, Part::Batch);
                stream.push(want, Part::Batch);
            }
            Lines::Batch => stream.push(want, Part::Batch),
        }
    }

    /// A command with a label begins.
    pub(super) fn begin_response(&mut self, conn: ConnId, label: &str) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.response = Some(Response { label: label.into(), lines: Lines::None });
        }
    }

    /// A command has been answered.
    pub(super) fn finish(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let (Some(response), Some(life)) = (peer.response.take(), peer.life) else { return };
        let stream = self.streams.entry(life).or_default();
        match response.lines {
            Lines::None => {
                self.seen.see(Seen::LabelAck);
                let ack = Expect::event(&self.name, "ACK", &[]);
                stream.push(Want::Line(ack), Part::Label(response.label));
            }
            Lines::One(line) => stream.push(line, Part::Label(response.label)),
            Lines::Batch => {
                self.seen.see(Seen::LabelBatch);
                stream.push(Want::BatchEnd, Part::None);
            }
        }
    }
}
