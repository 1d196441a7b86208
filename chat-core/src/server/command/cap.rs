//! CAP: negotiation of capabilities.
//!
//! Specification: IRCv3 `capability-negotiation`.

use alloc::vec::Vec;

use super::Caller;
use crate::{
    Config,
    caps::{self, Capability, Caps},
    io::ConnId,
    server::Server,
    wire::{BODY_MAX, Message, numeric::ERR_INVALIDCAPCMD},
};

/// `CAP LS [version]`, `CAP LIST`, `CAP REQ :capabilities`, `CAP END`
pub(super) fn cap(caller: &mut Caller<'_>, message: &Message<'_>) {
    let given = message.params()[0];
    match &given.to_ascii_uppercase()[..] {
        b"LS" => {
            caller.negotiate();
            ls(caller, message.param(1).is_some_and(is_302));
        }
        b"LIST" => {
            let have = caller.caps();
            let names = caps::ALL.iter().filter(|capability| have.has(capability.bit));
            let names = names.map(|capability| capability.name.to_vec()).collect();
            let several = caller.knows_302();
            caller.cap_list(b"LIST", names, several);
        }
        b"REQ" if message.params().len() > 1 => {
            caller.negotiate();
            let given = message.params()[1..].iter();
            let words = given.flat_map(|param| param.split(|byte| *byte == b' '));
            let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
            match requested(caller, &words) {
                Some(caps) => {
                    caller.cap_lines(b"ACK", &words, false);
                    caller.server.set_caps(caller.conn, caps);
                }
                None => caller.cap_lines(b"NAK", &words, false),
            }
        }
        b"END" => {
            if let Some(form) = caller.form() {
                form.negotiating = false;
                caller.server.try_register(caller.conn);
            }
        }
        _ => caller.reply(ERR_INVALIDCAPCMD, &[given]),
    }
}

/// Whether a version of CAP LS is 302 or later. It is a number, of any length.
fn is_302(version: &[u8]) -> bool {
    let zeros = version.iter().take_while(|byte| **byte == b'0').count();
    let number = &version[zeros..];
    number.iter().all(u8::is_ascii_digit)
        && (number.len() > 3 || number.len() == 3 && number >= &b"302"[..])
}

fn ls(caller: &mut Caller<'_>, is_302: bool) {
    if is_302 {
        if let Some(link) = caller.server.links.get_mut(caller.conn) {
            link.caps_302 = true;
        }
        // Whoever knows 302 is told of changes.
        let caps = caller.caps().with(Caps::CAP_NOTIFY);
        caller.server.set_caps(caller.conn, caps);
    }
    let config = &caller.server.config;
    let items = caps::offered(config).map(|capability| capability.text(config, is_302)).collect();
    caller.cap_list(b"LS", items, is_302);
}

/// The capabilities after a request, from left to right: all of it or nothing.
fn requested(caller: &Caller<'_>, words: &[&[u8]]) -> Option<Caps> {
    let config = &caller.server.config;
    let mut caps = caller.caps();
    for word in words {
        let (on, name) = match word.strip_prefix(b"-") {
            Some(name) => (false, name),
            None => (true, *word),
        };
        let bit = caps::offered(config).find(|capability| capability.name == name)?.bit;
        if !on && bit == Caps::CAP_NOTIFY && caller.knows_302() {
            return None;
        }
        caps = if on { caps.with(bit) } else { caps.without(bit) };
    }
    Some(caps)
}

impl Server {
    fn set_caps(&mut self, conn: ConnId, caps: Caps) {
        if let Some(link) = self.links.get_mut(conn) {
            link.caps = caps;
            self.links.outboxes.set_caps(conn.index(), caps);
        }
    }

