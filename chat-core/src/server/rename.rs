//! A channel's new name, as those see it who don't know RENAME: they leave one channel and join
//! another.
//!
//! Specification: IRCv3 `draft/channel-rename`, "Fallback".

use alloc::vec::Vec;

use super::{link::Step, links::Links, query::Read, render};
use crate::{
    caps::Caps,
    network::{Audience, ChannelId, Delivery, Event, Network},
    wire::Encoder,
};

impl Links {
    /// Moves the members' read markers, and tells those without the capability, each in its own
    /// name.
    pub(super) fn channel_renamed(
        &mut self,
        network: &Network,
        delivery: &Delivery<'_>,
        id: ChannelId,
        old: &[u8],
        reason: &[u8],
    ) {
        let Some(channel) = network.channel(id) else { return };
        let casemapping = network.casemapping();
        if casemapping.eq(&channel.name, old) {
            return;
        }
        for member in &channel.members {
            let Some(conn) = self.route(member.user) else { continue };
            let Some(user) = network.user(member.user) else { continue };
            let Some(link) = self.get_mut(conn) else { continue };
            // What was read of the channel stays read.
            if let Some(interests) = &mut link.interests
                && let Some(marker) = interests.read_markers.remove(&casemapping.fold(old)[..])
            {
                let new = casemapping.fold(&channel.name).into_boxed_slice();
                let known = interests.read_markers.entry(new).or_default();
                *known = marker.max(*known);
            }
            let caps = link.caps;
            if caps.has(Caps::CHANNEL_RENAME) {
                continue;
            }
            link.steps.push_back(Step::Read(Read::arrival(id)));
            self.woken.push(conn);
            self.deliveries += 1;
            let mut lines = Vec::new();
            let mut part = Encoder::new(&mut lines);
            render::time_tag(&mut part, caps, delivery.time);
            part.source_user(&user.nick, &user.user, &user.host).command(b"PART").param(old);
            if !reason.is_empty() {
                part.trailing(reason);
            }
            drop(part);
            let event = Event::Join { user: member.user, channel: id };
            let audience = Audience::User(member.user);
            let join = Delivery { event, audience, ..*delivery };
            render::event(network, &self.name, &join, caps, &mut lines);
            self.send(conn, lines);
        }
    }
}
