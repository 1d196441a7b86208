//! KLINE, DLINE, UNKLINE, UNDLINE: bans from the server.

use alloc::format;

use super::{Caller, cut};
use crate::{
    network::{BadTarget, BanKind, BanTarget, Op},
    wire::{Message, Subnet, numeric::ERR_NOSUCHNICK},
};

/// `KLINE [duration] user@host|nick [:reason]`
pub(super) fn kline(caller: &mut Caller<'_>, message: &Message<'_>) {
    ban(caller, message, BanKind::Kline);
}

/// `DLINE [duration] address[/bits]|nick [:reason]`
pub(super) fn dline(caller: &mut Caller<'_>, message: &Message<'_>) {
    ban(caller, message, BanKind::Dline);
}

/// `UNKLINE user@host`
pub(super) fn unkline(caller: &mut Caller<'_>, message: &Message<'_>) {
    unban(caller, message, BanKind::Kline);
}

/// `UNDLINE address[/bits]`
pub(super) fn undline(caller: &mut Caller<'_>, message: &Message<'_>) {
    unban(caller, message, BanKind::Dline);
}

fn ban(caller: &mut Caller<'_>, message: &Message<'_>, kind: BanKind) {
    let params = message.params();
    let (seconds, rest) = match params {
        [first, rest @ ..] if !rest.is_empty() => match duration(first) {
            Some(seconds) => (seconds, rest),
            None => (None, params),
        },
        _ => (None, params),
    };
    let command = kind.as_str();
    let Some(target) = rest.first().and_then(|given| target(caller, kind, command, given)) else {
        return;
    };
    let given = cut(rest.get(1).unwrap_or(&&b""[..]), caller.server.config.limits.kick_len);
    let reason = if given.is_empty() { b"No reason given" } else { given };
    caller.propose(Op::Ban { target, seconds, reason });
}

fn unban(caller: &mut Caller<'_>, message: &Message<'_>, kind: BanKind) {
    let command = if kind == BanKind::Kline { "UNKLINE" } else { "UNDLINE" };
    if let Some(target) = target(caller, kind, command, message.params()[0]) {
        caller.propose(Op::Unban { target });
    }
}

/// The target that a parameter names: itself, or the user or address of a nick. If it is none, that
/// is told.
fn target(
    caller: &mut Caller<'_>,
    kind: BanKind,
    command: &str,
    given: &[u8],
) -> Option<BanTarget> {
    let network = caller.network();
    let found = network.find_user(given);
    let parsed = match (kind, found.and_then(|id| network.user(id))) {
        (BanKind::Kline, Some(user)) => {
            BanTarget::parse(kind, &[b"*@", &user.address[..]].concat())
        }
        (BanKind::Dline, Some(user)) => {
            match found.and_then(|id| caller.server.links.address_of(id)) {
                Some(address) => Ok(BanTarget::Addresses(Subnet::of(address))),
                None => BanTarget::parse(kind, &user.address),
            }
        }
        (_, None) => BanTarget::parse(kind, given),
    };
    let why = match parsed {
        Ok(target) => return Some(target),
        Err(BadTarget::Malformed) if kind == BanKind::Kline && !given.contains(&b'@') => {
            caller.reply(ERR_NOSUCHNICK, &[given]);
            return None;
        }
        Err(BadTarget::Malformed) if kind == BanKind::Kline => "must be user@host or a nick",
        Err(BadTarget::Malformed) => "must be an address, address/bits or a nick",
        Err(BadTarget::TooWide) => kind.least(),
    };
    let text = format!("{} {why}", alloc::string::String::from_utf8_lossy(given));
    caller.server.refuse(caller.conn, command, "INVALID_TARGET", &[given], &text);
    None
}

/// Reads a duration: seconds, or numbers with the units w, d, h, m, s. 0 is for ever. The outer
/// `None`: it is none.
#[allow(clippy::option_option, reason = "no duration, and one without end")]
fn duration(text: &[u8]) -> Option<Option<u64>> {
    /// A hundred years.
    const MOST: u64 = 100 * 365 * 86_400;
    let (mut sum, mut number) = (0_u64, None::<u64>);
    for byte in text {
        let unit = match byte.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                number = Some((number.unwrap_or(0) * 10 + u64::from(digit - b'0')).min(MOST));
                continue;
            }
            b'w' => 7 * 86_400,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        sum = (sum + number.take()? * unit).min(MOST);
    }
    if text.is_empty() {
        return None;
    }
    let sum = (sum + number.unwrap_or(0)).min(MOST);
    Some((sum > 0).then_some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (text, expected) in [
            ("60", Some(Some(60))),
            ("1d2h", Some(Some(93_600))),
            ("2W", Some(Some(1_209_600))),
            ("1h30", Some(Some(3_630))),
            ("0", Some(None)),
            ("99999999999999999999w", Some(Some(3_153_600_000))),
            ("", None),
            ("d", None),
            ("1dd", None),
            ("1x", None),
            ("192.0.2.1", None),
            ("joe@host", None),
        ] {
            assert_eq!(duration(text.as_bytes()), expected, "{text}");
        }
    }
}
