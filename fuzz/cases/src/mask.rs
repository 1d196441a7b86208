//! Masks with wildcards: the fast matcher agrees with a slow one that is easy to believe, and takes no
//! more steps than it promises.

use chat_core::wire::{CaseMapping, Pattern, matches, normalise_ban};

use crate::{MAPPINGS, case};

/// Takes a casemapping, a mask and a text.
pub fn run(data: &[u8]) {
    let Some((mapping, mask, text)) = case::<(u8, &[u8], &[u8])>(data) else { return };
    let casemap = MAPPINGS[usize::from(mapping) % MAPPINGS.len()];
    let pattern = Pattern::new(mask, casemap);
    let folded = casemap.fold_beyond_ascii(text);
    let (matched, steps) = pattern.matches_counting(&folded);
    let bound = steps_max(pattern.as_bytes(), &folded);
    assert!(steps <= bound, "{steps} steps, at most {bound} were promised");
    assert_eq!(matched, matches(mask, text, casemap));
    assert!(matches(b"*", text, casemap));

    let full = normalise_ban(mask);
    assert!(full.contains(&b'!') && full.contains(&b'@'));
    assert_eq!(normalise_ban(&full), full);

    if pattern.as_bytes().len() <= SHORT && folded.len() <= SHORT {
        assert_eq!(matched, believed(pattern.as_bytes(), &folded, casemap));
    }
}

/// Longer masks and texts are counted alone: the slow matcher would take all the time.
const SHORT: usize = 96;

/// What [`matches`](fn@matches) promises of its cost.
fn steps_max(mask: &[u8], text: &[u8]) -> usize {
    let segments = mask.split(|&byte| byte == b'*').map(<[u8]>::len);
    // An escaped wildcard splits no segment: then this is too long, and never too short, for the
    // longest of all is not longer than the mask.
    let longest = if mask.contains(&b'\\') { mask.len() } else { segments.max().unwrap_or(0) };
    (text.len() + 1) * (longest.min(text.len()) + 2) + mask.len()
}

/// Fills a table row by row: whether the mask so far matches so much of the text.
fn believed(mask: &[u8], text: &[u8], casemap: CaseMapping) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    let mut mask = mask;
    while let [wanted, rest @ ..] = mask {
        let (escaped, wanted) = match (wanted, rest.first()) {
            (b'\\', Some(next @ (b'*' | b'?' | b'\\'))) => (true, *next),
            _ => (false, *wanted),
        };
        mask = &rest[usize::from(escaped)..];
        let mut next = vec![false; text.len() + 1];
        next[0] = row[0] && wanted == b'*' && !escaped;
        for (at, &byte) in text.iter().enumerate() {
            next[at + 1] = match wanted {
                b'*' if !escaped => row[at + 1] || next[at],
                b'?' if !escaped => row[at],
                _ => row[at] && casemap.fold_byte(wanted) == casemap.fold_byte(byte),
            };
        }
        row = next;
    }
    row[text.len()]
}
