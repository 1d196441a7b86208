//! What a user finds by asking: who is in a channel, who is there, who somebody is, which channels
//! there are. Nobody is told of what is hidden from them.

use std::collections::BTreeSet;

use crate::sometimes::Seen;

use super::{
    expect::Want,
    list::{Kind, List},
    model::{Channel, ChannelId, Model, Ranks, Step, User, UserId},
    modes,
};

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
}

impl Look {
    fn kind(&self) -> Kind {
        match self {
            Self::Names { .. } => Kind::Names,
            Self::Who { .. } | Self::WhoLike { .. } | Self::WhoIs { .. } => Kind::Who,
            Self::Whois { .. } => Kind::Whois,
            Self::List { .. } => Kind::Channels,
        }
    }

    /// What the answer repeats.
    fn of(&self) -> &str {
        match self {
            Self::Names { shown: of, .. }
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
                let members = self.members(me, *of, &mut hidden);
                members.map(|(_, id, ranks)| self.name_of(me, id, ranks)).collect()
            }
            Look::Who { of, .. } => {
                let members = self.members(me, *of, &mut hidden);
                members.map(|(at, id, _)| self.who_line(me, id, Some(at))).collect()
            }
            Look::WhoLike { mask } => {
                let mut like = Vec::new();
                for (id, user) in &self.users {
                    if !self.is_like(mask, user) {
                    } else if !user.invisible || *id == me || self.peers_of(me).contains(id) {
                        like.push(*id);
                    } else {
                        hidden = Some(Seen::InvisibleUnseen);
                    }
                }
                let shown = |id| (id, self.channels_of(me, id, &mut hidden).into_iter().next());
                let shown: Vec<_> = like.into_iter().map(shown).collect();
                shown.into_iter().map(|(id, at)| self.who_line(me, id, at)).collect()
            }
            Look::WhoIs { user, .. } if !self.users.contains_key(user) => BTreeSet::new(),
            Look::WhoIs { user, .. } => {
                let at = self.channels_of(me, *user, &mut hidden).into_iter().next();
                BTreeSet::from([self.who_line(me, *user, at)])
            }
            Look::Whois { nick } => match self.by_nick(nick) {
                Some(id) => self.whois(me, id, &mut hidden),
                None => BTreeSet::from([format!("401 {nick}")]),
            },
            Look::List { mask } => {
                let mut lines = BTreeSet::new();
                for Channel { name, members, topic, flags, .. } in self.channels.values() {
                    if !modes::matches(mask.as_bytes(), name.as_bytes()) {
                    } else if flags.contains(&'s') && !members.contains_key(&me) {
                        hidden = Some(Seen::SecretUnseen);
                    } else {
                        let topic = topic.as_ref().map_or("", |(text, _)| text);
                        lines.insert(format!("322 {name} {} {topic}", members.len()));
                    }
                }
                lines
            }
        };
        hidden.into_iter().for_each(|what| self.seen.see(what));
        found
    }

    /// The members of a channel whom somebody may see in it.
    fn members<'a>(
        &'a self,
        me: UserId,
        of: Option<ChannelId>,
        hidden: &mut Option<Seen>,
    ) -> impl Iterator<Item = (&'a Channel, UserId, Ranks)> + use<'a> {
        let mut seen = Vec::new();
        if let Some(channel) = self.channels.values().find(|channel| Some(channel.id) == of) {
            for (id, ranks) in &channel.members {
                match self.is_hidden(me, channel, *id) {
                    None => seen.push((channel, *id, *ranks)),
                    what => *hidden = what,
                }
            }
        }
        seen.into_iter()
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
