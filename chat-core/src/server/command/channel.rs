//! JOIN, PART, TOPIC, NAMES, LIST, KICK, INVITE.

use alloc::{boxed::Box, vec::Vec};

use super::{Caller, cut};
use crate::{
    network::{Channel, ChannelId, Op},
    server::{
        link::Step,
        pace::Act,
        query::{AllNames, Invites, List, Read},
        rate::Rate,
    },
    wire::{
        ChannelName, Message,
        numeric::{
            ERR_NEEDMOREPARAMS, ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL, ERR_UNAVAILRESOURCE,
            RPL_NOTOPIC, RPL_TOPIC, RPL_TOPICWHOTIME, RPL_TRYAGAIN,
        },
        split_list,
    },
};

/// `JOIN channels [keys]`, `JOIN 0`
pub(super) fn join(caller: &mut Caller<'_>, message: &Message<'_>) {
    let list = message.params()[0];
    if list == b"0" {
        return part_all(caller);
    }
    let mut keys = message.param(1).unwrap_or_default().split(|byte| *byte == b',');
    let mut steps = Vec::new();
    for channel in caller.some_targets(b"JOIN", list) {
        let key = keys.next().filter(|key| !key.is_empty());
        let config = &caller.server.config;
        if ChannelName::new(channel, config.limits.channel_len, config.casemapping).is_none() {
            caller.reply(ERR_NOSUCHCHANNEL, &[channel]);
            continue;
        }
        if caller.pace(Act::Join).is_err() {
            caller.reply(RPL_TRYAGAIN, &[b"JOIN"]);
            break;
        }
        if !caller.may_be_joined(channel) {
            caller.reply(ERR_UNAVAILRESOURCE, &[channel]);
            continue;
        }
        steps.push(Step::Join { channel: channel.into(), key: key.map(Into::into) });
    }
    caller.then(steps);
}

fn part_all(caller: &mut Caller<'_>) {
    let channels = caller.me().map_or_else(Vec::new, |me| me.channels.clone());
    let network = caller.network();
    let names: Vec<_> =
        channels.iter().filter_map(|id| Some(network.channel(*id)?.name.clone())).collect();
    for channel in names {
        caller.propose(Op::Part { channel: &channel, reason: b"" });
    }
}

/// `PART channels [:reason]`
pub(super) fn part(caller: &mut Caller<'_>, message: &Message<'_>) {
    let reason = cut(message.param(1).unwrap_or_default(), caller.server.config.limits.quit_len);
    for channel in caller.some_targets(b"PART", message.params()[0]) {
        caller.propose(Op::Part { channel, reason });
    }
}

/// `TOPIC channel [:text]`
pub(super) fn topic(caller: &mut Caller<'_>, message: &Message<'_>) {
    let name = message.params()[0];
    if let Some(text) = message.param(1) {
        let text = cut(text, caller.server.config.limits.topic_len);
        return caller.propose(Op::Topic { channel: name, text });
    }
    let Some((_, channel)) = caller.find_channel(name) else {
        return caller.reply(ERR_NOSUCHCHANNEL, &[name]);
    };
    let name = channel.name.clone();
    if caller.user_id().is_none_or(|me| channel.member(me).is_none()) {
        return caller.reply(ERR_NOTONCHANNEL, &[&name]);
    }
    match channel.topic.clone() {
        None => caller.reply(RPL_NOTOPIC, &[&name]),
        Some(topic) => {
            caller.reply_text(RPL_TOPIC, &[&name], Some(&topic.text));
            let at = crate::server::query::decimal(topic.at.as_secs());
            caller.reply_text(RPL_TOPICWHOTIME, &[&name, &topic.by, &at], None);
        }
    }
}

