//! What each command does, as the specification has it.

use chat_core::ConnId;

use crate::sometimes::Seen;

use super::{
    expect::Expect,
    look::Look,
    model::{Channel, Model, Ranks, Step, UserId},
    modes,
};

/// A client's line, taken apart.
pub(super) struct Command<'a> {
    pub(super) label: Option<&'a str>,
    pub(super) name: String,
    pub(super) params: Vec<&'a str>,
}

impl<'a> Command<'a> {
    /// Reads a line as an honest client writes it.
    pub(super) fn read(line: &'a str) -> Option<Self> {
        let (tags, line) = match line.strip_prefix('@') {
            Some(tagged) => tagged.split_once(' ')?,
            None => ("", line),
        };
        let label = tags.split(';').find_map(|tag| tag.strip_prefix("label="));
        let (line, last) = line.split_once(" :").map_or((line, None), |(a, b)| (a, Some(b)));
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let name = words.next()?.to_ascii_uppercase();
        Some(Self { label, name, params: words.chain(last).collect() })
    }

    pub(super) fn param(&self, at: usize) -> &'a str {
        self.params.get(at).copied().unwrap_or("")
    }
}

impl Model {
    /// A connection's line is carried out.
    pub(super) fn carry_out(&mut self, conn: ConnId, line: &str) {
        let peer = self.peers.entry(conn).or_default();
        // What was left of the last command is over.
        peer.steps.clear();
        let Some(command) = Command::read(line) else { return };
        let Some(me) = peer.user else { return self.before_registration(conn, &command) };
        self.active = Some(conn);
        let labels = self.has(me, "labeled-response") && self.has(me, "batch");
        if let Some(label) = command.label.filter(|_| labels) {
            self.begin_response(conn, label);
        }
        let channel = command.param(0);
        match command.name.as_str() {
            "PRIVMSG" | "NOTICE" => self.message(me, &command),
            "JOIN" => {
                let key = command.params.get(1).map(ToString::to_string);
                self.later(conn, Step::Join { channel: channel.into(), key });
            }
            "PART" => self.part(me, channel, command.param(1)),
            "KICK" => self.kick(me, &command),
            "TOPIC" => self.topic(me, channel, command.params.get(1).copied()),
            "INVITE" => self.invite(me, command.param(0), command.param(1)),
            "MODE" => self.mode(me, &command),
            "NAMES" => self.ask(conn, self.ask_names(me, channel)),
            "WHO" => self.ask(conn, self.ask_who(channel)),
            "WHOIS" => self.ask(conn, Look::Whois { nick: channel.into() }),
            "CHATHISTORY" => self.ask_history(me, &command),
            "LIST" => self.ask(conn, Look::List { mask: channel.into() }),
            "NICK" => self.change_nick(me, command.param(0)),
            "AWAY" => self.away(me, command.param(0)),
            "PING" => {
                let pong = Expect::event(&self.name, "PONG", &[&self.name, command.param(0)]);
                self.tell(me, &pong);
            }
            // Its answer is that the connection ends.
            "QUIT" => return,
            _ => {}
        }
        self.finish_unless_busy(conn);
    }

    /// A further step of a connection's command.
    pub(super) fn step(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let (Some(me), Some(step)) = (peer.user, peer.steps.pop_front()) else { return };
        self.active = Some(conn);
        match step {
            Step::Join { channel, key } => self.join(me, &channel, key.as_deref()),
            Step::Arrival { channel, line } => self.arrival(me, &channel, line),
            Step::Look { look, list } => self.look(me, look, list),
        }
        self.finish_unless_busy(conn);
    }

    /// The answer that a list is ends when the list begins.
    fn finish_unless_busy(&mut self, conn: ConnId) {
        let steps = self.peers.get(&conn).map(|peer| &peer.steps);
        if !steps.is_some_and(|steps| steps.iter().any(Step::is_owed)) {
            self.finish(conn);
        }
        self.active = None;
    }

    /// A question whose answer is a list.
    pub(super) fn ask(&mut self, conn: ConnId, look: Look) {
        self.later(conn, Step::Look { look, list: None });
    }

