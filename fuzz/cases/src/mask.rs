//! Masks with wildcards: the fast matcher agrees with a slow one that is easy to believe.

use chat_core::wire::{CaseMapping, matches, normalise_ban};

use crate::case;

/// Takes a casemapping, a mask and a text.
pub fn run(data: &[u8]) {
    let Some((rfc1459, mask, text)) = case::<(bool, &[u8], &[u8])>(data) else { return };
    let (mask, text) = (&mask[..mask.len().min(48)], &text[..text.len().min(96)]);
    let casemap = if rfc1459 { CaseMapping::Rfc1459 } else { CaseMapping::Ascii };
    assert_eq!(matches(mask, text, casemap), believed(mask, text, casemap));
    assert!(matches(b"*", text, casemap));

    let full = normalise_ban(mask);
    assert!(full.contains(&b'!') && full.contains(&b'@'));
    assert_eq!(normalise_ban(&full), full);
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
