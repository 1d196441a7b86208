//! What must hold, whatever happens: judged from outside, by what clients sent and received.
//!
//! Nothing here knows of the server, nor in which order it carried lines out. For each connection
//! ("life") of each client it keeps what the client asked for and what it was told, and what follows
//! for certain:
//!
//! - `form`: a line is well formed.
//! - `created`: a message was sent, by that sender, to that target, with that text.
//! - `order`: a sender's messages come once each and in the order of sending; and there is one order
//!   of all messages with which all that was received agrees.
//! - `membership`: a channel's message comes only to members, from members; joins and parts fit.
//! - `loss`: what was carried out for certain while the recipient was certainly a member has come,
//!   once the recipient's own later PING is answered.
//! - `settled`, `ghosts`: after healing all live, and channels hold those who joined, nobody else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, LifeId, commands::Command};
use crate::line::Line;

/// A nick: the client's number, how many others it tried before, and what it put behind it because
/// somebody had that one.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) struct Nick {
    client: u32,
    attempt: u32,
    underscores: usize,
}

impl Nick {
    /// Reads a nick, in either case.
    fn parse(text: &str) -> Option<Self> {
        let (client, attempt) = text.strip_prefix(['c', 'C'])?.split_once('_')?;
        let digits = attempt.trim_end_matches('_');
        let underscores = attempt.len() - digits.len();
        Some(Self { client: client.parse().ok()?, attempt: digits.parse().ok()?, underscores })
    }
}

impl std::fmt::Display for Nick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { client, attempt, underscores } = self;
        write!(f, "c{client}_{attempt}{}", "_".repeat(*underscores))
    }
}

/// Where a message goes.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
enum Target {
    Channel(u32),
    User(Nick),
}

impl Target {
    fn parse(text: &str) -> Option<Self> {
        let channel = channel(text).ok().map(Self::Channel);
        channel.or_else(|| Nick::parse(text).map(Self::User))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "#ch{channel}"),
            Self::User(nick) => nick.fmt(f),
        }
    }
}

#[derive(Default)]
pub(super) struct Properties {
    lives: Vec<Life>,
    messages: Vec<Sent>,
    /// The number of each message, by its text: no two say the same.
    texts: BTreeMap<String, usize>,
    kicks: Vec<Kick>,
    /// Whether somebody may have let those outside a channel speak in it.
    open_to_all: bool,
    /// Messages received, over all.
    pub(super) received: u64,
    /// Messages whose arrival was certain and was checked.
    pub(super) owed: u64,
}

struct Sent {
    life: LifeId,
    target: Target,
    at: u64,
    /// Since when the sender knows that it was carried out.
    confirmed: Option<u64>,
    /// Whether the sender was certainly allowed to send it.
    allowed: bool,
}

/// Somebody asked to put a client out of a channel.
struct Kick {
    by: LifeId,
    client: u32,
    channel: u32,
    /// How many PINGs were sent before.
    after: usize,
    /// When it was known to be over, however it went.
    over: Option<u64>,
}

/// One connection of a client.
#[derive(Default)]
struct Life {
    /// Its nick as it was told, and since when.
    nick: Option<(Nick, u64)>,
    first_rename: Option<u64>,
    channels: BTreeMap<u32, Presence>,
    memberships: Vec<Membership>,
    /// All PINGs: their tokens, when they were sent, and how many messages were sent before.
    pings: Vec<(String, u64, usize)>,
    pongs: usize,
    /// When the last PING that was answered was sent.
    barrier: Option<u64>,
    sent: Vec<usize>,
    confirmed: usize,
    heard: Vec<usize>,
    last_from: BTreeMap<LifeId, usize>,
    /// The batch of what was said before that is coming.
    history: Option<String>,
}

/// What a life knows of a channel and did with it.
#[derive(Default)]
struct Presence {
    /// When each JOIN was sent.
    joins_asked: Vec<u64>,
    joins_seen: u32,
    parts_asked: u32,
    /// Who is in it, while it is itself.
    members: Option<BTreeSet<Nick>>,
    /// Whether `members` are all.
    complete: bool,
    /// The names of the NAMES reply under way or over.
    names: BTreeSet<Nick>,
    /// Whether that reply is over: the next name begins another.
    listed: bool,
}

