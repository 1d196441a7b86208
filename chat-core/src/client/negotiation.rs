//! What client and server agree on before they talk: capabilities.
//!
//! Specification: IRCv3 `capability-negotiation`, version 302.

use alloc::vec::Vec;

use crate::wire::{Encoder, Message};

/// The capabilities that the client asks for if the server has them.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
#[repr(u16)]
pub(super) enum Capability {
    MessageTags = 1,
    ServerTime = 1 << 1,
    EchoMessage = 1 << 2,
    MultiPrefix = 1 << 3,
    ExtendedJoin = 1 << 4,
    AwayNotify = 1 << 5,
    UserhostInNames = 1 << 6,
    Batch = 1 << 7,
    LabeledResponse = 1 << 8,
    CapNotify = 1 << 9,
}

const KNOWN: &[(&str, Capability)] = &[
    ("message-tags", Capability::MessageTags),
    ("server-time", Capability::ServerTime),
    ("echo-message", Capability::EchoMessage),
    ("multi-prefix", Capability::MultiPrefix),
    ("extended-join", Capability::ExtendedJoin),
    ("away-notify", Capability::AwayNotify),
    ("userhost-in-names", Capability::UserhostInNames),
    ("batch", Capability::Batch),
    ("labeled-response", Capability::LabeledResponse),
    ("cap-notify", Capability::CapNotify),
];

/// The state of the negotiation on one connection. Sets of capabilities are sums of their values.
#[derive(Debug, Default)]
pub(super) struct Negotiation {
    /// What the server has.
    offered: u16,
    /// What was asked for and is not answered.
    requested: u16,
    /// What is on.
    enabled: u16,
    /// A request for several was refused: they are asked for one by one.
    single: bool,
    /// The list of what the server has goes on in another line.
    listing: bool,
    /// `CAP END` was sent, or is not needed any more.
    ended: bool,
}

impl Negotiation {
    /// Writes the first line.
    pub(super) fn begin(out: &mut Vec<u8>) {
        Encoder::new(out).command(b"CAP").param(b"LS").param(b"302");
    }

    pub(super) const fn has(&self, capability: Capability) -> bool {
        self.enabled & capability as u16 != 0
    }

    /// The server took us: there is nothing to end any more.
    pub(super) fn registered(&mut self) {
        self.ended = true;
    }

    /// Takes a `CAP` message and writes what follows from it.
    pub(super) fn handle(&mut self, message: &Message<'_>, out: &mut Vec<u8>) {
        let Some(subcommand) = message.param(1) else { return };
        let list = message.params().last().copied().unwrap_or_default();
        let (plain, removed) = parse_list(list);
        match subcommand.to_ascii_uppercase().as_slice() {
            b"LS" => {
                self.offered |= plain;
                self.listing = message.param(2) == Some(b"*") && message.params().len() > 3;
                if !self.listing {
                    self.request(out);
                }
            }
            b"NEW" => {
                self.offered |= plain;
                self.request(out);
            }
            b"DEL" => {
                self.offered &= !plain;
                self.enabled &= !plain;
            }
            b"ACK" => {
                self.enabled = (self.enabled | plain) & !removed;
                self.requested &= !(plain | removed);
            }
            b"NAK" if self.requested.count_ones() > 1 && !self.single => {
                // A refusal is of the whole request, whatever is left of its text.
                self.single = true;
                for (name, capability) in KNOWN {
                    if self.requested & *capability as u16 != 0 {
                        Encoder::new(out).command(b"CAP").param(b"REQ").trailing(name.as_bytes());
                    }
                }
            }
            b"NAK" => {
                self.requested &= if plain == 0 { 0 } else { !plain };
                self.offered &= !plain;
            }
            _ => return,
        }
        if self.requested == 0 && !self.ended && !self.listing {
            self.ended = true;
            Encoder::new(out).command(b"CAP").param(b"END");
        }
    }

    /// Asks for all that the server has and that is not on.
    fn request(&mut self, out: &mut Vec<u8>) {
        let wanted = self.offered & !self.enabled & !self.requested;
        if wanted == 0 {
            return;
        }
        self.requested |= wanted;
        let names: Vec<&str> = KNOWN
            .iter()
            .filter(|(_, capability)| wanted & *capability as u16 != 0)
            .map(|(name, _)| *name)
            .collect();
        Encoder::new(out).command(b"CAP").param(b"REQ").trailing(names.join(" ").as_bytes());
    }
}

/// The capabilities of a list that are known: plain ones, and those with a `-` before them.
fn parse_list(list: &[u8]) -> (u16, u16) {
    let (mut plain, mut removed) = (0, 0);
    for item in list.split(|&byte| byte == b' ') {
        let name = item.split(|&byte| byte == b'=').next().unwrap_or_default();
        let (name, set) = match name {
            [b'-', name @ ..] => (name, &mut removed),
            // The first two are modifiers of old servers.
            [b'~' | b'=', name @ ..] | name => (name, &mut plain),
        };
        if let Some((_, capability)) = KNOWN.iter().find(|(known, _)| known.as_bytes() == name) {
            *set |= *capability as u16;
        }
    }
    (plain, removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// What follows from each line of the server.
    fn answers(negotiation: &mut Negotiation, line: &str) -> String {
        let mut out = Vec::new();
        negotiation.handle(&Message::parse(line.as_bytes()).unwrap(), &mut out);
        String::from_utf8(out).unwrap().replace("\r\n", "|")
    }

    #[test]
    fn what_both_know_is_requested_once_the_list_is_complete() {
        let mut it = Negotiation::default();
        assert_eq!(answers(&mut it, "CAP * LS * :server-time sasl=PLAIN"), "");
        assert_eq!(answers(&mut it, "CAP * LS :batch away"), "CAP REQ :server-time batch|");
        assert_eq!(answers(&mut it, "CAP * ACK :server-time"), "");
        assert_eq!(answers(&mut it, "CAP * ACK :batch"), "CAP END|");
        assert!(it.has(Capability::Batch) && !it.has(Capability::EchoMessage));
    }

    #[test]
    fn a_server_with_nothing_of_use_is_left_at_once() {
        let mut it = Negotiation::default();
        assert_eq!(answers(&mut it, "CAP * LS :"), "CAP END|");
    }

    #[test]
    fn refused_together_they_are_asked_for_one_by_one() {
        let mut it = Negotiation::default();
        answers(&mut it, "CAP * LS :batch server-time");
        assert_eq!(
            answers(&mut it, "CAP * NAK :batch serv"),
            "CAP REQ server-time|CAP REQ batch|".replace("REQ ", "REQ :")
        );
        assert_eq!(answers(&mut it, "CAP * ACK :server-time"), "");
        assert_eq!(answers(&mut it, "CAP * NAK :batch"), "CAP END|");
        assert!(it.has(Capability::ServerTime) && !it.has(Capability::Batch));
    }

    #[test]
    fn capabilities_come_and_go_later() {
        let mut it = Negotiation::default();
        answers(&mut it, "CAP * LS :");
        assert_eq!(answers(&mut it, "CAP a NEW :batch"), "CAP REQ :batch|");
        assert_eq!(answers(&mut it, "CAP a ACK :batch"), "");
        assert_eq!(answers(&mut it, "CAP a DEL :batch"), "");
        assert!(!it.has(Capability::Batch));
    }
}
