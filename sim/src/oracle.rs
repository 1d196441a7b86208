//! What must hold, whatever happens: judged from outside, by what clients sent and received.
//!
//! The oracle knows nothing of the core. It keeps, for each connection ("life") of each client, what
//! the client asked for and what it was told, and what follows for certain:
//!
//! - `form`: a line is well formed.
//! - `created`: a message was sent, by that sender, to that target, with that text.
//! - `order`: a sender's messages come once each and in the order of sending; and there is one order
//!   of all messages with which all that was received agrees.
//! - `membership`: a channel's message comes only to members, from members; joins and parts fit.
//! - `loss`: what was carried out for certain while the recipient was certainly a member has come,
//!   once the recipient's own later PING is answered.
//! - `cause`: a connection that nothing was done to is not ended for its silence.
//! - `settled`, `ghosts`: after healing all live, and channels hold those who joined, nobody else.

use std::collections::{BTreeMap, BTreeSet};

use crate::line::Line;

/// A property that does not hold: its name, and how it was seen.
pub(crate) type Broken = (&'static str, String);

/// One connection of a client, counted over all clients.
pub(crate) type LifeId = usize;

/// A nick: the client's number, and how many others it tried before.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Nick {
    pub(crate) client: u32,
    pub(crate) attempt: u32,
}

impl Nick {
    fn parse(text: &str) -> Option<Self> {
        let (client, attempt) = text.strip_prefix('c')?.split_once('_')?;
        Some(Self { client: client.parse().ok()?, attempt: attempt.parse().ok()? })
    }
}

impl std::fmt::Display for Nick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{}_{}", self.client, self.attempt)
    }
}

/// Where a message goes.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    Channel(u32),
    User(Nick),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "#{channel}"),
            Self::User(nick) => nick.fmt(f),
        }
    }
}

#[derive(Default)]
pub(crate) struct Oracle {
    lives: Vec<Life>,
    messages: Vec<Sent>,
    /// Messages received, over all.
    pub(crate) received: u64,
    /// Messages whose arrival was certain and was checked.
    pub(crate) owed: u64,
}

struct Sent {
    life: LifeId,
    target: Target,
    len: u32,
    at: u64,
    /// Since when the sender knows that it was carried out.
    confirmed: Option<u64>,
    /// Whether the sender was certainly allowed to send it.
    allowed: bool,
}

/// One connection of a client.
#[derive(Default)]
struct Life {
    /// Its nick as it was told, and since when.
    nick: Option<(Nick, u64)>,
    first_rename: Option<u64>,
    channels: BTreeMap<u32, Presence>,
    memberships: Vec<Membership>,
    /// PINGs not yet answered: when, and how many messages were sent before.
    pings: Vec<(u64, usize)>,
    pongs: usize,
    /// When the last PING that was answered was sent.
    barrier: Option<u64>,
    sent: Vec<usize>,
    confirmed: usize,
    heard: Vec<usize>,
    last_from: BTreeMap<LifeId, usize>,
}

/// What a life knows of a channel and did with it.
#[derive(Default)]
struct Presence {
    joins_asked: u32,
    joins_seen: u32,
    parts_asked: u32,
    /// Who is in it, while it is itself.
    members: Option<BTreeSet<Nick>>,
    /// Whether `members` are all.
    complete: bool,
    /// The names of the NAMES reply under way or over.
    names: BTreeSet<Nick>,
}

/// When a life was certainly in a channel.
struct Membership {
    channel: u32,
    from: u64,
    until: u64,
}

/// The text of a message: it can be told from its number alone.
pub(crate) fn text(id: usize, len: u32) -> String {
    let mut text = format!("m{id}-");
    let mut letter = id;
    for _ in 0..len {
        letter = (letter * 5 + 3) % 26;
        text.push(char::from(b'a' + letter as u8));
    }
    text
}

impl Oracle {
    pub(crate) fn begin(&mut self) -> LifeId {
        self.lives.push(Life::default());
        self.lives.len() - 1
    }

    pub(crate) fn nick(&self, life: LifeId) -> Option<Nick> {
        self.lives[life].nick.map(|(nick, _)| nick)
    }

    /// A message is sent: its number.
    pub(crate) fn says(&mut self, life: LifeId, target: Target, len: u32, at: u64) -> usize {
        let allowed = match target {
            Target::User(_) => true,
            Target::Channel(channel) => self.lives[life]
                .memberships
                .iter()
                .any(|member| member.channel == channel && member.until == u64::MAX),
        };
        self.messages.push(Sent { life, target, len, at, confirmed: None, allowed });
        let id = self.messages.len() - 1;
        self.lives[life].sent.push(id);
        id
    }

    /// PING is sent: its token.
    pub(crate) fn pings(&mut self, life: LifeId, at: u64) -> usize {
        let life = &mut self.lives[life];
        life.pings.push((at, life.sent.len()));
        life.pings.len() - 1
    }

    /// Whether each PING of a life has its PONG.
    pub(crate) fn is_answered(&self, life: LifeId) -> bool {
        self.lives[life].pongs == self.lives[life].pings.len()
    }

    pub(crate) fn asks_join(&mut self, life: LifeId, channel: u32) {
        self.lives[life].channels.entry(channel).or_default().joins_asked += 1;
    }

