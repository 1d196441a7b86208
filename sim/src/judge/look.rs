//! What a user finds by asking: who is in a channel, who is there, who somebody is, which channels
//! there are. Nobody is told of what is hidden from them.

use std::{collections::BTreeSet, ops::Range};

use crate::sometimes::Seen;

use super::{
    commands::Command,
    expect::{Expect, Want},
    list::{Kind, List},
    model::{Channel, ChannelId, Model, Ranks, Step, User, UserId},
    modes,
};

/// Messages of a channel of which none is forgotten, whatever else is kept with them.
const SURELY_KEPT: usize = 200;

/// A question whose answer is a list.
#[derive(Clone, Debug)]
pub(super) enum Look {
    /// Who is in a channel; of none if there was none when it was asked for.
    Names {
        shown: String,
        of: Option<ChannelId>,
    },
    /// The same with more of each.
    Who {
        asked: String,
        of: Option<ChannelId>,
    },
    /// Who there is with such a name.
    WhoLike {
        mask: String,
    },
    /// The user who had this nick when it was asked for.
    WhoIs {
        asked: String,
        user: UserId,
    },
    Whois {
        nick: String,
    },
    /// Channels whose names are like this.
    List {
        mask: String,
    },
    /// What was said in a channel, from one message to before another.
    History {
        shown: String,
        of: ChannelId,
        said: Range<usize>,
    },
}

impl Look {
    fn kind(&self) -> Kind {
        match self {
            Self::Names { .. } => Kind::Names,
            Self::Who { .. } | Self::WhoLike { .. } | Self::WhoIs { .. } => Kind::Who,
            Self::Whois { .. } => Kind::Whois,
            Self::List { .. } => Kind::Channels,
            Self::History { .. } => Kind::History,
        }
    }

    /// What the answer repeats.
    fn of(&self) -> &str {
        match self {
            Self::Names { shown: of, .. }
            | Self::History { shown: of, .. }
            | Self::Who { asked: of, .. }
            | Self::WhoLike { mask: of }
            | Self::WhoIs { asked: of, .. }
            | Self::Whois { nick: of }
            | Self::List { mask: of } => of,
        }
    }
}

impl Model {
    /// NAMES of a channel.
    pub(super) fn ask_names(&self, me: UserId, asked: &str) -> Look {
        let found = self.there_for(me, asked);
        let shown = found.map_or(asked, |channel| &channel.name).to_string();
        Look::Names { shown, of: found.map(|channel| channel.id) }
    }

    /// WHO of a channel, a nick, or a mask.
    pub(super) fn ask_who(&self, asked: &str) -> Look {
        let is_mask = asked.contains(['*', '?']);
        match self.by_nick(asked) {
            _ if asked.starts_with('#') => {
                Look::Who { asked: asked.into(), of: self.channel(asked).map(|found| found.id) }
            }
            Some(user) if !is_mask => Look::WhoIs { asked: asked.into(), user },
            _ => Look::WhoLike { mask: asked.into() },
        }
    }

    /// CHATHISTORY LATEST of a channel, without a point from which on: for its members alone.
    pub(super) fn ask_history(&mut self, me: UserId, command: &Command<'_>) {
        let conn = self.users[&me].conn;
        if !self.has(me, "draft/chathistory") {
            return self.reply(me, "421", &["CHATHISTORY"]);
        }
        let asked = command.param(1);
        let Some(channel) = self.channel(asked).filter(|it| it.members.contains_key(&me)) else {
            self.seen.see(Seen::HistoryRefused);
            let params = ["CHATHISTORY", "INVALID_TARGET", "LATEST", asked];
            let line = Expect::reply(&self.name, "FAIL", &params);
            return self.tell(me, &line);
        };
        let (end, most) = (channel.said.len(), command.param(3).parse().unwrap_or(0));
        let said = end.saturating_sub(most)..end;
        let (shown, of) = (channel.name.clone(), channel.id);
        self.ask(conn, Look::History { shown, of, said });
    }

    /// A piece of an answer; the first of it, if the list has no number yet.
    pub(super) fn look(&mut self, me: UserId, look: Look, list: Option<usize>) {
        let now = self.found(me, &look);
        let list = match list {
            None => {
                self.lists.push(List::new(look.kind(), look.of().into(), now));
                let list = self.lists.len() - 1;
                self.send(self.users[&me].conn, Want::List(list));
                list
            }
            Some(list) => {
                self.lists[list].go_on(now);
                list
            }
        };
        self.later(self.users[&me].conn, Step::Look { look, list: Some(list) });
    }

    /// All that is to be found at this moment, as [`List::items`] reads it.
    fn found(&mut self, me: UserId, look: &Look) -> BTreeSet<String> {
        let mut hidden = None;
        let found = match look {
            Look::Names { of, .. } => {
                let members = self.members(me, *of, &mut hidden).into_iter();
                members.map(|(_, id, ranks)| self.name_of(me, id, ranks)).collect()
            }
            Look::Who { of, .. } => {
                let members = self.members(me, *of, &mut hidden).into_iter();
                members.map(|(at, id, _)| self.who_line(me, id, Some(at))).collect()
            }
            Look::WhoLike { mask } => self.who_like(me, mask, &mut hidden),
            Look::WhoIs { user, .. } if !self.users.contains_key(user) => BTreeSet::new(),
            Look::WhoIs { user, .. } => {
                let at = self.channels_of(me, *user, &mut hidden).into_iter().next();
                BTreeSet::from([self.who_line(me, *user, at)])
            }
            Look::Whois { nick } => match self.by_nick(nick) {
                Some(id) => self.whois(me, id, &mut hidden),
                None => BTreeSet::from([format!("401 {nick}")]),
            },
            Look::List { mask } => self.channels_like(me, mask, &mut hidden),
            Look::History { of, said, .. } => self.said(me, *of, said),
        };
        hidden.into_iter().for_each(|what| self.seen.see(what));
        found
    }

