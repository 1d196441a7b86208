//! Lines that belong together: labeled answers, and batches within them or on their own.
//!
//! Specification: IRCv3 `batch`, `labeled-response`, `chathistory` and `netsplit` batch types.

use alloc::{boxed::Box, vec::Vec};

use super::{
    link::{Lines, Response},
    links::Links,
    render,
};
use crate::{
    caps::Caps,
    io::ConnId,
    keyed::base32,
    wire::{Encoder, TAGS_MAX},
};

/// A batch on its way to one connection, of which lines are still to come.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Batch {
    /// The recipient knows no batches: its lines come as they are.
    None,
    /// The batch is the whole of a labeled answer, and ends with it.
    Answer,
    /// A batch of its own, maybe within a labeled answer.
    Own([u8; 13]),
}

impl Links {
    /// Begins a batch. In a labeled answer that has no line yet, it becomes that answer's batch.
    pub(crate) fn open_batch(&mut self, conn: ConnId, kind: &[u8], params: &[&[u8]]) -> Batch {
        let Some(link) = self.arena.get(conn).filter(|link| link.caps.has(Caps::BATCH)) else {
            return Batch::None;
        };
        let unanswered = matches!(&link.response, Some(response) if response.is_new());
        let reference = self.next_reference();
        let start = self.start_of(&reference, kind, params);
        let answers = self.active == Some(conn) && unanswered;
        if answers
            && let Some(response) = self.arena.get_mut(conn).and_then(|link| link.response.as_mut())
        {
            response.lines = Lines::Batch(reference);
            let label = response.label.clone();
            self.tagged(conn, b"label", &label, &start);
            return Batch::Answer;
        }
        self.send(conn, start);
        Batch::Own(reference)
    }

    /// Sends lines of a batch, already encoded.
    pub(crate) fn send_in_batch(&mut self, conn: ConnId, batch: Batch, lines: Vec<u8>) {
        match batch {
            Batch::None | Batch::Answer => self.send(conn, lines),
            Batch::Own(reference) => self.tagged(conn, b"batch", &reference, &lines),
        }
    }

    /// Sends a line of a batch that the server itself says.
    pub(crate) fn line_in_batch(
        &mut self,
        conn: ConnId,
        batch: Batch,
        write: impl FnOnce(&mut Encoder<'_>, &[u8]),
    ) {
        let caps = self.arena.get(conn).map_or(Caps::NONE, |link| link.caps);
        let mut bytes = Vec::new();
        let mut line = Encoder::new(&mut bytes);
        render::time_tag(&mut line, caps, self.now.wall);
        write(&mut line, &self.name);
        drop(line);
        self.send_in_batch(conn, batch, bytes);
    }

    /// Begins a batch that all lines of the command or read at hand are in, until
    /// [`leave_batch`](Self::leave_batch).
    pub(crate) fn enter_batch(&mut self, conn: ConnId, kind: &[u8], params: &[&[u8]]) {
        let batch = self.open_batch(conn, kind, params);
        if let Some(link) = self.arena.get_mut(conn) {
            link.inside = Some(batch);
        }
    }

    pub(crate) fn leave_batch(&mut self, conn: ConnId) {
        if let Some(batch) = self.arena.get_mut(conn).and_then(|link| link.inside.take()) {
            self.close_batch(conn, batch);
        }
    }

    /// Ends a batch.
    pub(crate) fn close_batch(&mut self, conn: ConnId, batch: Batch) {
        if let Batch::Own(reference) = batch {
            let end = self.end_of(&reference);
            self.send(conn, end);
        }
    }

    /// Sends encoded lines: as part of the labeled answer, if they are one.
    pub(super) fn send(&mut self, conn: ConnId, lines: Vec<u8>) {
        let labeled = self.arena.get(conn).is_some_and(|link| link.response.is_some());
        if self.active == Some(conn) && labeled {
            self.respond(conn, lines);
        } else {
            self.write(conn, |out| out.extend_from_slice(&lines));
        }
    }

    /// Takes one line of a labeled answer, or several that belong together: the first is held back,
    /// with the second a batch begins.
    pub(super) fn respond(&mut self, conn: ConnId, line: Vec<u8>) {
        let Some(link) = self.arena.get_mut(conn) else { return };
        let Some(response) = &mut link.response else { return };
        match core::mem::replace(&mut response.lines, Lines::None) {
            Lines::None => response.lines = Lines::One(line),
            Lines::One(first) => {
                self.batches += 1;
                let reference = base32(self.batches);
                response.lines = Lines::Batch(reference);
                let label = response.label.clone();
                let start = self.start_of(&reference, b"labeled-response", &[]);
                self.tagged(conn, b"label", &label, &start);
                self.tagged(conn, b"batch", &reference, &first);
                self.tagged(conn, b"batch", &reference, &line);
            }
            Lines::Batch(reference) => {
                response.lines = Lines::Batch(reference);
                self.tagged(conn, b"batch", &reference, &line);
            }
        }
    }

    /// Ends a labeled answer: a single line, the end of a batch, or ACK.
    pub(crate) fn finish_response(&mut self, conn: ConnId) {
        let Some(response) = self.arena.get_mut(conn).and_then(|link| link.response.take()) else {
            return;
        };
        let Response { label, lines } = *response;
        match lines {
            Lines::None if mutant!(AckMissing) => {}
            Lines::One(line) if mutant!(LabelLost) => self.write(conn, |out| out.extend(line)),
            Lines::None => {
                let mut line = Vec::new();
                Encoder::new(&mut line).source(&self.name).command(b"ACK").finish();
                self.tagged(conn, b"label", &label, &line);
            }
            Lines::One(line) => self.tagged(conn, b"label", &label, &line),
            Lines::Batch(reference) => {
                let end = mutant!(BatchNotClosed => Vec::new(), else self.end_of(&reference));
                self.write(conn, |out| out.extend_from_slice(&end));
            }
        }
    }

    fn next_reference(&mut self) -> [u8; 13] {
        self.batches += 1;
        base32(self.batches)
    }

    /// Ends a labeled answer of which nothing has been said yet, for its label: the ERROR that
    /// ends the connection is the answer. Any other is finished as usual.
    pub(crate) fn take_label(&mut self, conn: ConnId) -> Option<Box<[u8]>> {
        let response = &mut self.arena.get_mut(conn)?.response;
        if response.as_ref().is_some_and(|response| response.is_new()) {
            return response.take().map(|response| response.label);
        }
        self.finish_response(conn);
        None
    }

    fn start_of(&self, reference: &[u8], kind: &[u8], params: &[&[u8]]) -> Vec<u8> {
        let mut line = Vec::new();
        start(Encoder::new(&mut line).source(&self.name), reference, kind, params).finish();
        line
    }

    fn end_of(&self, reference: &[u8]) -> Vec<u8> {
        let mut line = Vec::new();
        end(Encoder::new(&mut line).source(&self.name), reference).finish();
        line
    }

    /// Sends encoded lines with one tag more: a label on the first, a batch on each that is in none
    /// yet. `value` is in its escaped form.
    fn tagged(&mut self, conn: ConnId, key: &[u8], value: &[u8], lines: &[u8]) {
        self.write(conn, |out| {
            for (at, line) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
                if at > 0 && (key == b"label" || is_batched(line)) {
                    out.extend_from_slice(line);
                    continue;
                }
                let (next, rest) = match line.strip_prefix(b"@") {
                    Some(rest) => (&b";"[..], rest),
                    None => (&b" "[..], line),
                };
                for part in [b"@", key, b"=", value, next, rest] {
                    out.extend_from_slice(part);
                }
            }
        });
    }
}

