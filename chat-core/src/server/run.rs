//! A connection's lines: carried out one after another, as budget, rate and queues allow.

use alloc::{boxed::Box, collections::VecDeque};

use super::{
    Server, command,
    link::{Lines, Link, Response, Step},
};
use crate::{
    ConnId, Output, Report,
    network::{Log, Op},
    wire::{
        Frame, Message,
        numeric::{ERR_INPUTTOOLONG, ERR_UNKNOWNERROR},
    },
};

/// Bytes of one long read that one call sends: what a host writes at once, since each piece but the last
/// costs another turn, in which others come and go.
const BUDGET_READ: usize = 64 << 10;
/// What a look at up to 16 users or channels counts for in it, if it leads to no line.
const EMPTY_LOOK: usize = 512;

/// How a client that expects TLS begins: a record of a handshake, of any version.
const TLS_HELLO: &[u8] = &[0x16, 3];

impl Server {
    /// Carries out a connection's lines: those that wait, then `data`.
    pub(super) fn run(&mut self, conn: ConnId, data: &[u8]) {
        let Some(link) = self.links.get(conn) else { return };
        if link.is_dying() {
            return;
        }
        let is_first = link.requests == 0;
        let mut unread = self.links.take_unread(conn);
        let direct = unread.is_empty();
        if !direct {
            unread.extend_from_slice(data);
            unread.rotate_right(mutant!(LaterBytesFirst => data.len(), else 0));
        }
        let bytes: &[u8] = if direct { data } else { &unread };
        if is_first && bytes.starts_with(TLS_HELLO) {
            self.links.outputs.push(Output::Report(Report::Tls { conn }));
            return self.end(conn, b"This port speaks no TLS");
        }
        let mut at = 0;
        let waits = loop {
            if !self.may_go_on(conn) {
                break true;
            }
            let now = self.links.now.mono;
            let Some(link) = self.links.get_mut(conn) else { return };
            let step = link.framer.next(&bytes[at..]);
            at += step.consumed;
            link.spend_bytes(&self.config.limits, now, step.consumed, step.frame.is_some());
            match step.frame {
                Some(frame) => self.carry_out(conn, frame),
                None => break false,
            }
        };
        let (most, now) = (self.config.limits.recvq, self.links.now.mono);
        if self.links.get(conn).is_none_or(Link::is_dying) {
            return;
        }
        let rest = bytes.len() - at;
        if rest > most {
            return self.end(conn, b"RecvQ exceeded");
        }
        if direct {
            let lost = mutant!(LastByteOfPieceDropped => rest.min(1), else 0);
            unread = bytes[at..bytes.len() - lost].to_vec();
        } else {
            unread.drain(..at);
        }
        self.links.keep_unread(conn, unread);
        let Some(link) = self.links.get_mut(conn) else { return };
        // With nothing left to carry out, the end of what it sends is its end.
        if link.eof && (!waits || rest == 0 && !link.is_busy()) {
            return self.end(conn, b"Connection closed");
        }
        let read = !(waits && rest > 0) || mutant!(ReadingNeverStopped);
        if link.reading != read && !(read && mutant!(NeverReadsAgain)) {
            link.reading = read;
            // Silence while we did not read was ours.
            link.heard = now;
            self.links.outputs.push(Output::SetRead(conn, read));
        }
        self.rearm(conn);
    }

