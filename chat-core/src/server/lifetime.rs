//! A connection over time, and the server's: deadlines, ends, reload, shutdown.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{Server, command::Caller, error_line, link::State, links::Expelled};
use crate::{
    Answer, CloseWhen, Config, ConnId, Output, Report,
    network::{Entry, Log, Op, Origin},
    wire::Encoder,
};

/// Deadlines that one call looks at.
const DUE_PER_CALL: usize = 4;

impl Server {
    pub(super) fn timeout(&mut self) {
        let now = self.links.now.mono;
        for _ in 0..self.run_queue.len() {
            let Some(conn) = self.run_queue.pop_front() else { break };
            if let Some(link) = self.links.get_mut(conn) {
                link.queued = false;
                self.run(conn, &[]);
            }
        }
        // Each is looked at once; its next deadline is later than now. With many due at once, others
        // get their turn between them: what is left keeps the timeout due.
        for _ in 0..DUE_PER_CALL {
            let Some(index) = self.links.timers.pop_due(now) else { break };
            let found = self.links.arena.iter_from(index as u32).next().map(|(conn, _)| conn);
            if let Some(conn) = found.filter(|conn| conn.index() == index) {
                self.due(conn);
            }
        }
    }

    /// A connection's deadline has come: which of them was it?
    pub(super) fn due(&mut self, conn: ConnId) {
        let now = self.links.now.mono;
        let limits = &self.config.limits;
        let Some(link) = self.links.get(conn) else { return };
        if let State::Dying { deadline } = link.state {
            if deadline <= now {
                self.links.outputs.push(Output::Close(conn, CloseWhen::Now));
            } else {
                self.rearm(conn);
            }
            return;
        }
        let oldest = self.links.outboxes.waiting_since(conn.index());
        if oldest.is_some_and(|oldest| oldest.after(limits.sendq_age) <= now) {
            return self.end_with(conn, b"Nothing was read for too long", false);
        }
        if let Some(asking) = link.asking.as_ref().filter(|asking| asking.deadline <= now) {
            let ticket = asking.ticket;
            self.links.outputs.push(Output::Cancel(ticket));
            self.links.outputs.push(Output::Report(Report::NoAnswer { conn }));
            self.take_answer(ticket, Answer::Unavailable);
            return;
        }
        if link.batch.as_ref().and_then(|batch| batch.deadline).is_some_and(|end| end <= now) {
            Caller { server: self, conn }.batch_timed_out();
        }
        let limits = &self.config.limits;
        let Some(link) = self.links.get(conn) else { return };
        match link.state {
            State::Registering { since, .. } if since.after(limits.registration) <= now => {
                return self.end(conn, b"Registration timed out");
            }
            State::Registered(_) if link.reading => match link.ping_sent {
                Some(at) if at.after(limits.ping_timeout) <= now => {
                    let silent = now.since(link.heard).as_secs();
                    return self.end(conn, format!("Ping timeout: {silent} seconds").as_bytes());
                }
                None if link.heard.after(limits.ping_interval) <= now => self.ping(conn),
                _ => {}
            },
            _ => {}
        }
        self.run(conn, &[]);
        self.rearm(conn);
    }

    pub(super) fn ping(&mut self, conn: ConnId) {
        let now = self.links.now.mono;
        if let Some(link) = self.links.get_mut(conn) {
            link.ping_sent = Some(now);
        }
        let name = self.links.name.clone();
        if mutant!(PingNeverSent) {
            return;
        }
        self.links.write(conn, |out| {
            Encoder::new(out).command(b"PING").trailing(&name).finish();
        });
    }

    /// Sets a connection's timer to the earliest of its deadlines.
    pub(super) fn rearm(&mut self, conn: ConnId) {
        let now = self.links.now.mono;
        let limits = &self.config.limits;
        let Some(link) = self.links.get(conn) else { return };
        let mut deadline = link.deadline(limits, now);
        if !link.is_dying() && self.links.outboxes.is_blocked(conn.index()) {
            let oldest = self.links.outboxes.waiting_since(conn.index());
            let too_old = oldest.map(|oldest| oldest.after(limits.sendq_age));
            deadline = deadline.into_iter().chain(too_old).min();
        }
        self.links.timers.set(conn.index(), deadline);
    }

    pub(super) fn rearm_blocked(&mut self, conn: ConnId) {
        if self.links.outboxes.is_blocked(conn.index()) {
            self.rearm(conn);
        }
    }

    /// Ends a connection: all that waits is still sent, then ERROR.
    pub(super) fn end(&mut self, conn: ConnId, reason: &[u8]) {
        self.end_with(conn, reason, true);
    }

    pub(super) fn end_with(&mut self, conn: ConnId, reason: &[u8], keep: bool) {
        let nick = self.nick_of(conn);
        self.end_of(conn, &nick, reason, keep);
    }

    /// What follows from an entry that was applied: those whom it has put out are ended, changes of
    /// bans are kept.
    pub(super) fn follow_up(&mut self) {
        if !self.links.banned.is_empty() {
            self.follow_bans();
        }
        for Expelled { conn, nick, reason } in core::mem::take(&mut self.links.expelled) {
            self.end_of(conn, &nick, &reason, true);
        }
    }