    pub(super) fn later(&mut self, conn: ConnId, step: Step) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.steps.push_back(step);
        }
    }

    fn before_registration(&mut self, conn: ConnId, command: &Command<'_>) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        match (command.name.as_str(), command.param(0)) {
            ("CAP", "REQ") => peer.caps.extend(command.param(1).split(' ').map(Into::into)),
            ("NICK", nick) => peer.nicks.push(nick.into()),
            ("USER", _) => peer.real = command.param(3).into(),
            _ => {}
        }
    }

    pub(super) fn reply(&mut self, me: UserId, numeric: &str, params: &[&str]) {
        self.count(numeric);
        self.numeric(me, numeric, params, Expect::reply);
    }

    /// Counts the refusals that are of interest.
    fn count(&mut self, numeric: &str) {
        self.seen.see(match numeric {
            "401" => Seen::MessageToNobody,
            "404" => Seen::MessageRefused,
            "471" => Seen::JoinOfFull,
            "473" => Seen::JoinUninvited,
            "474" => Seen::JoinBanned,
            "475" => Seen::JoinWithoutKey,
            "482" => Seen::NotPermitted,
            _ => return,
        });
    }

    /// A reply whose last parameter is known.
    pub(super) fn exact(&mut self, me: UserId, numeric: &str, params: &[&str]) {
        self.numeric(me, numeric, params, Expect::event);
    }

    fn numeric(
        &mut self,
        me: UserId,
        numeric: &str,
        params: &[&str],
        line: fn(&str, &str, &[&str]) -> Expect,
    ) {
        let nick = self.users[&me].nick.clone();
        let all: Vec<&str> = std::iter::once(&*nick).chain(params.iter().copied()).collect();
        let line = line(&self.name, numeric, &all);
        self.tell(me, &line);
    }

    pub(super) fn event(&self, me: UserId, command: &str, params: &[&str]) -> Expect {
        Expect::event(&self.users[&me].source(), command, params)
    }

    fn message(&mut self, me: UserId, command: &Command<'_>) {
        let (target, text) = (command.param(0), command.param(1));
        let silent = command.name == "NOTICE";
        let echo = self.has(me, "echo-message");
        if target.starts_with('#') {
            let Some(channel) = self.channel(target) else {
                return self.refuse(me, silent, "403", target);
            };
            let name = channel.name.clone();
            if !self.may_speak(me, channel) {
                return self.refuse(me, silent, "404", &name);
            }
            let line = self.event(me, &command.name, &[&name, text]);
            let said = format!("{} {} {name} {text}", self.users[&me].source(), command.name);
            if let Some(channel) = self.channel_mut(&name) {
                channel.said.push(said);
            }
            self.tell_channel(&name, Some(me), &line);
            if echo {
                self.tell(me, &line);
            }
            return;
        }
        let Some(to) = self.by_nick(target) else {
            return self.refuse(me, silent, "401", target);
        };
        let (nick, away) = (self.users[&to].nick.clone(), self.users[&to].away.clone());
        let line = self.event(me, &command.name, &[&nick, text]);
        if echo {
            self.tell(me, &line);
        }
        self.tell(to, &line);
        if let Some(away) = away.filter(|_| !silent) {
            self.exact(me, "301", &[&nick, &away]);
        }
    }

    /// A NOTICE is never answered.
    fn refuse(&mut self, me: UserId, silent: bool, numeric: &str, what: &str) {
        if !silent {
            self.reply(me, numeric, &[what]);
        }
    }

    fn may_speak(&self, me: UserId, channel: &Channel) -> bool {
        match channel.members.get(&me) {
            Some(ranks) if ranks.op || ranks.voice => true,
            None if channel.flags.contains(&'n') => false,
            _ => !channel.flags.contains(&'m') && !self.is_banned(me, channel),
        }
    }

    fn is_banned(&self, me: UserId, channel: &Channel) -> bool {
        let source = self.users[&me].source();
        channel.bans.iter().any(|mask| modes::matches(mask.as_bytes(), source.as_bytes()))
    }

    fn join(&mut self, me: UserId, asked: &str, key: Option<&str>) {
        let mut invited = false;
        if let Some(channel) = self.channel(asked) {
            if channel.members.contains_key(&me) {
                return;
            }
            let wrong_key = channel.key.as_deref().is_some_and(|wanted| key != Some(wanted));
            let refusal = if channel.invited.contains(&me) {
                invited = channel.flags.contains(&'i');
                None
            } else if self.is_banned(me, channel) {
                Some("474")
            } else if channel.flags.contains(&'i') {
                Some("473")
            } else if wrong_key {
                Some("475")
            } else {
                let is_full = channel.limit.is_some_and(|limit| channel.members.len() >= limit);
                is_full.then_some("471")
            };
            if let Some(refusal) = refusal {
                let name = channel.name.clone();
                return self.reply(me, refusal, &[&name]);
            }
        }
        if invited {
            self.seen.see(Seen::JoinInvited);
        }
        if self.ended.remove(&asked.to_ascii_lowercase()) {
            self.seen.see(Seen::ChannelAgain);
        }
        let id = self.next_channel;
        self.next_channel += 1;
        let new = || Channel {
            id,
            name: asked.into(),
            members: Default::default(),
            topic: None,
            flags: "nt".chars().collect(),
            key: None,
            limit: None,
            bans: Vec::new(),
            invited: Default::default(),
            said: Vec::new(),
        };
        let channel = self.channels.entry(asked.to_ascii_lowercase()).or_insert_with(new);
        let op = channel.members.is_empty();
        channel.members.insert(me, Ranks { since: id, op, voice: false });
        channel.invited.remove(&me);
        let name = channel.name.clone();
        let members: Vec<UserId> = channel.members.keys().copied().collect();
        let plain = self.event(me, "JOIN", &[&name]);
        let extended = self.event(me, "JOIN", &[&name, "*", &self.users[&me].real]);
        for member in members {
            let line = if self.has(member, "extended-join") { &extended } else { &plain };
            self.tell(member, line);
        }
        if let Some(away) = self.users[&me].away.clone() {
            let line = self.event(me, "AWAY", &[&away]);
            let others: Vec<UserId> = self.channels[&asked.to_ascii_lowercase()]
                .members
                .keys()
                .copied()
                .filter(|other| *other != me && self.has(*other, "away-notify"))
                .collect();
            others.into_iter().for_each(|other| self.tell(other, &line));
        }
        self.later(self.users[&me].conn, Step::Arrival { channel: name, line: 0 });
    }

    /// A piece of what a newcomer is told of a channel: its topic, who set it, a pause, the names.
    fn arrival(&mut self, me: UserId, name: &str, line: u8) {
        let conn = self.users[&me].conn;
        let Some(channel) = self.channel(name).filter(|it| it.members.contains_key(&me)) else {
            return;
        };
        let id = channel.id;
        match (line, channel.topic.clone()) {
            (0, Some((text, _))) => self.exact(me, "332", &[name, &text]),
            (1, Some((_, by))) => self.reply(me, "333", &[name, &by]),
            // Without a topic both lines fall away.
            _ if line < 2 => {
                return self.later(conn, Step::Arrival { channel: name.into(), line: 3 });
            }
            _ => {}
        }
        self.later(
            conn,
            match line {
                0..3 => Step::Arrival { channel: name.into(), line: line + 1 },
                _ => Step::Look {
                    look: Look::Names { shown: name.into(), of: Some(id) },
                    list: None,
                },
            },
        );
    }

    /// A channel, unless it is secret to this user.
    pub(super) fn there_for(&self, me: UserId, asked: &str) -> Option<&Channel> {
        let is_member = |channel: &Channel| channel.members.contains_key(&me);
        self.channel(asked).filter(|it| !it.flags.contains(&'s') || is_member(it))
    }

    /// The channel's name, if it exists and this is a member of it.
    pub(super) fn joined(&mut self, me: UserId, asked: &str) -> Option<String> {
        let Some(channel) = self.channel(asked) else {
            self.reply(me, "403", &[asked]);
            return None;
        };
        let (name, is_member) = (channel.name.clone(), channel.members.contains_key(&me));
        if !is_member {
            self.reply(me, "442", &[&name]);
            return None;
        }
        Some(name)
    }

    pub(super) fn is_op(&self, me: UserId, name: &str) -> bool {
        self.channel(name).and_then(|it| it.members.get(&me)).is_some_and(|ranks| ranks.op)
    }

    fn part(&mut self, me: UserId, asked: &str, reason: &str) {
        let Some(name) = self.joined(me, asked) else { return };
        let params = if reason.is_empty() { &[&*name][..] } else { &[&*name, reason] };
        let line = self.event(me, "PART", params);
        self.tell_channel(&name, None, &line);
        self.leave(me, &name);
    }

    fn kick(&mut self, me: UserId, command: &Command<'_>) {
        let Some(name) = self.joined(me, command.param(0)) else { return };
        if !self.is_op(me, &name) {
            return self.reply(me, "482", &[&name]);
        }
        let asked = command.param(1);
        let Some(target) = self.by_nick(asked) else {
            self.seen.see(Seen::KickOfNobody);
            return self.reply(me, "401", &[asked]);
        };
        if self.channel(&name).is_none_or(|it| !it.members.contains_key(&target)) {
            self.seen.see(Seen::KickTooLate);
            return self.reply(me, "441", &[asked, &name]);
        }
        self.seen.see(Seen::Kicked);
        let (nick, own) = (self.users[&target].nick.clone(), self.users[&me].nick.clone());
        let reason = command.params.get(2).map_or(&*own, |reason| reason);
        let line = self.event(me, "KICK", &[&name, &nick, reason]);
        self.tell_channel(&name, None, &line);
        self.leave(target, &name);
    }

    fn topic(&mut self, me: UserId, asked: &str, text: Option<&str>) {
        let Some(text) = text else { return self.ask_topic(me, asked) };
        let Some(name) = self.joined(me, asked) else { return };
        let is_op = self.is_op(me, &name);
        let by = self.users[&me].source();
        let Some(channel) = self.channel_mut(&name) else { return };
        if channel.flags.contains(&'t') && !is_op {
            return self.reply(me, "482", &[&name]);
        }
        channel.topic = (!text.is_empty()).then(|| (text.into(), by));
        let line = self.event(me, "TOPIC", &[&name, text]);
        self.tell_channel(&name, None, &line);
    }

    fn ask_topic(&mut self, me: UserId, asked: &str) {
        let Some(channel) = self.there_for(me, asked) else {
            return self.reply(me, "403", &[asked]);
        };
        let name = channel.name.clone();
        match channel.topic.clone() {
            _ if !channel.members.contains_key(&me) => self.reply(me, "442", &[&name]),
            None => self.reply(me, "331", &[&name]),
            Some((text, by)) => {
                self.exact(me, "332", &[&name, &text]);
                self.reply(me, "333", &[&name, &by]);
            }
        }
    }

    fn invite(&mut self, me: UserId, asked: &str, channel: &str) {
        let Some(target) = self.by_nick(asked) else { return self.reply(me, "401", &[asked]) };
        let Some(name) = self.joined(me, channel) else { return };
        let is_op = self.is_op(me, &name);
        let (nick, away) = (self.users[&target].nick.clone(), self.users[&target].away.clone());
        let Some(found) = self.channel_mut(&name) else { return };
        if found.members.contains_key(&target) {
            return self.reply(me, "443", &[&nick, &name]);
        }
        if found.flags.contains(&'i') && !is_op {
            return self.reply(me, "482", &[&name]);
        }
        if is_op {
            found.invited.insert(target);
        }
        let ops_alone = found.flags.contains(&'i');
        let told: Vec<UserId> = found
            .members
            .iter()
            .filter(|(id, ranks)| **id != me && (ranks.op || !ops_alone))
            .map(|(id, _)| *id)
            .collect();
        self.exact(me, "341", &[&nick, &name]);
        if let Some(away) = away {
            self.exact(me, "301", &[&nick, &away]);
        }
        let line = self.event(me, "INVITE", &[&nick, &name]);
        self.tell(target, &line);
        for id in told.into_iter().filter(|id| self.has(*id, "invite-notify")).collect::<Vec<_>>() {
            self.tell(id, &line);
        }
    }

    fn change_nick(&mut self, me: UserId, nick: &str) {
        if self.by_nick(nick).is_some_and(|holder| holder != me) {
            return self.reply(me, "433", &[nick]);
        }
        if self.users[&me].nick == nick {
            return;
        }
        let line = self.event(me, "NICK", &[nick]);
        for peer in self.peers_of(me) {
            self.tell(peer, &line);
        }
        self.tell(me, &line);
        if let Some(user) = self.users.get_mut(&me) {
            user.nick = nick.into();
        }
    }

    fn away(&mut self, me: UserId, text: &str) {
        let Some(user) = self.users.get_mut(&me) else { return };
        let new = (!text.is_empty()).then(|| text.to_string());
        let changed = user.away != new;
        user.away = new;
        self.reply(me, if text.is_empty() { "305" } else { "306" }, &[]);
        if changed {
            let params = if text.is_empty() { &[][..] } else { &[text][..] };
            let line = self.event(me, "AWAY", params);
            for peer in self.peers_of(me) {
                if self.has(peer, "away-notify") {
                    self.tell(peer, &line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let command = Command::read("@label=3 kick #a bob :so long").expect("it is a line");
        assert_eq!((command.label, &*command.name), (Some("3"), "KICK"));
        assert_eq!(command.params, ["#a", "bob", "so long"]);
    }
}
