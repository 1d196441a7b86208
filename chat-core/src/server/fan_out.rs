//! The way from one event to the lines of all who see it: the path that must be fast.

use alloc::vec::Vec;

use super::{link::Link, links::Links, outbox::Encoded, render};
use crate::{
    caps::Caps,
    io::ConnId,
    network::{Audience, Delivery, Event, Network, UserId},
};

/// The event at hand.
#[derive(Default)]
pub(super) struct AtHand {
    /// Which users have been told of it, by index: those with the current mark.
    marks: Vec<u32>,
    mark: u32,
    /// Its encodings.
    lines: Vec<Encoded>,
    /// Which of them was given last.
    line: usize,
}

impl AtHand {
    fn last_given(&self) -> Option<&Encoded> {
        self.lines.get(self.line)
    }

    /// A mark that no user has yet.
    pub(super) fn new_mark(&mut self) {
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.marks.fill(0);
            self.mark = 1;
        }
    }

    /// Marks a user; whether this was the first time for the event at hand.
    pub(super) fn mark(&mut self, user: UserId) -> bool {
        let index = user.index as usize;
        if self.marks.len() <= index {
            self.marks.resize(index + 1, 0);
        }
        core::mem::replace(&mut self.marks[index], self.mark) != self.mark
    }
}

/// What is the same for all recipients of an event.
#[derive(Copy, Clone)]
pub(super) struct Plan {
    relevant: Caps,
    /// What a recipient has, of all that is asked for.
    required: Caps,
    asked: Caps,
    /// The one to whom it is part of a labeled answer.
    labeled: Option<ConnId>,
}

impl Plan {
    /// Which encoding one with these capabilities is sent; `None`: it is sent nothing.
    #[inline(always)]
    fn line_for(self, caps: Caps) -> Option<Caps> {
        (caps & self.asked == self.required).then_some(caps & self.relevant)
    }

    /// For those alone who have these too.
    fn with(self, more: Caps) -> Self {
        Self { required: self.required | more, asked: self.asked | more, ..self }
    }
}

impl Links {
    /// Gives an event to all who are to see it, encoded once for each combination of capabilities.
    pub(super) fn fan_out(&mut self, network: &Network, delivery: &Delivery<'_>) {
        let labeled = self
            .active
            .filter(|conn| self.arena.get(*conn).is_some_and(|link| link.response.is_some()));
        let required = render::required(&delivery.event);
        let plan = Plan {
            relevant: render::relevant_here(network, &delivery.event),
            required,
            asked: required | render::excluded(&delivery.event),
            labeled,
        };
        let echo = mutant!(EchoUnasked => plan, else plan.with(Caps::ECHO_MESSAGE));
        match delivery.audience {
            Audience::Channel(id) => {
                let members = network.channel(id).map_or(&[][..], |channel| &channel.members);
                let members = members.iter().skip(mutant!(FirstMemberMissed => 1, else 0));
                self.give_all(network, members.map(|member| member.user), delivery, plan);
            }
            Audience::Message { channel, least, from } => {
                let members = network.channel(channel).map_or(&[][..], |channel| &channel.members);
                let others = members.iter().filter(|member| member.user != from);
                let told = others.filter(|member| member.rank.at_least(least));
                self.give_all(network, told.map(|member| member.user), delivery, plan);
                if matches!(delivery.event, Event::Message { .. }) {
                    self.give(network, from, delivery, echo);
                }
            }
            Audience::Peers { of, with_self } => {
                self.give_to_peers(network, of, with_self, delivery, plan);
                let watched = matches!(
                    delivery.event,
                    Event::Away { .. } | Event::SetName { .. } | Event::Host { .. }
                );
                if watched {
                    self.give_to_watchers(network, delivery, plan.with(Caps::EXTENDED_MONITOR));
                }
            }
            Audience::Watchers => {
                self.at_hand.new_mark();
                self.give_to_watchers(network, delivery, plan);
                if let Event::Online { user } = delivery.event {
                    self.introduce_to_watchers(network, user);
                }
            }
            Audience::Subscribers { of, key, but } => {
                self.give_to_subscribers(network, (of, key, but), delivery, plan);
            }
            Audience::User(user) => {
                // A message to oneself is labeled as the echo alone.
                let message = matches!(delivery.event, Event::Message { .. });
                let labeled = if message { None } else { plan.labeled };
                self.give(network, user, delivery, Plan { labeled, ..plan });
            }
            Audience::Wallops => {
                for (id, _) in network.users_from(0).filter(|(_, user)| user.modes.wallops) {
                    self.give(network, id, delivery, plan);
                }
            }
            Audience::Echo(user) => self.give(network, user, delivery, echo),
        }
        self.outboxes.done(&self.at_hand.lines);
        self.at_hand.lines.clear();
    }