    /// After a reload: cancels capabilities that are gone, and tells those who want to know what
    /// is gone, has come, or has another value.
    pub(in crate::server) fn announce_caps(&mut self, old: &Config) {
        let new = &self.config;
        let is_in = |config: &Config, capability: &Capability| {
            caps::offered(config).any(|other| other.bit == capability.bit)
        };
        let gone: Vec<_> = caps::offered(old).filter(|one| !is_in(new, one)).collect();
        let come: Vec<_> = caps::offered(new)
            .map(|one| (one.text(new, false), one.text(new, true), is_in(old, one), one))
            .filter(|(_, text, was, one)| !was || one.text(old, true) != *text)
            .collect();
        let gone_names: Vec<&[u8]> = gone.iter().map(|one| one.name).collect();
        let cancelled = gone.iter().fold(Caps::NONE, |caps, one| caps.with(one.bit));
        let names = |with_values: bool| -> Vec<&[u8]> {
            let some = come.iter().filter(|(_, _, was, _)| with_values || !was);
            some.map(|(name, text, ..)| if with_values { &text[..] } else { &name[..] }).collect()
        };
        let (bare, valued) = (names(false), names(true));
        if gone.is_empty() && valued.is_empty() {
            return;
        }
        let conns: Vec<ConnId> = self.links.arena.iter().map(|(conn, _)| conn).collect();
        for conn in conns {
            let mut caller = Caller { server: self, conn };
            let (caps, new) = (caller.caps(), if caller.knows_302() { &valued } else { &bare });
            if caps.has(Caps::CAP_NOTIFY) && !gone.is_empty() {
                caller.cap_lines(b"DEL", &gone_names, false);
            }
            if caps.has(Caps::CAP_NOTIFY) && !new.is_empty() {
                caller.cap_lines(b"NEW", new, false);
            }
            self.set_caps(conn, caps.without(cancelled));
        }
    }
}

impl Caller<'_> {
    pub(super) fn caps(&self) -> Caps {
        self.server.links.get(self.conn).map_or(Caps::NONE, |link| link.caps)
    }

    fn knows_302(&self) -> bool {
        self.server.links.get(self.conn).is_some_and(|link| link.caps_302)
    }

    /// Before registration: it waits for CAP END from now on.
    fn negotiate(&mut self) {
        if let Some(form) = self.form() {
            form.negotiating = true;
        }
    }

    /// LS or LIST: on several lines for those who know of them. The others get one line, and if
    /// not all have room there, drafts are left out first.
    fn cap_list(&mut self, command: &[u8], mut items: Vec<Vec<u8>>, several: bool) {
        if !several {
            items.sort_by_key(|item| item.contains(&b'/'));
            let mut left = self.cap_room(command);
            items.retain(|item| {
                let fits = item.len() <= left;
                left -= if fits { (item.len() + 1).min(left) } else { 0 };
                fits
            });
        }
        let items: Vec<&[u8]> = items.iter().map(|item| &item[..]).collect();
        self.cap_lines(command, &items, several);
    }

    /// A list of capabilities, on as many lines as it needs. With `mark`, all but the last say `*`.
    fn cap_lines(&mut self, command: &[u8], items: &[&[u8]], mark: bool) {
        let nick = self.server.nick_of(self.conn);
        let room = self.cap_room(command);
        let mut rest = items;
        loop {
            let (line, after) = rest.split_at(fitting(rest, room));
            rest = after;
            self.server.links.server_line(self.conn, |out| {
                out.command(b"CAP").param(&nick).param(command);
                if mark && !rest.is_empty() {
                    out.param(b"*");
                }
                out.trailing(&line.join(&b' '));
            });
            if rest.is_empty() {
                return;
            }
        }
    }

    /// The bytes of a line's list: what `:server CAP nick LS * :` leaves.
    fn cap_room(&self, command: &[u8]) -> usize {
        let nick = self.server.nick_of(self.conn).len();
        BODY_MAX.saturating_sub(self.server.links.name.len() + nick + command.len() + 11)
    }
}

/// How many of these a line has room for, with spaces between them: at least one, if there is one.
fn fitting(items: &[&[u8]], room: usize) -> usize {
    let mut length = 0;
    let fits = items.iter().take_while(|item| {
        length += item.len() + 1;
        length <= room + 1
    });
    fits.count().max(1).min(items.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_as_many_names_as_it_has_room_for() {
        let names: [&[u8]; 3] = [b"batch", b"sasl", b"setname"];
        for (room, most) in [(0, 1), (5, 1), (9, 1), (10, 2), (17, 2), (18, 3), (99, 3)] {
            assert_eq!(fitting(&names, room), most, "{room}");
        }
        assert_eq!(fitting(&[], 9), 0);
    }

    #[test]
    fn versions_are_numbers() {
        for version in ["302", "303", "1000", "00302", "99999999999999999999"] {
            assert!(is_302(version.as_bytes()), "{version}");
        }
        for version in ["", "0", "301", "0301", "99", "3O2", "302a", "-302"] {
            assert!(!is_302(version.as_bytes()), "{version}");
        }
    }
}
