//! What entries lead to at connections: events to all who see them, answers to who asked.

use alloc::vec::Vec;

use super::{
    bans::{banned_text, why_banned},
    link::{Link, State, Step},
    links::{Banned, Expelled, Links, conn_of},
    metadata::{self, Sync},
    query::Read,
    replay::Replay,
};
use crate::{
    Output, Report,
    caps::Caps,
    network::{
        BanChange, BanTarget, ChannelId, Delivery, Event, Metadata, Network, Origin, Query, Sink,
        UserId,
    },
    wire::{
        Numeric, Standard,
        numeric::{ERR_NICKNAMEINUSE, ERR_YOUREBANNEDCREEP, RPL_KEYNOTSET},
    },
};

impl Sink for Links {
    fn deliver(&mut self, network: &Network, delivery: &Delivery<'_>) {
        self.fan_out(network, delivery);
        if let Event::Rename { channel, old, reason, .. } = delivery.event {
            self.channel_renamed(network, delivery, channel, old, reason);
        }
    }

    fn reply(&mut self, network: &Network, origin: &Origin, numeric: Numeric, params: &[&[u8]]) {
        let conn = conn_of(origin.session);
        let user = self.get(conn).and_then(Link::user).and_then(|id| network.user(id));
        let nick = user.map_or(&b"*"[..], |user| &user.nick);
        if numeric.text().is_empty() {
            // The last parameter is the text.
            let (last, params) = match params.split_last() {
                Some((last, params)) => (*last, params),
                None => (&b""[..], params),
            };
            self.server_line(conn, |line| {
                line.numeric(numeric.code()).param(nick);
                for param in params {
                    line.param(param);
                }
                line.last(last);
            });
            return;
        }
        self.numeric(conn, nick, numeric, params, Some(numeric.text().as_bytes()));
    }

    fn standard(&mut self, origin: &Origin, reply: &Standard<'_>) {
        Links::standard(self, conn_of(origin.session), reply);
    }

    fn registered(&mut self, network: &Network, origin: &Origin, user: UserId) {
        let conn = conn_of(origin.session);
        let (Some(link), Some(new)) = (self.arena.get_mut(conn), network.user(user)) else {
            return;
        };
        link.state = State::Registered(user);
        link.metadata = Metadata::default();
        let index = user.index as usize;
        if self.routes.len() <= index {
            self.routes.resize(index + 1, None);
        }
        self.routes[index] = Some(conn);
        self.arrived.push(conn);
        self.outputs.push(Output::Report(Report::Registered {
            conn,
            nick: new.nick.to_vec(),
            user: new.user.to_vec(),
            host: new.address.to_vec(),
        }));
    }

    fn refused(&mut self, _: &Network, origin: &Origin, nick: &[u8]) {
        let conn = conn_of(origin.session);
        if let Some(State::Registering { form, .. }) =
            self.get_mut(conn).map(|link| &mut link.state)
        {
            form.nick = None;
        }
        let text = ERR_NICKNAMEINUSE.text().as_bytes();
        self.numeric(conn, b"*", ERR_NICKNAMEINUSE, &[nick], Some(text));
    }

    fn joined(&mut self, network: &Network, origin: &Origin, channel: ChannelId) {
        let most = self.limits.history_replay;
        let Some(link) = self.get_mut(conn_of(origin.session)) else { return };
        // Who can't ask for history is shown some, after all that tells of the channel as it is.
        if most > 0
            && !link.caps.has(Caps::CHATHISTORY)
            && let Some(found) = network.channel(channel)
            && let Some(ring) = found.history
            && let Some(rest) = network.history().select(ring, Query::Latest(None), most, false)
        {
            let replay = Replay::unasked(found.name.clone(), channel, rest);
            link.steps.push_front(Step::Read(Read::Replay(replay)));
        }
        if link.caps.has(metadata::CAPS) && !link.interests().subscriptions.is_empty() {
            link.steps.push_front(Step::Read(Read::MetadataSync(Sync::joined(channel))));
        }
        link.steps.push_front(Step::Read(Read::arrival(channel)));
    }

    fn opered(&mut self, network: &Network, origin: &Origin, name: &[u8]) {
        let user = self.get(conn_of(origin.session)).and_then(Link::user);
        let Some(user) = user.and_then(|id| network.user(id)) else { return };
        self.outputs.push(Output::Report(Report::Oper {
            nick: user.nick.to_vec(),
            name: alloc::string::String::from_utf8_lossy(name).into_owned(),
        }));
    }

    fn barred(&mut self, _: &Network, origin: &Origin, reason: &[u8]) {
        let conn = conn_of(origin.session);
        let nick = match self.get(conn).map(|link| &link.state) {
            Some(State::Registering { form, .. }) => form.nick.as_deref().map(Vec::from),
            _ => None,
        };
        let nick = nick.unwrap_or_else(|| b"*".to_vec());
        self.numeric(conn, &nick, ERR_YOUREBANNEDCREEP, &[], Some(&banned_text(reason)));
        self.expelled.push(Expelled { conn, nick, reason: why_banned(reason) });
    }

    fn banned(&mut self, _: &Network, origin: &Origin, target: &BanTarget, change: BanChange) {
        let conn = conn_of(origin.session);
        self.banned.push(Banned { conn, target: target.clone(), change });
    }

    fn expelled(&mut self, network: &Network, user: UserId, reason: &[u8]) {
        let (Some(conn), Some(user)) = (self.route(user), network.user(user)) else { return };
        let expelled = Expelled { conn, nick: user.nick.to_vec(), reason: reason.to_vec() };
        self.expelled.push(expelled);
    }

    fn metadata_cleared(
        &mut self,
        network: &Network,
        origin: &Origin,
        name: &[u8],
        metadata: &Metadata,
    ) {
        self.enter_batch(conn_of(origin.session), b"metadata", &[name]);
        for (key, _) in metadata.iter() {
            self.reply(network, origin, RPL_KEYNOTSET, &[name, key]);
        }
        self.leave_batch(conn_of(origin.session));
    }

    fn departing(&mut self, _: &Network, user: UserId) {
        self.unroute(user);
    }
}