/// When a life was certainly in a channel.
struct Membership {
    channel: u32,
    from: u64,
    until: u64,
}

impl Properties {
    pub(super) fn begin(&mut self) -> LifeId {
        self.lives.push(Life::default());
        self.lives.len() - 1
    }

    /// A client sends a line.
    pub(super) fn sends(&mut self, id: LifeId, line: &str, at: u64) {
        let Some(command) = Command::read(line) else { return };
        let target = command.param(0);
        match (command.name.as_str(), Target::parse(target)) {
            ("PRIVMSG" | "NOTICE", Some(target)) => {
                self.says(id, target, command.param(1), at);
                // Nobody is told of a NOTICE that is refused.
                if let Some(sent) = self.messages.last_mut() {
                    sent.allowed &= command.name == "PRIVMSG";
                }
            }
            ("PING", _) => {
                let life = &mut self.lives[id];
                life.pings.push((target.into(), at, life.sent.len()));
            }
            ("NICK", _) if self.lives[id].nick.is_some() => {
                self.lives[id].first_rename.get_or_insert(at);
            }
            ("JOIN", Some(Target::Channel(channel))) => {
                self.lives[id].channels.entry(channel).or_default().joins_asked.push(at);
            }
            ("PART", Some(Target::Channel(channel))) => {
                self.lives[id].channels.entry(channel).or_default().parts_asked += 1;
                self.lives[id].doubt(channel, at);
            }
            ("KICK", Some(Target::Channel(channel))) => {
                let Some(nick) = Nick::parse(command.param(1)) else { return };
                let client = nick.client;
                let after = self.lives[id].pings.len();
                self.kicks.push(Kick { by: id, client, channel, after, over: None });
                let is_it = |life: &Life| life.nick.is_some_and(|(nick, _)| nick.client == client);
                let lives = self.lives.iter_mut().filter(|life| is_it(life));
                lives.for_each(|life| life.doubt(channel, at));
            }
            ("MODE", _) => self.open_to_all |= command.param(1).contains("-n"),
            _ => {}
        }
    }

    fn says(&mut self, life: LifeId, target: Target, text: &str, at: u64) {
        let allowed = match target {
            Target::User(_) => true,
            Target::Channel(channel) => self.lives[life]
                .memberships
                .iter()
                .any(|member| member.channel == channel && member.until == u64::MAX),
        };
        let id = self.messages.len();
        self.messages.push(Sent { life, target, at, confirmed: None, allowed });
        self.texts.insert(text.into(), id);
        self.lives[life].sent.push(id);
    }

    /// Whether each PING of a life has its PONG.
    pub(super) fn is_answered(&self, life: LifeId) -> bool {
        self.lives[life].pongs == self.lives[life].pings.len()
    }