/// Writes what begins a batch: `BATCH +reference type parameters`.
pub(crate) fn start<'e, 'b>(
    line: &'e mut Encoder<'b>,
    reference: &[u8],
    kind: &[u8],
    params: &[&[u8]],
) -> &'e mut Encoder<'b> {
    line.command(b"BATCH").param(&[b"+", reference].concat()).param(kind);
    for param in params {
        line.param(param);
    }
    line
}

/// Writes what ends a batch: `BATCH -reference`.
pub(crate) fn end<'e, 'b>(line: &'e mut Encoder<'b>, reference: &[u8]) -> &'e mut Encoder<'b> {
    line.command(b"BATCH").param(&[b"-", reference].concat())
}

/// Whether a line has the tag that puts it into a batch.
fn is_batched(line: &[u8]) -> bool {
    let Some(tags) = line.strip_prefix(b"@") else { return false };
    let end = memchr::memchr(b' ', &tags[..tags.len().min(TAGS_MAX)]).unwrap_or(0);
    crate::wire::Tags::new(&tags[..end]).get(b"batch").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instant, Now, UnixMillis, network::Session, server::link::Link};

    fn links(caps: Caps) -> (Links, ConnId) {
        let now = Now { mono: Instant::ZERO, wall: UnixMillis(0) };
        let mut links = Links::new(&Config::default(), &[7; 32], now);
        let link = Link::new(Session::default(), None, None, now.mono);
        let conn = links.arena.insert(Link { caps, ..link });
        links.outboxes.open(conn.index());
        (links, conn)
    }

    fn quit(links: &mut Links, conn: ConnId, batch: Batch) {
        let mut line = Vec::new();
        Encoder::new(&mut line).source_user(b"aji", b"a", b"a").command(b"QUIT").finish();
        links.send_in_batch(conn, batch, line);
    }

    fn sent(links: &Links, conn: ConnId) -> Vec<u8> {
        links.outboxes.chunks(conn.index()).flat_map(|chunk| chunk.to_vec()).collect()
    }

    #[test]
    fn a_netsplit_is_a_batch_of_quits_with_both_servers() {
        let (mut links, conn) = links(Caps::BATCH);
        let batch = links.open_batch(conn, b"netsplit", &[b"irc.hub", b"other.host"]);
        quit(&mut links, conn, batch);
        quit(&mut links, conn, batch);
        links.close_batch(conn, batch);
        let expected = b":parlance.local BATCH +0000000000001 netsplit irc.hub other.host\r\n\
            @batch=0000000000001 :aji!a@a QUIT\r\n\
            @batch=0000000000001 :aji!a@a QUIT\r\n\
            :parlance.local BATCH -0000000000001\r\n";
        assert_eq!(sent(&links, conn), expected);
    }

    #[test]
    fn who_knows_no_batches_is_sent_the_lines() {
        let (mut links, conn) = links(Caps::NONE);
        let batch = links.open_batch(conn, b"netjoin", &[b"irc.hub", b"other.host"]);
        quit(&mut links, conn, batch);
        links.close_batch(conn, batch);
        assert_eq!(sent(&links, conn), b":aji!a@a QUIT\r\n");
    }
}