    /// Ends a connection whose user has, or had, this nick.
    fn end_of(&mut self, conn: ConnId, nick: &[u8], reason: &[u8], keep: bool) {
        let now = self.links.now.mono;
        let deadline = now.after(self.config.limits.drain);
        let label = self.links.take_label(conn);
        let Some(link) = self.links.get_mut(conn) else { return };
        if link.is_dying() {
            return;
        }
        let mut line = mutant!(ErrorMissing => Vec::new(), else error_line(&link.host(), reason));
        if let Some(label) = label {
            line = [b"@label=", &label[..], b" ", &line].concat();
        }
        let origin = link.origin();
        link.state = State::Dying { deadline };
        link.steps.clear();
        let asking = link.asking.take();
        self.links.take_unread(conn);
        self.links.unwatch_all(conn);
        let pushed = self.links.outboxes.seal(conn.index(), now, &line, keep);
        self.links.pushed(conn, pushed);
        if let Some(asking) = asking {
            self.asked.remove(&asking.ticket);
            self.links.outputs.push(Output::Cancel(asking.ticket));
        }
        let when = mutant!(ClosedUnflushed => CloseWhen::Now, else CloseWhen::AfterFlush);
        self.links.outputs.push(Output::Close(conn, when));
        self.report_ended(conn, nick, reason);
        self.links.timers.set(conn.index(), mutant!(DrainEndless => None, else Some(deadline)));
        self.quit_later(origin, reason);
    }

    /// Puts a user's QUIT at the end of the log. Until its turn comes the user is on no connection,
    /// and so never on the next one in that place.
    pub(super) fn quit_later(&mut self, origin: Origin, reason: &[u8]) {
        let Some(user) = origin.user else { return };
        self.links.unroute(user);
        // Everybody is told of the server's end anyway. Whom the network has put out has quit.
        if !self.stopping && self.network.user(user).is_some() {
            let entry = Entry { origin, time: self.links.now.wall, op: Op::Quit { reason } };
            self.log.append(entry.to_owned());
        }
    }

    pub(super) fn report_ended(&mut self, conn: ConnId, nick: &[u8], why: &[u8]) {
        let nick = if nick == b"*" { Vec::new() } else { nick.to_vec() };
        let report = Report::Ended { conn, nick, why: why.to_vec() };
        self.links.outputs.push(Output::Report(report));
    }

    /// A connection is gone: its user quits, its id is free.
    pub(super) fn closed(&mut self, conn: ConnId, why: crate::Closed) {
        let Some(link) = self.links.get(conn) else { return };
        if !link.is_dying() {
            let reason: &[u8] = match why {
                crate::Closed::Asked => b"Connection closed",
                crate::Closed::Reset => b"Connection reset by peer",
                crate::Closed::Failed => b"Connection failed",
            };
            let nick = self.nick_of(conn);
            self.report_ended(conn, &nick, reason);
            let Some(link) = self.links.get(conn) else { return };
            let origin = link.origin();
            let asking = link.asking.as_ref().map(|asking| asking.ticket);
            if let Some(ticket) = asking {
                self.asked.remove(&ticket);
                self.links.outputs.push(Output::Cancel(ticket));
            }
            if !mutant!(ResetUserStays) {
                self.quit_later(origin, reason);
            }
        }
        self.links.timers.set(conn.index(), None);
        self.links.outboxes.close(conn.index());
        self.links.take_unread(conn);
        self.links.unwatch_all(conn);
        if let Some(place) = self.links.arena.remove(conn).and_then(|link| link.place) {
            self.places.leave(place);
        }
        let places = self.links.arena.places();
        self.links.timers.truncate(places);
        self.links.outboxes.truncate(places);
        self.check_stopped();
    }

    /// Puts a new configuration in force: which keys wait for a restart. `by` asked for it.
    ///
    /// # Errors
    /// What is wrong with it; the old one stays.
    pub(super) fn reload(
        &mut self,
        config: Config,
        by: Option<ConnId>,
    ) -> Result<Vec<String>, String> {
        if let Err(error) = config.check() {
            let why = error.to_string();
            let report = Report::ReloadFailed { why: why.clone() };
            self.links.outputs.push(Output::Report(report));
            return Err(why);
        }
        let mut restart_needed = Vec::new();
        if config.name != self.config.name {
            restart_needed.push("name".to_string());
        }
        if config.casemapping != self.config.casemapping {
            restart_needed.push("casemapping".to_string());
        }
        let name = self.config.name.clone();
        let config = Config { name, casemapping: self.config.casemapping, ..config };
        let old = core::mem::replace(&mut self.config, config);
        self.links.limits = self.config.limits.clone();
        self.links.description = self.config.description.as_bytes().into();
        self.apply(Origin::default(), Op::Configure(self.network_config()));
        let conns: Vec<ConnId> = self.links.arena.iter().map(|(conn, _)| conn).collect();
        for conn in conns {
            self.rearm(conn);
        }
        self.announce_caps(&old);
        self.announce_isupport(&old);
        let report = Report::Reloaded { restart_needed: restart_needed.clone() };
        self.links.outputs.push(Output::Report(report));
        self.load_bans(by);
        Ok(restart_needed)
    }

    pub(super) fn shutdown(&mut self) {
        self.stopping = true;
        let conns: Vec<ConnId> = self.links.arena.iter().map(|(conn, _)| conn).collect();
        for conn in conns {
            self.end(conn, b"Server shutting down");
        }
        self.check_stopped();
    }

    pub(super) fn check_stopped(&mut self) {
        if self.stopping && !self.stopped && self.links.arena.len() == 0 {
            self.stopped = true;
            self.links.outputs.push(Output::Stopped);
        }
    }
}