    pub(crate) fn asks_part(&mut self, life: LifeId, channel: u32, at: u64) {
        let life = &mut self.lives[life];
        life.channels.entry(channel).or_default().parts_asked += 1;
        for member in life.memberships.iter_mut().filter(|member| member.channel == channel) {
            member.until = member.until.min(at);
        }
    }

    pub(crate) fn asks_nick(&mut self, life: LifeId, at: u64) {
        self.lives[life].first_rename.get_or_insert(at);
    }

    /// A line has come.
    pub(crate) fn hears(&mut self, id: LifeId, line: &Line<'_>, at: u64) -> Result<(), Broken> {
        match line.command {
            "PRIVMSG" => return self.hears_message(id, line),
            "PONG" => return self.hears_pong(id, line, at),
            _ => {}
        }
        let life = &mut self.lives[id];
        let source = Nick::parse(line.nick);
        let me = life.nick.map(|(nick, _)| nick);
        match (line.command, source) {
            ("001", _) => life.nick = Nick::parse(line.param(0)).map(|nick| (nick, at)),
            ("JOIN", Some(source)) => {
                let channel = channel(line.param(0))?;
                let mine = Some(source) == me && line.user == user(id);
                return life.hears_join(channel, source, mine, at);
            }
            ("PART", Some(source)) => {
                let channel = channel(line.param(0))?;
                let presence = life.channels.entry(channel).or_default();
                presence.leaves(source, "part")?;
                if Some(source) == me {
                    presence.members = None;
                }
            }
            ("QUIT", Some(source)) => {
                for presence in life.channels.values_mut() {
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
                for members in life.channels.values_mut().filter_map(|it| it.members.as_mut()) {
                    if members.remove(&source) && !members.insert(new) {
                        return Err(("membership", format!("two are called {new}")));
                    }
                }
            }
            ("353", _) => {
                let presence = life.channels.entry(channel(line.param(2))?).or_default();
                for name in line.param(3).split(' ').filter(|name| !name.is_empty()) {
                    let nick = name.trim_start_matches(['@', '+']).split('!').next().unwrap_or("");
                    let Some(nick) = Nick::parse(nick) else {
                        return Err(("created", format!("there is nobody called {name:?}")));
                    };
                    presence.names.insert(nick);
                }
            }
            ("366", _) => {
                let presence = life.channels.entry(channel(line.param(1))?).or_default();
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
        let created = || Err(("created", format!("nobody sent this: {line:?}")));
        let number = line.param(1).strip_prefix('m').and_then(|text| text.split('-').next());
        let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else {
            return created();
        };
        let (Some(sent), Some(source)) = (self.messages.get(number), Nick::parse(line.nick)) else {
            return created();
        };
        if text(number, sent.len) != line.param(1)
            || sent.target.to_string() != line.param(0)
            || user(sent.life) != line.user
        {
            return created();
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
                    None => {
                        return Err(("membership", format!("#{channel} speaks to one outside")));
                    }
                    Some(members) if presence.complete && !members.contains(&source) => {
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

    fn hears_pong(&mut self, id: LifeId, line: &Line<'_>, at: u64) -> Result<(), Broken> {
        let life = &mut self.lives[id];
        let token = line.param(1);
        if token.parse() != Ok(life.pongs) || life.pongs >= life.pings.len() {
            return Err(("order", format!("PONG {token} came instead of {}", life.pongs)));
        }
        let (sent_at, messages) = life.pings[life.pongs];
        life.pongs += 1;
        life.barrier = Some(sent_at);
        for message in &life.sent[life.confirmed..messages] {
            self.messages[*message].confirmed = Some(at);
        }
        life.confirmed = messages;
        Ok(())
    }

    /// After healing: `live` are the connections of those who want to be there, with the channels that
    /// each wants to be in. All have asked NAMES for each of them, and sent PING.
    pub(crate) fn settled(&self, live: &[(LifeId, Vec<u32>)]) -> Result<(), Broken> {
        let mut members: BTreeMap<u32, BTreeSet<Nick>> = BTreeMap::new();
        for (id, channels) in live {
            let Some(nick) = self.nick(*id) else {
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
                            "#{channel} holds {expected:?}; life {id} saw {seen:?}, NAMES says {names:?}"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Forgets earlier NAMES replies: the last ones are about to be asked for.
    pub(crate) fn asks_names(&mut self, life: LifeId, channel: u32) {
        self.lives[life].channels.entry(channel).or_default().names.clear();
    }

    /// At the end: nothing that was owed is missing.
    pub(crate) fn nothing_lost(&mut self) -> Result<(), Broken> {
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
    pub(crate) fn one_order(&self) -> Result<(), Broken> {
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
    fn hears_join(
        &mut self,
        channel: u32,
        source: Nick,
        mine: bool,
        at: u64,
    ) -> Result<(), Broken> {
        let presence = self.channels.entry(channel).or_default();
        if mine {
            presence.joins_seen += 1;
            if presence.joins_seen > presence.joins_asked || presence.members.is_some() {
                return Err(("membership", format!("{source} is in #{channel} once too often")));
            }
            presence.members = Some(BTreeSet::from([source]));
            presence.complete = false;
            presence.names.clear();
            if presence.parts_asked < presence.joins_seen {
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
pub(crate) fn user(life: LifeId) -> String {
    format!("~u{life}")
}

fn channel(name: &str) -> Result<u32, Broken> {
    let number = name.strip_prefix('#').and_then(|number| number.parse().ok());
    number.ok_or_else(|| ("created", format!("nobody asked for the channel {name:?}")))
}
