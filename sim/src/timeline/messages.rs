//! Lines on their way: each with when it set out, and when its last byte had arrived.

use std::collections::VecDeque;

/// One line, or what there is of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) life: usize,
    /// From the client to the server.
    pub(super) up: bool,
    pub(super) sent_us: u64,
    pub(super) fate: Fate,
    /// When the server carried it out.
    pub(super) carried_us: Option<u64>,
    /// The line's end included, if it was ever sent.
    pub(super) bytes: Vec<u8>,
}

/// What became of a line.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    Arrived(u64),
    /// Its connection ended before.
    Lost(u64),
    /// When the log ends it had neither arrived nor been lost.
    UnderWay,
}

/// One direction of a connection. Lines are told from each other by their place among its bytes: the
/// network splits and merges bytes, but keeps their order.
#[derive(Default)]
pub(super) struct Way {
    sent: usize,
    arrived: usize,
    /// A line whose end has not been sent, and when its last bytes were.
    partial: Vec<u8>,
    partial_us: u64,
    /// Lines sent and not arrived: which, and where each ends.
    waiting: VecDeque<(usize, usize)>,
    /// Lines arrived and not carried out.
    arrivals: VecDeque<usize>,
}

impl Way {
    /// Bytes set out: each line that they complete becomes a message.
    pub(super) fn send(
        &mut self,
        (life, up): (usize, bool),
        at_us: u64,
        bytes: &[u8],
        messages: &mut Vec<Message>,
    ) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.sent += piece.len();
            self.partial.extend_from_slice(piece);
            self.partial_us = at_us;
            if piece.ends_with(b"\n") {
                self.waiting.push_back((messages.len(), self.sent));
                messages.push(self.message(life, up));
            }
        }
    }

    fn message(&mut self, life: usize, up: bool) -> Message {
        let bytes = std::mem::take(&mut self.partial);
        let fate = Fate::UnderWay;
        Message { life, up, sent_us: self.partial_us, fate, carried_us: None, bytes }
    }

    /// So many bytes more have arrived.
    pub(super) fn arrive(&mut self, at_us: u64, count: usize, messages: &mut [Message]) {
        self.arrived += count;
        while let Some((number, end)) = self.waiting.front().copied() {
            if end > self.arrived {
                break;
            }
            self.waiting.pop_front();
            messages[number].fate = Fate::Arrived(at_us);
            self.arrivals.push_back(number);
        }
    }

    /// The server carries out a line that has arrived. Lines before it never are.
    pub(super) fn carry(&mut self, at_us: u64, line: &[u8], messages: &mut [Message]) {
        let same = |number: &usize| bare(&messages[*number].bytes) == bare(line);
        if let Some(place) = self.arrivals.iter().position(same) {
            let number = self.arrivals.drain(..=place).next_back();
            if let Some(number) = number {
                messages[number].carried_us = Some(at_us);
            }
        }
    }

    /// The log is over. `ended_us`: when the connection ended, if it did.
    pub(super) fn finish(
        mut self,
        (life, up): (usize, bool),
        ended_us: Option<u64>,
        messages: &mut Vec<Message>,
    ) {
        if !self.partial.is_empty() {
            self.waiting.push_back((messages.len(), usize::MAX));
            messages.push(self.message(life, up));
        }
        if let Some(ended_us) = ended_us {
            for (number, _) in self.waiting {
                let message = &mut messages[number];
                message.fate = Fate::Lost(ended_us.max(message.sent_us));
            }
        }
    }
}

/// A line without its end.
pub(super) fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: (usize, bool) = (0, true);

    #[test]
    fn a_line_is_sent_with_its_last_byte_and_arrives_with_it() {
        let (mut way, mut messages) = (Way::default(), Vec::new());
        way.send(UP, 1, b"PING a\r\nPI", &mut messages);
        way.send(UP, 2, b"NG b\r\n", &mut messages);
        way.arrive(5, 7, &mut messages);
        assert_eq!(messages[0].fate, Fate::UnderWay);
        way.arrive(6, 2, &mut messages);
        way.arrive(9, 7, &mut messages);
        let told: Vec<_> = messages.iter().map(|m| (m.sent_us, m.fate)).collect();
        assert_eq!(told, [(1, Fate::Arrived(6)), (2, Fate::Arrived(9))]);
    }

    #[test]
    fn what_had_not_arrived_when_the_connection_ended_is_lost() {
        let (mut way, mut messages) = (Way::default(), Vec::new());
        way.send(UP, 1, b"PING a\r\nPING b\r\nPI", &mut messages);
        way.arrive(5, 8, &mut messages);
        way.finish(UP, Some(7), &mut messages);
        let fates: Vec<_> = messages.iter().map(|message| message.fate).collect();
        assert_eq!(fates, [Fate::Arrived(5), Fate::Lost(7), Fate::Lost(7)]);
        assert_eq!(messages[2].bytes, b"PI");
    }

    #[test]
    fn a_line_carried_out_is_the_first_such_after_the_last_one() {
        let (mut way, mut messages) = (Way::default(), Vec::new());
        way.send(UP, 1, b"PING a\r\nPING b\r\nPING a\r\n", &mut messages);
        way.arrive(2, 24, &mut messages);
        way.carry(3, b"PING b", &mut messages);
        way.carry(4, b"PING a", &mut messages);
        let carried: Vec<_> = messages.iter().map(|message| message.carried_us).collect();
        assert_eq!(carried, [None, Some(3), Some(4)]);
    }
}
