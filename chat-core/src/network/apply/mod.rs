//! Operations carried out: every change of shared state and every refusal.

mod channel;
mod history;
mod message;
mod metadata;
mod mode;
mod operator;
mod redact;
mod rename;
mod server_ban;
mod umode;
mod user;

pub(crate) use self::server_ban::BanChange;
use super::{
    Audience, Channel, ChannelId, Delivery, Entry, Event, Network, Op, Origin, Sink, User, UserId,
};
use crate::{
    UnixMillis,
    wire::{
        Numeric, Severity, Standard,
        numeric::{ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL},
    },
};
use hashbrown::HashTable;

impl Network {
    /// Carries out the entry at place `sequence` of the log. The only way that the state changes.
    ///
    /// All that follows goes to `sink`, in order; it never comes back in here.
    pub(crate) fn apply(&mut self, sequence: u64, entry: &Entry<'_>, sink: &mut dyn Sink) {
        self.state.sequence = sequence;
        self.state.time = self.state.time.max(entry.time);
        let origin = &entry.origin;
        match &entry.op {
            Op::Found { key, config } => {
                self.state.key = *key;
                self.state.config = config.clone();
                self.sessions = HashTable::new();
                return;
            }
            Op::Configure(config) => {
                self.state.config = config.clone();
                self.state.history.hold(self.bounds());
                return;
            }
            Op::SetBans(bans) => return self.set_bans(bans),
            Op::NodeUp { node, epoch } => {
                self.state.epochs.insert(*node, *epoch);
                self.quit_older_epochs(*node, *epoch, &mut Turn::new(entry, sink));
                return;
            }
            _ => {}
        }
        let user = origin
            .user
            .filter(|id| self.user(*id).is_some_and(|user| user.session == origin.session))
            .or_else(|| self.find_session(origin.session));
        let turn = &mut Turn::new(entry, sink);
        let Some(me) = user else {
            if let Op::Register { nick, user, host, real, away, metadata } = &entry.op {
                self.register(nick, user, host, real, (*away, metadata), turn);
            }
            return;
        };
        match &entry.op {
            Op::Found { .. }
            | Op::Configure(_)
            | Op::SetBans(_)
            | Op::NodeUp { .. }
            | Op::Register { .. } => {}
            Op::Ban { target, seconds, reason } => self.ban(me, target, *seconds, reason, turn),
            Op::Unban { target } => self.unban(me, target, turn),
            Op::Nick(nick) => self.change_nick(me, nick, turn),
            Op::Join { channel, key } => self.join(me, channel, *key, turn),
            Op::Part { channel, reason } => self.part(me, channel, reason, turn),
            Op::Message { kind, target, text, tags } => {
                self.message(me, *kind, target, text, tags, turn);
            }
            Op::Redact { target, msgid, reason } => self.redact(me, target, msgid, *reason, turn),
            Op::Rename { channel, to, reason } => self.rename(me, channel, to, reason, turn),
            Op::Topic { channel, text } => self.set_topic(me, channel, text, turn),
            Op::ChannelMode { channel, changes } => self.channel_mode(me, channel, changes, turn),
            Op::UserMode { changes } => self.user_mode(me, changes, turn),
            Op::Kick { channel, nick, reason } => self.kick(me, channel, nick, reason, turn),
            Op::Invite { nick, channel } => self.invite(me, nick, channel, turn),
            Op::Away(message) => self.set_away(me, message, turn),
            Op::SetName(real) => self.set_name(me, real, turn),
            Op::SetMetadata { target, key, value } => {
                self.set_metadata(me, target, key, *value, turn);
            }
            Op::ClearMetadata { target } => self.clear_metadata(me, target, turn),
            Op::Oper { name } => self.make_oper(me, name, turn),
            Op::Kill { nick, reason } => self.kill(me, nick, reason, turn),
            Op::Wallops { text } => self.wallops(me, text, turn),
            Op::Quit { reason } => self.quit(me, reason, false, turn),
        }
    }

    /// The channel of that name that the origin is in; else the refusal is told.
    fn joined_channel(&self, me: UserId, name: &[u8], turn: &mut Turn<'_>) -> Option<ChannelId> {
        let Some(id) = self.find_channel(name) else {
            turn.reply(self, ERR_NOSUCHCHANNEL, &[name]);
            return None;
        };
        let channel = self.channel(id)?;
        if channel.member(me).is_none() {
            turn.reply(self, ERR_NOTONCHANNEL, &[&channel.name]);
            return None;
        }
        Some(id)
    }

    /// Takes a user out of a channel; an empty channel ends.
    fn leave(&mut self, user: UserId, id: ChannelId) {
        if let Some(user) = self.state.users.get_mut(user) {
            user.channels.retain(|other| *other != id);
        }
        let Some(channel) = self.state.channels.get_mut(id) else { return };
        channel.remove(user);
        if channel.members.is_empty() && !mutant!(EmptyChannelStays) {
            self.forget_channel(id);
            let Some(gone) = self.state.channels.remove(id) else { return };
            self.forget_metadata(&gone.metadata);
            self.state.list_bytes -= gone.list_cost();
            if let Some(ring) = gone.history {
                self.state.history.close(ring);
            }
        }
    }

    fn user_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.state.users.get_mut(id)
    }

    fn channel_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.state.channels.get_mut(id)
    }
}

/// One entry on its way through `apply`: where its effects go.
struct Turn<'t> {
    origin: &'t Origin,
    /// The wall clock when the entry was made; unlike the network's time, it may have gone back.
    wall: UnixMillis,
    sink: &'t mut dyn Sink,
    events: u32,
}

impl<'t> Turn<'t> {
    fn new(entry: &'t Entry<'_>, sink: &'t mut dyn Sink) -> Self {
        Self { origin: &entry.origin, wall: entry.time, sink, events: 0 }
    }

    fn tell(&mut self, network: &Network, audience: Audience<'_>, event: Event<'_>) {
        let delivery = Delivery {
            event,
            audience,
            time: network.state.time,
            place: network.place(self.events),
        };
        self.sink.deliver(network, &delivery);
    }

    /// The next event has the next msgid.
    fn next_event(&mut self) {
        self.events += 1;
    }

    fn reply(&mut self, network: &Network, numeric: Numeric, params: &[&[u8]]) {
        self.sink.reply(network, self.origin, numeric, params);
    }

    /// Refuses with FAIL: a code for software, the words that it is about, a text for people.
    fn fail(&mut self, command: &[u8], code: &[u8], context: &[&[u8]], text: &[u8]) {
        let reply = Standard { severity: Severity::Fail, command, code, context, text };
        self.sink.standard(self.origin, &reply);
    }
}