    /// Gives the event at hand to one user.
    pub(super) fn give(
        &mut self,
        network: &Network,
        user: UserId,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        self.give_all(network, core::iter::once(user), delivery, plan);
    }

    /// Gives the event at hand to users. For nearly all of them its line goes on where their last
    /// one ended: what these need is looked up once for a stretch of them.
    #[inline(always)]
    fn give_all(
        &mut self,
        network: &Network,
        mut users: impl Iterator<Item = UserId>,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        loop {
            let line = self.at_hand.last_given().filter(|_| plan.labeled.is_none()).copied();
            let (routes, outboxes) = (&self.routes[..], &mut self.outboxes);
            let most = self.limits.sendq_hard;
            let mut given = 0;
            let other = users.find_map(|user| {
                let conn = (*routes.get(user.index as usize)?)?;
                let goes_on = line.is_some_and(|line| {
                    let takes = |caps| plan.line_for(caps) == Some(line.caps);
                    outboxes.go_on(conn.index(), takes, &line, most)
                });
                given += usize::from(goes_on);
                (!goes_on).then_some(conn)
            });
            self.deliveries += given;
            self.metrics.lines_out += given as u64;
            let Some(conn) = other else { return };
            self.give_anew(network, conn, delivery, plan);
        }
    }

    /// Gives the event at hand to one connection, whatever waits for it already.
    #[inline(never)]
    fn give_anew(&mut self, network: &Network, conn: ConnId, delivery: &Delivery<'_>, plan: Plan) {
        let Some(caps) = plan.line_for(self.outboxes.caps(conn.index())) else { return };
        self.deliveries += 1;
        if plan.labeled == Some(conn) {
            return self.give_labeled(network, conn, delivery, caps);
        }
        if self.at_hand.last_given().is_none_or(|line| line.caps != caps) {
            self.at_hand.line = self.find_line(network, delivery, caps);
        }
        let line = &mut self.at_hand.lines[self.at_hand.line];
        let pushed = self.outboxes.push(conn.index(), line, self.now.mono);
        self.pushed(conn, pushed);
    }

    #[cold]
    fn give_labeled(
        &mut self,
        network: &Network,
        conn: ConnId,
        delivery: &Delivery<'_>,
        caps: Caps,
    ) {
        let mut line = Vec::new();
        render::event(network, &self.name, delivery, caps, &mut line);
        self.respond(conn, line);
    }

    /// Which of the lines is the event at hand for these capabilities; it is encoded if none is.
    #[inline(never)]
    fn find_line(&mut self, network: &Network, delivery: &Delivery<'_>, caps: Caps) -> usize {
        self.at_hand.lines.iter().position(|line| line.caps == caps).unwrap_or_else(|| {
            let name = &self.name;
            let write = |out: &mut Vec<u8>| render::event(network, name, delivery, caps, out);
            self.at_hand.lines.push(self.outboxes.encode(caps, write));
            self.at_hand.lines.len() - 1
        })
    }

    fn give_to_peers(
        &mut self,
        network: &Network,
        of: UserId,
        with_self: bool,
        delivery: &Delivery<'_>,
        plan: Plan,
    ) {
        self.at_hand.new_mark();
        self.at_hand.mark(of);
        if with_self {
            self.give(network, of, delivery, plan);
        }
        let channels = network.user(of).map_or(&[][..], |user| &user.channels);
        for id in channels.iter().skip(mutant!(FirstChannelMissed => 1, else 0)) {
            for member in network.channel(*id).map_or(&[][..], |channel| &channel.members) {
                if self.at_hand.mark(member.user) || mutant!(PeersToldTwice) && member.user != of {
                    self.give(network, member.user, delivery, plan);
                }
            }
        }
    }

    /// Gives the event at hand to those who watch its nick and have no mark yet.
    fn give_to_watchers(&mut self, network: &Network, delivery: &Delivery<'_>, plan: Plan) {
        let nick = match delivery.event {
            Event::Offline { nick } => nick,
            event => {
                let user = render::source(&event).and_then(|id| network.user(id));
                user.map_or(&b""[..], |user| &user.nick)
            }
        };
        let conns: Vec<ConnId> = self.watches.of(nick).collect();
        for conn in conns {
            if let Some(user) = self.arena.get(conn).and_then(Link::user)
                && self.at_hand.mark(user)
            {
                self.give(network, user, delivery, plan);
            }
        }
    }
}