    fn who_like(&self, me: UserId, mask: &str, hidden: &mut Option<Seen>) -> BTreeSet<String> {
        let peers = self.peers_of(me);
        let mut lines = BTreeSet::new();
        for (id, user) in self.users.iter().filter(|(_, user)| self.is_like(mask, user)) {
            if user.invisible && *id != me && !peers.contains(id) {
                *hidden = Some(Seen::InvisibleUnseen);
                continue;
            }
            let at = self.channels_of(me, *id, hidden).into_iter().next();
            lines.insert(self.who_line(me, *id, at));
        }
        lines
    }

    fn channels_like(&self, me: UserId, mask: &str, hidden: &mut Option<Seen>) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for Channel { name, members, topic, flags, .. } in self.channels.values() {
            if !modes::matches(mask.as_bytes(), name.as_bytes()) {
                continue;
            }
            if flags.contains(&'s') && !members.contains_key(&me) {
                *hidden = Some(Seen::SecretUnseen);
                continue;
            }
            let topic = topic.as_ref().map_or("", |(text, _)| text);
            lines.insert(format!("322 {name} {} {topic}", members.len()));
        }
        lines
    }

    /// What was said in a channel, as long as one is in it.
    fn said(&self, me: UserId, of: ChannelId, said: &Range<usize>) -> BTreeSet<String> {
        let channel = self.channels.values().find(|channel| channel.id == of);
        let Some(channel) = channel.filter(|channel| channel.members.contains_key(&me)) else {
            return BTreeSet::new();
        };
        let kept = channel.said.len().saturating_sub(SURELY_KEPT);
        channel.said[said.start.max(kept)..said.end.max(kept)].iter().cloned().collect()
    }

    /// The members of a channel whom somebody may see in it.
    fn members(
        &self,
        me: UserId,
        of: Option<ChannelId>,
        hidden: &mut Option<Seen>,
    ) -> Vec<(&Channel, UserId, Ranks)> {
        let mut seen = Vec::new();
        if let Some(channel) = self.channels.values().find(|channel| Some(channel.id) == of) {
            for (id, ranks) in &channel.members {
                match self.is_hidden(me, channel, *id) {
                    None => seen.push((channel, *id, *ranks)),
                    what => *hidden = what,
                }
            }
        }
        seen
    }

    /// The channels of a user in which somebody may see it, in the order in which it came there.
    fn channels_of(&self, me: UserId, id: UserId, hidden: &mut Option<Seen>) -> Vec<&Channel> {
        let mut channels = Vec::new();
        for channel in self.channels.values().filter(|it| it.members.contains_key(&id)) {
            match self.is_hidden(me, channel, id) {
                None => channels.push(channel),
                what => *hidden = what,
            }
        }
        channels.sort_by_key(|channel| channel.members[&id].since);
        channels
    }

    /// Why somebody may not know that a user is in a channel.
    fn is_hidden(&self, me: UserId, channel: &Channel, id: UserId) -> Option<Seen> {
        if me == id || channel.members.contains_key(&me) {
            None
        } else if channel.flags.contains(&'s') {
            Some(Seen::SecretUnseen)
        } else {
            self.users[&id].invisible.then_some(Seen::InvisibleUnseen)
        }
    }

    fn is_like(&self, mask: &str, user: &User) -> bool {
        let names = [&user.nick, &user.user, &user.host, &user.real, &self.name];
        names.iter().any(|name| modes::matches(mask.as_bytes(), name.as_bytes()))
    }

    fn prefixes(&self, viewer: UserId, ranks: Ranks) -> &'static str {
        match (ranks.op, ranks.voice) {
            (true, true) if self.has(viewer, "multi-prefix") => "@+",
            (true, _) => "@",
            (false, true) => "+",
            (false, false) => "",
        }
    }

    fn name_of(&self, viewer: UserId, id: UserId, ranks: Ranks) -> String {
        let user = &self.users[&id];
        let long = self.has(viewer, "userhost-in-names");
        let name = if long { user.source() } else { user.nick.clone() };
        format!("{}{name}", self.prefixes(viewer, ranks))
    }

    fn who_line(&self, viewer: UserId, id: UserId, at: Option<&Channel>) -> String {
        let User { nick, user, host, real, away, .. } = &self.users[&id];
        let channel = at.map_or("*", |channel| &channel.name);
        let here = if away.is_some() { "G" } else { "H" };
        let prefixes = at.map_or("", |channel| self.prefixes(viewer, channel.members[&id]));
        format!("352 {channel} {user} {host} {} {nick} {here}{prefixes} 0 {real}", self.name)
    }

    fn whois(&self, me: UserId, id: UserId, hidden: &mut Option<Seen>) -> BTreeSet<String> {
        let User { nick, user, host, real, away, .. } = &self.users[&id];
        let mut lines = vec![format!("311 {nick} {user} {host} * {real}")];
        for channel in self.channels_of(me, id, hidden) {
            let prefixes = self.prefixes(me, channel.members[&id]);
            lines.push(format!("319 {nick} {prefixes}{}", channel.name));
        }
        lines.extend(["312", "317"].map(|numeric| format!("{numeric} {nick}")));
        if me == id {
            lines.extend(["338", "379"].map(|numeric| format!("{numeric} {nick}")));
        }
        lines.extend(away.as_ref().map(|away| format!("301 {nick} {away}")));
        lines.into_iter().collect()
    }
}
