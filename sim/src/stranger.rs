//! A stranger: a peer that is no honest client. It knocks too often, or sends anything at all.
//!
//! What a stranger does must change nothing that honest clients are told: its nick is `h` and a
//! number, its channels begin with `#x`. What it is told itself is judged by its form alone.

use crate::{
    judge::{Broken, LifeId},
    line::Line,
    rng::Rng,
};

pub(crate) struct Stranger {
    rng: Rng,
    life: LifeId,
    /// Pieces that it has still to send.
    pieces: u32,
    /// Bytes that came and are no line yet.
    partial: Vec<u8>,
    /// Whether it was told why its connection ends.
    pub(crate) told: bool,
}

/// How a stranger goes on.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    Send(Vec<u8>),
    /// It sends nothing more.
    End,
    Reset,
    Vanish,
    /// It stays as it is.
    Stay,
}

const COMMANDS: [&str; 37] = [
    "JOIN",
    "PART",
    "MODE",
    "TOPIC",
    "NAMES",
    "LIST",
    "WHO",
    "WHOIS",
    "WHOWAS",
    "PRIVMSG",
    "NOTICE",
    "TAGMSG",
    "CAP",
    "MONITOR",
    "METADATA",
    "CHATHISTORY",
    "BATCH",
    "AWAY",
    "PING",
    "PONG",
    "USER",
    "PASS",
    "OPER",
    "KICK",
    "RENAME",
    "REDACT",
    "MARKREAD",
    "HELP",
    "MOTD",
    "LUSERS",
    "VERSION",
    "ISON",
    "USERHOST",
    "STATS",
    "INFO",
    "ADMIN",
    "DANCE",
];

const WORDS: [&str; 30] = [
    "#x1",
    "#x2",
    "#x1,#x2,,",
    "#x\u{202e}",
    "#X1",
    "*",
    ":",
    "",
    "+o",
    "-ov+b",
    "+b",
    "*!*@*",
    "LS",
    "302",
    "REQ",
    ":batch labeled-response",
    ":multi-prefix -x",
    "END",
    "+",
    "-",
    "+a draft/multiline",
    "a",
    "op",
    "right",
    "wrong",
    "0",
    "99999999999999999999",
    ":\u{e9}\u{301} \u{1f600}",
    "SYNC",
    "LATEST",
];

impl Stranger {
    pub(crate) fn new(rng: Rng, life: LifeId, pieces: u32) -> Self {
        Self { rng, life, pieces, partial: Vec::new(), told: false }
    }

    /// Microseconds until it does something more.
    pub(crate) fn pause(&mut self) -> u64 {
        [self.rng.below(2_000), self.rng.below(3_000_000)][self.rng.below(2) as usize]
    }

    /// What it does next.
    pub(crate) fn next(&mut self) -> Deed {
        let Some(rest) = self.pieces.checked_sub(1) else {
            return match self.rng.below(5) {
                0 => Deed::End,
                1 => Deed::Reset,
                2 => Deed::Vanish,
                _ => Deed::Stay,
            };
        };
        self.pieces = rest;
        Deed::Send(self.piece())
    }

    fn piece(&mut self) -> Vec<u8> {
        match self.rng.below(12) {
            0 => self.noise(300),
            1 => {
                let mut bytes = self.noise(200);
                bytes.iter_mut().step_by(7).for_each(|byte| *byte = b'\n');
                bytes
            }
            // A letter of several bytes that is torn, in a message and at its end.
            2 => b"PRIVMSG #x1 :caf\xc3 \xe2\x82\r\nJOIN #x\xf0\x9f\x98\r\n".to_vec(),
            3 => b"PRI\0VMSG #x1 :a\0b\r\n\0\r\nNICK\0\r\n".to_vec(),
            4 => {
                let len = self.rng.between(505, 20_000) as usize;
                let end = if self.rng.chance(50) { "\r\n" } else { "" };
                format!("@{} PRIVMSG #x1 :{}{end}", "a=b;".repeat(len / 8), "x".repeat(len))
                    .into_bytes()
            }
            5 => {
                b"\r\n\n\r \r\n:\r\n: \r\n@\r\n@ \r\n:a b\r\n@a :b\r\n   JOIN   #x1   \r\n".to_vec()
            }
            6 => b"PRIVMSG #x1 :a line without its e".to_vec(),
            7 => {
                let pass = if self.rng.chance(70) { "right" } else { "wrong" };
                format!("OPER op {pass}\r\n").into_bytes()
            }
            // Long lines: many short ones would keep a slow server busy with one who is long gone.
            8 => {
                let line = format!("PING :{}\r\n", "many".repeat(20));
                line.repeat(self.rng.between(10, 500) as usize).into_bytes()
            }
            9 | 10 => {
                let life = self.life;
                let pass = if self.rng.chance(80) { "right" } else { "wrong" };
                format!("PASS {pass}\r\nNICK h{life}\r\nUSER h 0 * :somebody\r\n").into_bytes()
            }
            _ => self.commands(),
        }
    }

    fn noise(&mut self, most: u64) -> Vec<u8> {
        let len = self.rng.between(1, most);
        (0..len).map(|_| self.rng.next() as u8).collect()
    }

    fn commands(&mut self) -> Vec<u8> {
        let mut lines = String::new();
        for _ in 0..self.rng.between(1, 10) {
            lines.push_str(COMMANDS[self.rng.below(COMMANDS.len() as u64) as usize]);
            for _ in 0..self.rng.below(5) {
                lines.push(' ');
                lines.push_str(WORDS[self.rng.below(WORDS.len() as u64) as usize]);
            }
            lines.push_str("\r\n");
        }
        lines.into_bytes()
    }

    /// Bytes came: each line must be one.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.partial.extend_from_slice(bytes);
        let end = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for bytes in self.partial[..end].split_inclusive(|byte| *byte == b'\n') {
            let line = Line::read(bytes).map_err(|why| {
                ("form", format!("a stranger: {why}: \"{}\"", bytes.escape_ascii()))
            })?;
            self.told |= line.command == "ERROR";
        }
        self.partial.drain(..end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Concern;

    #[test]
    fn a_stranger_sends_its_pieces_and_comes_to_an_end() {
        let mut stranger = Stranger::new(Rng::new(1, Concern::Shape), 0, 200);
        for _ in 0..200 {
            assert!(matches!(stranger.next(), Deed::Send(bytes) if !bytes.is_empty()));
        }
        assert!(!matches!(stranger.next(), Deed::Send(_)));
    }

    #[test]
    fn what_a_stranger_is_told_must_be_lines() {
        let mut stranger = Stranger::new(Rng::new(1, Concern::Shape), 0, 0);
        assert_eq!(stranger.receive(b"ERROR :no"), Ok(()));
        assert!(!stranger.told);
        assert_eq!(stranger.receive(b"\r\n"), Ok(()));
        assert!(stranger.told);
        assert!(stranger.receive(b"PING\0\r\n").is_err());
    }
}
