//! What a server offers of IRCv3, of what clients commonly ask for.

use std::time::Duration;

use super::{
    error::BenchError,
    line::{command, parameters},
    order::Fault,
    scenario::Load,
    swarm::Listener,
};

/// Asks a server what it offers; the names that a client with everything would ask for, between spaces.
///
/// # Errors
/// If the server lacks one that is `needed`, or none is left.
pub(super) fn offered(load: &Load, needed: &[&str]) -> Result<String, BenchError> {
    let mut swarm = load.swarm(1)?;
    let client = swarm.connect()?;
    swarm.say(client, |out| out.extend_from_slice(b"CAP LS 302\r\nPING :end\r\n"));
    swarm.begin("asking for capabilities", 1, Duration::ZERO);
    let mut offer = Offer::default();
    while !offer.complete {
        swarm.turn(None, 0, &mut offer)?;
    }
    let names =
        || COMMON.split(' ').filter(|name| offer.names.iter().any(|offered| offered == name));
    let missing = needed.iter().find(|needed| !names().any(|name| name == **needed));
    match missing {
        Some(name) => Err(BenchError::Lacks { what: (*name).to_owned() }),
        None if names().next().is_none() => Err(BenchError::Lacks { what: "capabilities".into() }),
        None => Ok(names().collect::<Vec<_>>().join(" ")),
    }
}

/// What the server said.
#[derive(Default)]
struct Offer {
    names: Vec<String>,
    complete: bool,
}

impl Listener for Offer {
    fn line(&mut self, _client: usize, line: &[u8]) -> Result<bool, Fault> {
        if command(line) == b"CAP" {
            let text = String::from_utf8_lossy(parameters(line));
            let (head, names) = text.split_once(" :").unwrap_or((&text, ""));
            let name = |offered: &str| offered.split('=').next().unwrap_or_default().to_owned();
            self.names.extend(names.split_whitespace().map(name));
            // A star says that more follow.
            self.complete |= !head.ends_with(" *");
        } else {
            // PONG, or a complaint: of a server that knows no CAP.
            self.complete |= matches!(command(line), b"PONG" | b"421" | b"451");
        }
        Ok(true)
    }
}

/// What clients with everything ask for that changes what a message or a JOIN costs.
const COMMON: &str = "account-notify account-tag away-notify batch chghost echo-message extended-join \
                      invite-notify labeled-response message-tags multi-prefix server-time setname \
                      userhost-in-names";

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Offer {
        let mut offer = Offer::default();
        for line in lines {
            assert_eq!(offer.line(0, line.as_bytes()), Ok(true));
        }
        offer
    }

    #[test]
    fn an_offer_may_take_several_lines() {
        let offer = heard(&[":irc.test CAP * LS * :batch sasl=PLAIN"]);
        assert!(!offer.complete);
        let offer =
            heard(&[":irc.test CAP * LS * :batch sasl=PLAIN", ":irc.test CAP * LS :server-time"]);
        assert!(offer.complete);
        assert_eq!(offer.names, ["batch", "sasl", "server-time"]);
    }

    #[test]
    fn a_server_that_knows_no_capabilities_offers_none() {
        assert!(heard(&[":irc.test PONG irc.test :end"]).complete);
    }
}
