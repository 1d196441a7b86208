//! Which nick to try when one is refused.

use alloc::{format, vec::Vec};

/// The nicks tried on one connection.
#[derive(Debug, Default)]
pub(super) struct Nicks {
    /// How many alternatives were tried.
    tried: u32,
    /// The server found one malformed: only plain ones are tried.
    plain: bool,
}

impl Nicks {
    /// What to try in place of `refused`, at most `max` bytes long; `None` when it is time to give
    /// up. `malformed` says that the server refused its form, not its being taken.
    pub(super) fn next(
        &mut self,
        wanted: &[u8],
        refused: &[u8],
        malformed: bool,
        max: usize,
    ) -> Option<Vec<u8>> {
        if malformed && !core::mem::replace(&mut self.plain, true) {
            let plain = plain(wanted);
            if plain != refused {
                return Some(plain);
            }
        }
        self.tried += 1;
        if self.tried > TRIED_MAX {
            return None;
        }
        Some(if self.plain {
            alternative(&plain(wanted), self.tried, max.min(PLAIN_LEN))
        } else {
            alternative(wanted, self.tried, max)
        })
    }
}

/// The `n`th alternative, from 1: `nick_`, `nick__`, `nick1`, `nick2` and so on, at most `max`
/// bytes long.
fn alternative(wanted: &[u8], n: u32, max: usize) -> Vec<u8> {
    let suffix = match n {
        1 => "_".into(),
        2 => "__".into(),
        n => format!("{}", n.saturating_sub(2)),
    };
    let kept = max.saturating_sub(suffix.len()).max(1).min(wanted.len());
    // Not inside a character.
    let is_inside =
        |at: usize| wanted.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    let end = (1..=kept).rev().find(|&at| !is_inside(at)).unwrap_or(kept);
    [&wanted[..end], suffix.as_bytes()].concat()
}

/// A nick that every server finds well-formed, as near as may be to `wanted`.
fn plain(wanted: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let plain: Vec<u8> = wanted
        .iter()
        .copied()
        .skip_while(|byte| !byte.is_ascii_alphabetic())
        .filter(is_plain)
        .take(PLAIN_LEN)
        .collect();
    if plain.is_empty() { b"guest".to_vec() } else { plain }
}

/// The length of a nick that every server takes, in bytes: RFC 2812, section 1.2.1.
const PLAIN_LEN: usize = 9;

/// How many alternatives are tried.
const TRIED_MAX: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_near_and_fit() {
        let tried: Vec<_> = (1..5).map(|n| alternative(b"alice", n, 6)).collect();
        assert_eq!(tried, [&b"alice_"[..], b"alic__", b"alice1", b"alice2"]);
        assert_eq!(alternative("äö".as_bytes(), 1, 4), "ä_".as_bytes());
        assert_eq!(alternative(b"a", 1, 1), b"a_");
    }

    #[test]
    fn a_malformed_nick_becomes_a_plain_one() {
        let wanted = "3Jürgen!".as_bytes();
        let mut nicks = Nicks::default();
        assert_eq!(nicks.next(wanted, wanted, true, 30).unwrap(), b"Jrgen");
        assert_eq!(nicks.next(wanted, b"Jrgen", true, 30).unwrap(), b"Jrgen_");
        assert_eq!(plain("☃".as_bytes()), b"guest");
    }

    #[test]
    fn it_ends() {
        let mut nicks = Nicks::default();
        let tried = core::iter::from_fn(|| nicks.next(b"a", b"a", false, 30));
        assert_eq!(tried.take(1000).count(), 50);
    }
}