    /// Carries out the steps that a connection's last command left, and says whether its next line
    /// may be carried out now. If not, something will run it again: an answer, a flush, a timer, or
    /// the run queue.
    fn may_go_on(&mut self, conn: ConnId) -> bool {
        let mut read = 0;
        loop {
            let Some(link) = self.links.get(conn) else { return false };
            if link.is_dying() || link.asking.is_some() {
                return false;
            }
            if self.links.outboxes.len(conn.index()) > self.config.limits.sendq_soft {
                return false;
            }
            let out_of_budget = self.lines_left == 0
                || self.links.deliveries >= self.most_deliveries
                || self.links.outboxes.turn_is_full()
                || read >= BUDGET_READ;
            if out_of_budget || (!self.log.is_empty() && !self.drain_log()) {
                self.queue(conn);
                return false;
            }
            let now = self.links.now.mono;
            let Some(link) = self.links.get_mut(conn) else { return false };
            let Some(step) = link.steps.pop_front() else {
                return link.flood_wait(&self.config.limits, now).is_none();
            };
            let viewer = link.user();
            self.links.active = Some(conn);
            self.trace(|| Report::Step { conn });
            match step {
                Step::Join { channel, key } => {
                    self.propose(conn, Op::Join { channel: &channel, key: key.as_deref() });
                }
                Step::Read(mut step) => {
                    let before = self.links.outboxes.len(conn.index());
                    let Some(viewer) = viewer else { continue };
                    if !step.next(&self.network, &mut self.links, conn, viewer)
                        && !mutant!(LongReadForgotten)
                        && let Some(link) = self.links.get_mut(conn)
                    {
                        link.steps.push_front(Step::Read(step));
                    }
                    let after = self.links.outboxes.len(conn.index());
                    // A look without a line costs too: it was at many.
                    read += match after.saturating_sub(before) {
                        0 => EMPTY_LOOK,
                        sent => sent,
                    };
                }
            }
            self.finish(conn);
        }
    }

    /// Reports what is carried out, for who wants to know it all.
    pub(super) fn trace(&mut self, report: impl FnOnce() -> Report) {
        if self.config.trace {
            self.links.outputs.push(Output::Report(report()));
        }
    }

    pub(super) fn queue(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(conn)
            && !core::mem::replace(&mut link.queued, true)
            && !mutant!(BudgetWaitForgotten)
        {
            self.run_queue.push_back(conn);
        }
    }

    /// Carries out one line.
    fn carry_out(&mut self, conn: ConnId, frame: Frame<'_>) {
        self.lines_left -= 1;
        self.links.metrics.lines_in += 1;
        self.links.active = Some(conn);
        self.trace(|| {
            let line = if let Frame::Line(line) = frame { line } else { b"" };
            Report::Line { conn, line: line.to_vec() }
        });
        let line = match frame {
            Frame::Line(line) => line,
            Frame::TooLong => {
                self.spend(conn, 1);
                return self.reply(conn, ERR_INPUTTOOLONG, &[]);
            }
            Frame::Malformed => {
                self.spend(conn, 1);
                let text = b"The line has a NUL or a CR in it";
                return self.reply_text(conn, ERR_UNKNOWNERROR, &[b"*"], Some(text));
            }
        };
        let Ok(message) = Message::parse_any(line) else {
            return self.spend(conn, 1);
        };
        if let Some(link) = self.links.get_mut(conn) {
            link.requests += 1;
            let both = crate::caps::Caps::LABELED_RESPONSE | crate::caps::Caps::BATCH;
            let label = message.tags.get(b"label").map(|label| label.as_bytes());
            if let Some(label) = label.filter(|label| !label.is_empty() && label.len() <= 64)
                && link.caps.has(both)
            {
                let label = label.into();
                link.response = Some(Box::new(Response { label, lines: Lines::None }));
            }
        }
        if self.config.utf8_only && !line.is_ascii() && core::str::from_utf8(line).is_err() {
            self.spend(conn, 1);
            command::refuse_not_utf8(self, conn, &message);
        } else {
            command::dispatch(self, conn, &message);
        }
        self.finish(conn);
    }

    /// Ends a command's answer, unless something of the command is still to come.
    pub(super) fn finish(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(conn)
            && !link.is_busy()
        {
            // Who is silent from now on holds no room for steps.
            if link.steps.capacity() > 0 {
                link.steps = VecDeque::new();
            }
            self.links.finish_response(conn);
        }
        self.links.active = None;
    }

    pub(super) fn spend(&mut self, conn: ConnId, cost: u32) {
        let now = self.links.now.mono;
        if let Some(link) = self.links.get_mut(conn) {
            link.spend(&self.config.limits, now, cost);
        }
    }
}
