//! What a client knows, built strictly: a line that makes no sense to it is a failure.

use std::collections::{BTreeMap, BTreeSet};

/// One client's picture of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    caps: BTreeSet<String>,
    pub(crate) nick: String,
    pub(crate) closed: bool,
    rooms: BTreeMap<String, Room>,
    /// What is being listed is a channel's picture made anew, not its changes.
    fresh: bool,
}

/// A channel that it is in.
#[derive(Clone, Debug, Default)]
struct Room {
    name: String,
    members: BTreeMap<String, Member>,
    flags: BTreeSet<char>,
    key: Option<String>,
    limit: Option<String>,
    bans: BTreeSet<String>,
    topic: Option<String>,
    /// The modes and the list have been asked for.
    known: bool,
    /// The names have been listed to their end.
    named: bool,
}

/// Somebody in a channel. What it has not been told is `None`.
#[derive(Clone, Debug, Default)]
struct Member {
    nick: String,
    ranks: BTreeSet<char>,
    /// Whether there can be no more ranks than these.
    exact: bool,
    host: Option<String>,
    real: Option<String>,
    away: Option<bool>,
}

const PREFIXES: [(char, char); 5] = [('q', '~'), ('a', '&'), ('o', '@'), ('h', '%'), ('v', '+')];

fn rank_of(prefix: char) -> Option<char> {
    PREFIXES.iter().find(|row| row.1 == prefix).map(|row| row.0)
}