    /// A line has come.
    pub(super) fn hears(&mut self, id: LifeId, line: &Line<'_>, at: u64) -> Result<(), Broken> {
        match line.command {
            "BATCH" => self.lives[id].hears_batch(line),
            "PRIVMSG" | "NOTICE" if self.lives[id].is_of_history(line) => {
                return self.hears_history(id, line);
            }
            "PRIVMSG" | "NOTICE" => return self.hears_message(id, line),
            "PONG" => return self.hears_pong(id, line, at),
            "404" => self.hears_refusal(id, line)?,
            _ => {}
        }
        let kicks = &self.kicks;
        let life = &mut self.lives[id];
        let source = Nick::parse(line.nick);
        let me = life.nick.map(|(nick, _)| nick);
        match (line.command, source) {
            ("001", _) => life.nick = Nick::parse(line.param(0)).map(|nick| (nick, at)),
            ("JOIN", Some(source)) => {
                let channel = channel(line.param(0))?;
                let mine = Some(source) == me && line.user == user(id);
                let kicked = |kick: &Kick| (kick.client, kick.channel) == (source.client, channel);
                // A kick may put out whoever has joined before it, and hears of that later.
                let seen = life.channels.get(&channel).map_or(0, |it| it.joins_seen as usize);
                let asked = life.channels.get(&channel).and_then(|it| it.joins_asked.get(seen));
                let asked = asked.copied().unwrap_or(0);
                let is_past = |kick: &Kick| kick.over.is_some_and(|over| over < asked);
                let is_certain = kicks.iter().filter(|kick| kicked(kick)).all(is_past);
                return life.hears_join(channel, source, mine.then_some(is_certain), at);
            }
            ("PART", Some(source)) => {
                let channel = channel(line.param(0))?;
                let presence = life.channels.entry(channel).or_default();
                presence.leaves(source, "part")?;
                if Some(source) == me {
                    presence.members = None;
                }
            }
            ("KICK", Some(_)) => {
                let Some(gone) = Nick::parse(line.param(1)) else {
                    return Err(("created", format!("nobody has this nick: {line:?}")));
                };
                let presence = life.channels.entry(channel(line.param(0))?).or_default();
                presence.leaves(gone, "kick")?;
                if Some(gone) == me {
                    presence.members = None;
                }
            }
            ("MODE", Some(source)) if Nick::parse(line.param(0)) == me && Some(source) == me => {}
            ("TOPIC" | "MODE", Some(_)) => {
                let presence = life.channels.entry(channel(line.param(0))?).or_default();
                if presence.members.is_none() {
                    return Err(("membership", format!("outside is heard: {line:?}")));
                }
            }
            ("QUIT", Some(source)) => {
                for presence in life.channels.values_mut() {
                    presence.names.remove(&source);
                    if presence.members.as_ref().is_some_and(|all| all.contains(&source)) {
                        presence.leaves(source, "quit")?;
                    }
                }
            }
            ("NICK", Some(source)) => {
                let Some(new) = Nick::parse(line.param(0)) else {
                    return Err(("created", format!("nobody asked for this nick: {line:?}")));
                };
                if Some(source) == me {
                    life.nick = Some((new, at));
                }
                for presence in life.channels.values_mut() {
                    if presence.names.remove(&source) {
                        presence.names.insert(new);
                    }
                    let Some(members) = &mut presence.members else { continue };
                    if members.remove(&source) && !members.insert(new) {
                        return Err(("membership", format!("two are called {new}")));
                    }
                }
            }
            ("353", _) => {
                let presence = life.channels.entry(channel(line.param(2))?).or_default();
                presence.begin_list();
                for name in line.param(3).split(' ').filter(|name| !name.is_empty()) {
                    let nick = name
                        .trim_start_matches(['~', '&', '@', '%', '+'])
                        .split('!')
                        .next()
                        .unwrap_or("");
                    let Some(nick) = Nick::parse(nick) else {
                        return Err(("created", format!("there is nobody called {name:?}")));
                    };
                    presence.names.insert(nick);
                }
            }
            ("366", _) => {
                let presence = life.channels.entry(channel(line.param(1))?).or_default();
                presence.begin_list();
                presence.listed = true;
                if let (Some(members), false) = (&mut presence.members, presence.complete) {
                    members.extend(&presence.names);
                    presence.complete = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn hears_message(&mut self, id: LifeId, line: &Line<'_>) -> Result<(), Broken> {
        self.received += 1;
        let (number, source) = self.sent_as(line)?;
        let sent = &self.messages[number];
        // An echo tells the sender nothing that it did not know.
        if sent.life == id && matches!(sent.target, Target::User(_)) {
            return Ok(());
        }
        let life = &mut self.lives[id];
        match sent.target {
            Target::User(nick) if life.nick.map(|(nick, _)| nick) != Some(nick) => {
                return Err(("membership", format!("a message for {nick} came to another")));
            }
            Target::User(_) => {}
            Target::Channel(channel) => {
                let presence = life.channels.entry(channel).or_default();
                match &presence.members {
                    // It spoke from outside, and hears its echo there.
                    None if self.open_to_all && sent.life == id => {}
                    None => {
                        return Err(("membership", format!("#ch{channel} speaks to one outside")));
                    }
                    Some(members)
                        if presence.complete && !self.open_to_all && !members.contains(&source) =>
                    {
                        return Err(("membership", format!("{source} speaks outside #{channel}")));
                    }
                    Some(_) => {}
                }
            }
        }
        if let Some(last) = life.last_from.insert(sent.life, number)
            && last >= number
        {
            return Err(("order", format!("m{number} came after m{last} of the same sender")));
        }
        life.heard.push(number);
        Ok(())
    }

    /// What was said before comes to those alone who are there now.
    fn hears_history(&self, id: LifeId, line: &Line<'_>) -> Result<(), Broken> {
        let (number, _) = self.sent_as(line)?;
        let inside = match self.messages[number].target {
            Target::Channel(channel) => {
                let presence = self.lives[id].channels.get(&channel);
                presence.is_some_and(|presence| presence.members.is_some())
            }
            Target::User(_) => false,
        };
        if inside { Ok(()) } else { Err(("membership", format!("outside is told: {line:?}"))) }
    }

    /// Which message a line is, and of whom.
    fn sent_as(&self, line: &Line<'_>) -> Result<(usize, Nick), Broken> {
        let number = self.texts.get(line.param(1)).copied();
        if let Some((number, source)) = number.zip(Nick::parse(line.nick)) {
            let sent = &self.messages[number];
            if Target::parse(line.param(0)) == Some(sent.target) && user(sent.life) == line.user {
                return Ok((number, source));
            }
        }
        Err(("created", format!("nobody sent this: {line:?}")))
    }

    fn hears_pong(&mut self, id: LifeId, line: &Line<'_>, at: u64) -> Result<(), Broken> {
        let life = &mut self.lives[id];
        let token = line.param(1);
        let Some((_, sent_at, messages)) = life.pings.get(life.pongs).filter(|it| it.0 == token)
        else {
            return Err(("order", format!("PONG {token} is not the answer to the oldest PING")));
        };
        let (sent_at, messages) = (*sent_at, *messages);
        life.pongs += 1;
        life.barrier = Some(sent_at);
        for message in &life.sent[life.confirmed..messages] {
            self.messages[*message].confirmed = Some(at);
        }
        life.confirmed = messages;
        for kick in self.kicks.iter_mut().filter(|kick| kick.by == id) {
            if life.pongs > kick.after {
                kick.over.get_or_insert(at);
            }
        }
        Ok(())
    }

    /// A channel did not take a message: which of those that are under way, nobody can tell.
    fn hears_refusal(&mut self, id: LifeId, line: &Line<'_>) -> Result<(), Broken> {
        let target = Target::Channel(channel(line.param(1))?);
        let life = &self.lives[id];
        for number in &life.sent[life.confirmed..] {
            let message = &mut self.messages[*number];
            message.allowed &= message.target != target;
        }
        Ok(())
    }

    /// After healing: `live` are the connections of those who want to be there, with the channels that
    /// each wants to be in. All have asked NAMES for each of them, and sent PING.
    pub(super) fn settled(&self, live: &[(LifeId, Vec<u32>)]) -> Result<(), Broken> {
        let mut members: BTreeMap<u32, BTreeSet<Nick>> = BTreeMap::new();
        for (id, channels) in live {
            let Some((nick, _)) = self.lives[*id].nick else {
                return Err(("settled", format!("life {id} is not registered")));
            };
            let life = &self.lives[*id];
            if life.pongs < life.pings.len() {
                return Err(("settled", format!("{nick} has no answer to its last PING")));
            }
            for channel in channels {
                members.entry(*channel).or_default().insert(nick);
            }
        }
        for (id, channels) in live {
            for channel in channels {
                let presence = &self.lives[*id].channels[channel];
                let expected = &members[channel];
                if presence.members.as_ref() != Some(expected) || presence.names != *expected {
                    let seen = &presence.members;
                    let names = &presence.names;
                    return Err((
                        "ghosts",
                        format!(
                            "#ch{channel} holds {expected:?}; life {id} saw {seen:?}, NAMES says {names:?}"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// At the end: nothing that was owed is missing.
    pub(super) fn nothing_lost(&mut self) -> Result<(), Broken> {
        for (id, life) in self.lives.iter().enumerate() {
            let (Some(barrier), Some((nick, since))) = (life.barrier, life.nick) else { continue };
            let heard: BTreeSet<usize> = life.heard.iter().copied().collect();
            for (number, sent) in self.messages.iter().enumerate() {
                let Some(confirmed) = sent.confirmed.filter(|at| *at < barrier) else { continue };
                if !sent.allowed || sent.life == id {
                    continue;
                }
                let owed = match sent.target {
                    Target::User(to) => {
                        to == nick && life.first_rename.is_none() && since < sent.at
                    }
                    Target::Channel(channel) => life.memberships.iter().any(|member| {
                        member.channel == channel
                            && member.from < sent.at
                            && confirmed < member.until
                    }),
                };
                self.owed += u64::from(owed);
                if owed && !heard.contains(&number) {
                    let target = sent.target;
                    return Err(("loss", format!("{nick} has not received m{number} to {target}")));
                }
            }
        }
        Ok(())
    }

    /// At the end: what was sent and received fits into one order.
    pub(super) fn one_order(&self) -> Result<(), Broken> {
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); self.messages.len()];
        let mut before = vec![0_usize; self.messages.len()];
        for order in self.lives.iter().flat_map(|life| [&life.heard, &life.sent]) {
            for pair in order.windows(2) {
                after[pair[0]].push(pair[1]);
                before[pair[1]] += 1;
            }
        }
        let mut free: Vec<usize> = (0..before.len()).filter(|id| before[*id] == 0).collect();
        let mut placed = 0;
        while let Some(id) = free.pop() {
            placed += 1;
            for next in &after[id] {
                before[*next] -= 1;
                if before[*next] == 0 {
                    free.push(*next);
                }
            }
        }
        if placed < self.messages.len() {
            let some = before.iter().position(|count| *count > 0).unwrap_or(0);
            return Err(("order", format!("two have seen m{some} and others in different orders")));
        }
        Ok(())
    }
}

impl Life {
    fn hears_batch(&mut self, line: &Line<'_>) {
        let (sign, reference) = line.param(0).split_at_checked(1).unwrap_or_default();
        if sign == "+" && line.param(1) == "chathistory" {
            self.history = Some(reference.into());
        } else if self.history.as_deref() == Some(reference) {
            self.history = None;
        }
    }

    fn is_of_history(&self, line: &Line<'_>) -> bool {
        self.history.is_some() && line.tag("batch") == self.history.as_deref()
    }

    /// From now on it may be out of a channel.
    fn doubt(&mut self, channel: u32, at: u64) {
        for member in self.memberships.iter_mut().filter(|member| member.channel == channel) {
            member.until = member.until.min(at);
        }
    }

    /// `mine`: it is the life's own, and whether it is certain that nobody puts it out again.
    fn hears_join(
        &mut self,
        channel: u32,
        source: Nick,
        mine: Option<bool>,
        at: u64,
    ) -> Result<(), Broken> {
        let presence = self.channels.entry(channel).or_default();
        if let Some(is_certain) = mine {
            presence.joins_seen += 1;
            if presence.joins_seen as usize > presence.joins_asked.len()
                || presence.members.is_some()
            {
                return Err(("membership", format!("{source} is in #{channel} once too often")));
            }
            presence.members = Some(BTreeSet::from([source]));
            presence.complete = false;
            if is_certain && presence.parts_asked < presence.joins_seen {
                self.memberships.push(Membership { channel, from: at, until: u64::MAX });
            }
            return Ok(());
        }
        let Some(members) = &mut presence.members else {
            return Err(("membership", format!("a join in #{channel} is seen outside")));
        };
        if !members.insert(source) && presence.complete {
            return Err(("membership", format!("{source} joins #{channel} twice")));
        }
        Ok(())
    }
}

impl Presence {
    /// A line of a NAMES reply comes: the first one of it, if the one before is over.
    fn begin_list(&mut self) {
        if std::mem::take(&mut self.listed) {
            self.names.clear();
        }
    }

    fn leaves(&mut self, nick: Nick, how: &str) -> Result<(), Broken> {
        let Some(members) = &mut self.members else {
            return Err(("membership", format!("a {how} of {nick} is seen outside")));
        };
        // A list under way may have named it already.
        self.names.remove(&nick);
        if !members.remove(&nick) && self.complete {
            return Err(("membership", format!("a {how} of {nick}, who was not there")));
        }
        Ok(())
    }
}

/// The user name that a life's messages carry.
fn user(life: LifeId) -> String {
    format!("~u{life}")
}

fn channel(name: &str) -> Result<u32, Broken> {
    let number = name.strip_prefix("#ch").or_else(|| name.strip_prefix("#CH"));
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| ("created", format!("nobody asked for the channel {name:?}")))
}