/// `NAMES [channels]`; without a channel, all that can be seen.
pub(super) fn names(caller: &mut Caller<'_>, message: &Message<'_>) {
    let Some(list) = message.param(0) else {
        // It costs what LIST does.
        caller.server.spend(caller.conn, 2);
        return caller.then([Step::Read(Read::AllNames(AllNames::default()))]);
    };
    let mut steps = Vec::new();
    for name in caller.targets(list) {
        let read = match caller.find_channel(name) {
            Some((id, channel)) => Read::names(&channel.name, Some(id)),
            None => Read::names(name, None),
        };
        steps.push(Step::Read(read));
    }
    if steps.is_empty() {
        // A list of nothing names no channel, and has an end as any other.
        steps.push(Step::Read(Read::names(list, None)));
    }
    caller.then(steps);
}

/// `LIST [channels or conditions] [conditions]`
pub(super) fn list(caller: &mut Caller<'_>, message: &Message<'_>) {
    let most = caller.server.config.limits.targets;
    let casemapping = caller.network().casemapping();
    let list = List::new(message.params().iter().copied().take(2), most, casemapping);
    caller.then([Step::Read(Read::List(Box::new(list)))]);
}

/// `KICK channel nicks [:reason]`, or as many channels as nicks
pub(super) fn kick(caller: &mut Caller<'_>, message: &Message<'_>) {
    let given = cut(message.param(2).unwrap_or_default(), caller.server.config.limits.kick_len);
    let own = caller.me().map_or_else(Vec::new, |me| me.nick.to_vec());
    let reason = if given.is_empty() { &own } else { given };
    let channels = split_list(message.params()[0]);
    let count = channels.clone().count();
    let nicks = caller.some_targets(b"KICK", message.params()[1]);
    if count > 1 && count != split_list(message.params()[1]).count() {
        return caller.reply(ERR_NEEDMOREPARAMS, &[b"KICK"]);
    }
    // One channel is for all nicks.
    let mut channels = channels.cycle();
    for nick in nicks {
        let Some(channel) = channels.next() else { return };
        caller.propose(Op::Kick { channel, nick, reason });
    }
}

/// `INVITE nick channel`; without parameters, the channels that one is invited to.
pub(super) fn invite(caller: &mut Caller<'_>, message: &Message<'_>) {
    match *message.params() {
        [] => caller.then([Step::Read(Read::Invites(Invites::default()))]),
        [_] => caller.reply(ERR_NEEDMOREPARAMS, &[b"INVITE"]),
        [nick, channel, ..] => match caller.pace(Act::Invite) {
            Ok(()) => caller.propose(Op::Invite { nick, channel }),
            Err(_) => caller.reply(RPL_TRYAGAIN, &[b"INVITE"]),
        },
    }
}

/// `RENAME channel name [:reason]`
pub(super) fn rename(caller: &mut Caller<'_>, message: &Message<'_>) {
    let [channel, to, ..] = *message.params() else { return };
    let most = caller.server.config.limits.channel_len;
    if ChannelName::new(to, most, caller.network().casemapping()).is_none() {
        let text = b"That can not be the name of a channel";
        return caller.fail(b"RENAME", b"CANNOT_RENAME", &[channel, to], text);
    }
    let reason = cut(message.param(2).unwrap_or_default(), caller.server.config.limits.kick_len);
    caller.propose(Op::Rename { channel, to, reason });
}

impl Caller<'_> {
    /// The channel of that name, if it exists to the caller.
    pub(super) fn find_channel(&self, name: &[u8]) -> Option<(ChannelId, &Channel)> {
        let (network, me) = (self.network(), self.user_id()?);
        let id = network.find_channel(name)?;
        let channel = network.channel(id)?;
        channel.is_there_for(me).then_some((id, channel))
    }

    /// Whether one more may join the channel of that name now.
    fn may_be_joined(&mut self, name: &[u8]) -> bool {
        let Some(id) = self.network().find_channel(name) else { return true };
        let limits = &self.server.config.limits;
        let rate = Rate::per_minute(limits.channel_joins_per_minute, limits.channel_joins_burst);
        self.server.joins.take(id, rate, self.server.links.now.mono).is_ok()
    }

    /// Goes on with these steps before the connection's next line.
    pub(in crate::server) fn then(&mut self, steps: impl IntoIterator<Item = Step>) {
        if let Some(link) = self.server.links.get_mut(self.conn) {
            link.steps.extend(steps);
        }
    }
}
