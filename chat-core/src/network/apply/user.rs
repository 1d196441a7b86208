//! Operations on users: register, nick, away, real name, oper, quit.

use alloc::vec::Vec;

use super::{
    super::{
        Audience, Event, ItemKind, KeyValue, Network, State, User, UserId, UserModes, names_of,
        text,
    },
    Turn,
};
use crate::wire::numeric::{ERR_NICKNAMEINUSE, RPL_NOWAWAY, RPL_UNAWAY, RPL_YOUREOPER};

impl Network {
    pub(super) fn register(
        &mut self,
        nick: &[u8],
        user: &[u8],
        host: &[u8],
        real: &[u8],
        (away, metadata): (Option<&[u8]>, &[KeyValue<'_>]),
        turn: &mut Turn<'_>,
    ) {
        let cloak = self.cloak_of(host);
        let names = names_of(user, cloak.as_deref().unwrap_or(host), host);
        if let Some(ban) = self.ban_of_user(&names, turn.wall) {
            turn.sink.barred(self, turn.origin, &ban.reason);
            return;
        }
        if self.nick_holder(nick, None).is_some() {
            turn.sink.refused(self, turn.origin, nick);
            return;
        }
        let metadata = self.first_metadata(metadata);
        let session = turn.origin.session;
        let time = self.state.time;
        let modes = UserModes { cloaked: cloak.is_some(), ..UserModes::default() };
        let id = self.state.users.insert(User {
            session,
            nick: nick.into(),
            user: user.into(),
            host: cloak.map_or_else(|| host.into(), Into::into),
            address: host.into(),
            real: real.into(),
            away: away.map(text),
            modes,
            signed_on: time,
            last_active: time,
            channels: Vec::new(),
            talks: Vec::new(),
            metadata,
        });
        self.index_session(id);
        self.index_nick(id);
        let users = u32::try_from(self.state.users.len()).unwrap_or(u32::MAX);
        self.state.most_users = self.state.most_users.max(users);
        turn.sink.registered(self, turn.origin, id);
        turn.tell(self, Audience::Watchers, Event::Online { user: id });
    }

    pub(super) fn change_nick(&mut self, me: UserId, nick: &[u8], turn: &mut Turn<'_>) {
        let holder = self.find_user(nick);
        if self.nick_holder(nick, Some(me)).is_some() {
            return turn.reply(self, ERR_NICKNAMEINUSE, &[nick]);
        }
        // The same name in another case is not given up.
        let gives_up = holder.is_none();
        if gives_up {
            self.remember(me);
        }
        self.forget_nick(me);
        let Some(user) = self.user_mut(me) else { return };
        let old = core::mem::replace(&mut user.nick, nick.into());
        self.index_nick(me);
        if *old != *nick {
            let with_self = !mutant!(NickNotToldToOneself);
            let audience = Audience::Peers { of: me, with_self };
            turn.tell(self, audience, Event::Nick { user: me, old: &old });
            for id in self.user(me).map(|user| user.channels.clone()).unwrap_or_default() {
                self.keep_event_of(id, me, &old, ItemKind::Nick, &[nick], turn);
            }
            turn.next_event();
        }
        if gives_up {
            turn.tell(self, Audience::Watchers, Event::Offline { nick: &old });
            turn.tell(self, Audience::Watchers, Event::Online { user: me });
        }
    }

    /// Puts a user among those who gave up a nick.
    fn remember(&mut self, id: UserId) {
        let State { users, whowas, time, config, .. } = &mut self.state;
        if let Some(user) = users.get(id) {
            whowas.push(user, *time, config.whowas as usize);
        }
    }

    pub(super) fn set_away(&mut self, me: UserId, message: &[u8], turn: &mut Turn<'_>) {
        let away = (!message.is_empty()).then(|| text(message));
        let Some(user) = self.user_mut(me) else { return };
        let changed = user.away != away;
        user.away = away;
        let numeric = if user.away.is_some() { RPL_NOWAWAY } else { RPL_UNAWAY };
        turn.reply(self, numeric, &[]);
        if changed {
            let audience = Audience::Peers { of: me, with_self: false };
            turn.tell(self, audience, Event::Away { user: me });
        }
    }

    pub(super) fn set_name(&mut self, me: UserId, real: &[u8], turn: &mut Turn<'_>) {
        if let Some(user) = self.user_mut(me) {
            user.real = real.into();
        }
        let audience = Audience::Peers { of: me, with_self: true };
        turn.tell(self, audience, Event::SetName { user: me });
    }

    pub(super) fn make_oper(&mut self, me: UserId, name: &[u8], turn: &mut Turn<'_>) {
        let Some(user) = self.user_mut(me) else { return };
        let was = core::mem::replace(&mut user.modes.oper, true);
        turn.reply(self, RPL_YOUREOPER, &[]);
        if !was {
            self.state.opers += 1;
            turn.tell(self, Audience::User(me), Event::UserMode { user: me, modes: b"+o" });
        }
        turn.sink.opered(self, turn.origin, name);
    }

    /// A user is gone. Whoever was put out sees that as the others do.
    pub(super) fn quit(&mut self, me: UserId, reason: &[u8], put_out: bool, turn: &mut Turn<'_>) {
        let audience = Audience::Peers { of: me, with_self: put_out };
        turn.tell(self, audience, Event::Quit { user: me, reason });
        self.remember(me);
        turn.sink.departing(self, me);
        self.end_talks(me);
        let channels = self.user_mut(me).map(|user| core::mem::take(&mut user.channels));
        let stays = mutant!(MembershipOutlivesQuit => 1, else 0);
        for id in channels.unwrap_or_default().into_iter().skip(stays) {
            self.keep_event(id, me, ItemKind::Quit, &[reason], turn);
            self.leave(me, id);
        }
        turn.next_event();
        self.forget_nick(me);
        if let Some(user) = self.state.users.remove(me) {
            self.forget_session(me, user.session);
            self.forget_metadata(&user.metadata);
            self.state.invisible -= u32::from(user.modes.invisible);
            self.state.opers -= u32::from(user.modes.oper);
            turn.tell(self, Audience::Watchers, Event::Offline { nick: &user.nick });
        }
    }

    pub(super) fn quit_older_epochs(&mut self, node: u32, epoch: u32, turn: &mut Turn<'_>) {
        let gone: Vec<_> = (self.users_from(0))
            .filter(|(_, user)| user.session.node == node && user.session.epoch < epoch)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.quit(id, b"Server restarted", false, turn);
        }
    }
}