/// The prefixes before a name, as ranks, and the name.
fn ranks(text: &str) -> (BTreeSet<char>, &str) {
    let name = text.trim_start_matches(|c| rank_of(c).is_some());
    (text[..text.len() - name.len()].chars().filter_map(rank_of).collect(), name)
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn put_in<T: Ord + std::fmt::Debug>(set: &mut BTreeSet<T>, item: T, add: bool, line: &str) {
    let said = format!("{item:?}");
    let changed = if add { set.insert(item) } else { set.remove(&item) };
    assert!(changed, "{said} is so already: {line}");
}

impl View {
    fn has(&self, cap: &str) -> bool {
        self.caps.contains(cap)
    }

    /// A channel that has not been asked for.
    pub(crate) fn unknown(&self) -> Option<String> {
        self.rooms.values().find(|room| !room.known).map(|room| room.name.clone())
    }

    pub(crate) fn asked(&mut self, channel: &str) {
        if let Some(room) = self.rooms.get_mut(&fold(channel)) {
            room.known = true;
        }
    }

    pub(crate) fn channels(&self) -> Vec<String> {
        self.rooms.values().map(|room| room.name.clone()).collect()
    }

    /// One that knows of this channel only that it is in it.
    pub(crate) fn blank(&self, channel: &str) -> Self {
        let room = Room { name: channel.into(), ..Room::default() };
        let rooms = BTreeMap::from([(fold(channel), room)]);
        let (caps, nick) = (self.caps.clone(), self.nick.clone());
        Self { caps, nick, rooms, fresh: true, closed: false }
    }

    fn room(&mut self, channel: &str, line: &str) -> &mut Room {
        // A change of case alone is told to those who know RENAME.
        let told = self.has("draft/channel-rename");
        let room = self.rooms.get_mut(&fold(channel));
        let room = room.unwrap_or_else(|| panic!("it is not in that channel: {line}"));
        assert!(!told || room.name == channel, "a channel's name changed its case: {line}");
        room.name = channel.into();
        room
    }

    /// Takes a line that it was sent.
    pub(crate) fn take(&mut self, line: &str) {
        let (source, command, params) = parse(line);
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        let nick = source.split('!').next().unwrap_or_default();
        let mine = !self.nick.is_empty() && nick == self.nick;
        match (command.as_str(), &params[..]) {
            ("CAP", [_, "ACK", cap]) => {
                self.caps.insert((*cap).into());
            }
            ("001", [nick, ..]) => self.nick = (*nick).into(),
            ("JOIN", [channel, rest @ ..]) => self.join(&source, channel, rest.get(1), line),
            ("PART", [channel, ..]) => self.leave(channel, nick, line),
            ("KICK", [channel, who, ..]) => {
                self.known_source(channel, nick, line);
                self.leave(channel, who, line);
            }
            ("QUIT", _) => self.quit(nick, line),
            ("NICK", [new]) => self.rename(nick, new, mine, line),
            ("TOPIC", [channel, text]) => {
                self.known_source(channel, nick, line);
                let topic = (!text.is_empty()).then(|| (*text).into());
                self.room(channel, line).topic = topic;
            }
            ("MODE", [channel, letters, params @ ..]) if channel.starts_with('#') => {
                self.known_source(channel, nick, line);
                self.modes(channel, letters, params, line);
            }
            ("AWAY", text) => {
                self.everywhere(nick, line, |member| member.away = Some(!text.is_empty()));
            }
            ("SETNAME", [real]) if !mine || self.has("setname") => {
                self.everywhere_if_there(nick, |member| member.real = Some((*real).into()));
            }
            ("CHGHOST", [user, host]) => {
                let host = format!("{user}@{host}");
                self.everywhere(nick, line, |member| member.host = Some(host.clone()));
            }
            ("RENAME", [old, new, ..]) => {
                let mut room = self.rooms.remove(&fold(old)).expect("it is in that channel");
                room.name = (*new).into();
                assert!(self.rooms.insert(fold(new), room).is_none(), "two in one: {line}");
            }
            _ => self.numeric(&command, &params, line),
        }
    }

    fn numeric(&mut self, command: &str, params: &[&str], line: &str) {
        match (command, params) {
            ("305" | "306", [nick, ..]) => {
                self.everywhere_if_there(nick, |member| member.away = Some(command == "306"));
            }
            ("331", [_, channel, ..]) => self.room(channel, line).topic = None,
            ("332", [_, channel, text]) => self.room(channel, line).topic = Some((*text).into()),
            ("353", [_, _, channel, names]) => self.names(channel, names, line),
            ("366", [_, channel, ..]) => {
                if let Some(room) = self.rooms.get_mut(&fold(channel)) {
                    room.named = true;
                }
            }
            ("324", [_, channel, letters, params @ ..]) => {
                let room = self.room(channel, line);
                room.flags.clear();
                (room.key, room.limit) = (None, None);
                self.modes(channel, letters, params, line);
            }
            ("367", [_, channel, mask, ..]) => {
                let bans = &mut self.room(channel, line).bans;
                bans.insert((*mask).into());
            }
            ("352", [_, channel, user, host, _, nick, flags, real]) => {
                let (multi, away) = (self.has("multi-prefix"), flags.starts_with('G'));
                let notified = self.has("away-notify") || self.fresh;
                let member = self.room(channel, line).members.get_mut(&fold(nick));
                let member = member.unwrap_or_else(|| panic!("nobody it knows: {line}"));
                assert_eq!(member.nick, *nick, "{line}");
                let host = format!("{user}@{host}");
                assert!(member.host.as_ref().is_none_or(|known| *known == host), "{line}");
                member.host = Some(host);
                member.real = real.split_once(' ').map(|(_, real)| real.into());
                member.away = notified.then_some(away);
                let shown: BTreeSet<char> = flags.chars().filter_map(rank_of).collect();
                let mine = highest(&member.ranks, multi);
                assert_eq!(highest(&shown, multi), mine, "{line}");
            }
            _ => {}
        }
    }

    fn join(&mut self, source: &str, channel: &str, real: Option<&&str>, line: &str) {
        let (nick, host) = source.split_once('!').expect("a user's source");
        let away = self.has("away-notify").then_some(false);
        let member = Member {
            nick: nick.into(),
            ranks: BTreeSet::new(),
            exact: true,
            host: Some(host.into()),
            real: real.map(|real| (**real).into()),
            away,
        };
        if nick == self.nick {
            let room = Room { name: channel.into(), ..Room::default() };
            assert!(self.rooms.insert(fold(channel), room).is_none(), "in it already: {line}");
        } else {
            let room = self.room(channel, line);
            assert!(room.members.insert(fold(nick), member).is_none(), "in it already: {line}");
        }
    }

    fn leave(&mut self, channel: &str, nick: &str, line: &str) {
        let mine = nick == self.nick;
        let room = self.room(channel, line);
        assert!(room.members.remove(&fold(nick)).is_some(), "who is that? {line}");
        if mine {
            self.rooms.remove(&fold(channel));
        }
    }

    fn quit(&mut self, nick: &str, line: &str) {
        let rooms = self.rooms.values_mut();
        let gone = rooms.filter_map(|room| room.members.remove(&fold(nick))).count();
        assert!(gone > 0, "who is that? {line}");
    }

    fn rename(&mut self, old: &str, new: &str, mine: bool, line: &str) {
        let mut found = mine;
        for room in self.rooms.values_mut() {
            let Some(mut member) = room.members.remove(&fold(old)) else { continue };
            assert_eq!(member.nick, old, "{line}");
            member.nick = new.into();
            assert!(room.members.insert(fold(new), member).is_none(), "in use: {line}");
            found = true;
        }
        assert!(found, "who is that? {line}");
        if mine {
            self.nick = new.into();
        }
    }

    fn everywhere(&mut self, nick: &str, line: &str, change: impl Fn(&mut Member)) {
        assert!(self.everywhere_if_there(nick, change), "who is that? {line}");
    }

    fn everywhere_if_there(&mut self, nick: &str, change: impl Fn(&mut Member)) -> bool {
        let rooms = self.rooms.values_mut();
        rooms.filter_map(|room| room.members.get_mut(&fold(nick))).map(change).count() > 0
    }

    fn known_source(&mut self, channel: &str, nick: &str, line: &str) {
        let room = self.room(channel, line);
        let known = room.members.get(&fold(nick)).is_some_and(|member| member.nick == nick);
        assert!(known, "who is that? {line}");
    }

    fn names(&mut self, channel: &str, names: &str, line: &str) {
        let (multi, hosts) = (self.has("multi-prefix"), self.has("userhost-in-names"));
        let room = self.room(channel, line);
        assert!(!room.named, "listed twice: {line}");
        for name in names.split_whitespace() {
            let (ranks, name) = ranks(name);
            let (nick, host) = match name.split_once('!') {
                Some((nick, host)) if hosts => (nick, Some(host.into())),
                _ => (name, None),
            };
            // Below the one prefix that is shown there may be others.
            let exact = multi || ranks.iter().all(|rank| *rank == 'v');
            let member = Member { nick: nick.into(), ranks, exact, host, ..Member::default() };
            assert!(room.members.insert(fold(nick), member).is_none(), "listed twice: {line}");
        }
    }

    /// Takes changes of modes; of a fresh picture, the modes in force.
    fn modes(&mut self, channel: &str, letters: &str, params: &[&str], line: &str) {
        let room = self.room(channel, line);
        let mut params = params.iter();
        let mut param = || (*params.next().unwrap_or_else(|| panic!("too few: {line}"))).to_owned();
        let mut add = true;
        for letter in letters.chars() {
            match letter {
                '+' | '-' => add = letter == '+',
                'q' | 'a' | 'o' | 'h' | 'v' => {
                    let nick = param();
                    let member = room.members.get_mut(&fold(&nick));
                    let member = member.unwrap_or_else(|| panic!("who is that? {line}"));
                    assert_eq!(member.nick, nick, "{line}");
                    if member.exact {
                        put_in(&mut member.ranks, letter, add, line);
                    } else if add {
                        member.ranks.insert(letter);
                    } else {
                        member.ranks.remove(&letter);
                    }
                }
                'b' => put_in(&mut room.bans, param(), add, line),
                'e' | 'I' => drop(param()),
                'k' if add => room.key = Some(param()),
                'k' => {
                    param();
                    assert!(room.key.take().is_some() || !room.known, "no key: {line}");
                }
                'l' if add => room.limit = Some(param()),
                'l' => assert!(room.limit.take().is_some() || !room.known, "no limit: {line}"),
                _ => put_in(&mut room.flags, letter, add, line),
            }
        }
        assert!(params.next().is_none(), "too many: {line}");
    }

    /// Compares what it believes of a channel with what it has just been told.
    pub(crate) fn compare(&self, channel: &str, told: &Self) {
        let (mine, told) = (&self.rooms[&fold(channel)], &told.rooms[&fold(channel)]);
        let who = &self.nick;
        // A change of case alone is told to nobody else.
        assert!(mine.name == told.name || !self.has("draft/channel-rename"));
        assert_eq!(mine.topic, told.topic, "{who}'s topic of {channel}");
        assert_eq!(mine.flags, told.flags, "{who}'s modes of {channel}");
        assert_eq!(mine.key, told.key, "{who}'s key of {channel}");
        assert_eq!(mine.limit, told.limit, "{who}'s limit of {channel}");
        assert_eq!(mine.bans, told.bans, "{who}'s bans of {channel}");
        let nicks = |room: &Room| -> BTreeSet<_> {
            room.members.values().map(|member| member.nick.clone()).collect()
        };
        assert_eq!(nicks(mine), nicks(told), "{who}'s members of {channel}");
        for (nick, member) in &mine.members {
            let (told, what) = (&told.members[nick], format!("{who}'s {nick} in {channel}"));
            if member.exact {
                let multi = self.has("multi-prefix");
                let (mine, told) = (highest(&member.ranks, multi), highest(&told.ranks, multi));
                assert_eq!(mine, told, "{what}: ranks");
            }
            let same = |known: bool| assert!(known, "{what}: {member:?}, but {told:?}");
            same(member.host.is_none() || member.host == told.host);
            same(!self.has("away-notify") || member.away == told.away);
            same(!self.has("setname") || member.real.is_none() || member.real == told.real);
        }
    }
}

/// What is shown of ranks: all of them, or the highest.
fn highest(ranks: &BTreeSet<char>, all: bool) -> Vec<char> {
    let shown = PREFIXES.iter().map(|row| row.0).filter(|rank| ranks.contains(rank));
    shown.take(if all { usize::MAX } else { 1 }).collect()
}

/// Source, command and parameters of a line; tags aside.
fn parse(line: &str) -> (String, String, Vec<String>) {
    let rest = if line.starts_with('@') { line.split_once(' ').map_or("", |x| x.1) } else { line };
    let (source, rest) = match rest.strip_prefix(':') {
        Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
        None => ("", rest),
    };
    let (middle, trailing) = match rest.split_once(" :") {
        Some((middle, trailing)) => (middle, Some(trailing)),
        None => (rest, None),
    };
    let mut words = middle.split_whitespace().map(str::to_owned);
    let command = words.next().unwrap_or_default();
    (source.into(), command, words.chain(trailing.map(str::to_owned)).collect())
}
