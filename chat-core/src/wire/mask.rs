//! Masks: patterns for `nick!user@host` and other names, with `*` and `?`.

use alloc::{borrow::Cow, vec::Vec};

use super::CaseMapping;

/// Whether `mask` matches all of `text`.
///
/// `?` is any one byte, `*` any number of bytes, none too. A backslash makes a following `*`, `?`
/// or backslash stand for itself; before anything else, and at the end, it is an ordinary byte,
/// as nicks may hold it. Bytes are compared under `casemap`.
///
/// # Cost
///
/// The mask is a row of segments between `*`s. Each is looked for at the leftmost place after the
/// one before, which is always a right choice, so no segment is tried again once found. With *n*
/// bytes of text, *m* of mask, and a longest segment of *s* elements, that is at most
/// `(n + 1) * (min(s, n) + 2) + m` steps: linear in the text for each segment length, and never
/// exponential. (A `?` inside a segment rules out the linear substring searches.) It is for the
/// caller to cap both lengths; a line's 510 bytes already do.
#[must_use]
pub fn matches(mask: &[u8], text: &[u8], casemap: CaseMapping) -> bool {
    Pattern::new(mask, casemap).matches(text)
}

/// A mask that is held against many texts, as [`matches`](fn@matches) does: what is beyond ASCII in it is folded
/// once.
#[derive(Clone, Debug)]
pub struct Pattern<'m> {
    mask: Cow<'m, [u8]>,
    casemap: CaseMapping,
}

impl<'m> Pattern<'m> {
    /// The mask, ready for use.
    #[must_use]
    pub fn new(mask: &'m [u8], casemap: CaseMapping) -> Self {
        Self { mask: casemap.fold_beyond_ascii(mask), casemap }
    }

    /// The same with its own copy of the mask.
    #[must_use]
    pub fn into_owned(self) -> Pattern<'static> {
        Pattern { mask: self.mask.into_owned().into(), casemap: self.casemap }
    }

    /// The mask, folded if it is not of ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.mask
    }

    /// Whether it matches all of `text`.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        self.matches_folded(&self.casemap.fold_beyond_ascii(text))
    }

    /// Whether it matches all of a text that is
    /// [folded beyond ASCII](CaseMapping::fold_beyond_ascii).
    #[must_use]
    pub fn matches_folded(&self, text: &[u8]) -> bool {
        self.matches_counting(text).0
    }

    /// As [`matches_folded`](Self::matches_folded), and how many elements of the mask were looked at:
    /// for whoever holds the cost against its bound.
    #[must_use]
    pub fn matches_counting(&self, text: &[u8]) -> (bool, usize) {
        matches_counting(&self.mask, text, self.casemap)
    }
}

/// The mask in full form: `nick!user@host`, where a part not given is `*`, and runs of `*` are one.
///
/// `nick` becomes `nick!*@*`, `user@host` becomes `*!user@host`, `nick!user` becomes `nick!user@*`.
/// The nick ends at the first `!`, the host begins after the last `@`. At most 4 bytes longer than
/// what went in. It does not check for bytes that no parameter can hold: see
/// [`is_mask`](super::is_mask).
#[must_use]
pub fn normalise_ban(mask: &[u8]) -> Vec<u8> {
    let (nick, rest) = match mask.iter().position(|&byte| byte == b'!') {
        Some(bang) => (Some(&mask[..bang]), &mask[bang + 1..]),
        None => (None, mask),
    };
    let (user, host) = match rest.iter().rposition(|&byte| byte == b'@') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &b""[..]),
    };
    let has_host = rest.len() > user.len();
    let (nick, user) = match nick {
        Some(nick) => (nick, user),
        None if has_host => (&b""[..], user),
        None => (user, &b""[..]),
    };

    let mut full = Vec::with_capacity(mask.len() + 4);
    push_part(nick, &mut full);
    full.push(b'!');
    push_part(user, &mut full);
    full.push(b'@');
    push_part(host, &mut full);
    full
}

/// One element of a mask.
#[derive(Copy, Clone, Eq, PartialEq)]
enum Element {
    Byte(u8),
    AnyByte,
    AnyBytes,
}

/// The element at `at` and the index after it.
fn element(mask: &[u8], at: usize) -> Option<(Element, usize)> {
    Some(match (*mask.get(at)?, mask.get(at + 1)) {
        (b'*', _) => (Element::AnyBytes, at + 1),
        (b'?', _) => (Element::AnyByte, at + 1),
        (b'\\', Some(&byte @ (b'*' | b'?' | b'\\'))) => (Element::Byte(byte), at + 2),
        (byte, _) => (Element::Byte(byte), at + 1),
    })
}

/// The verdict, and how many elements were looked at.
fn matches_counting(mask: &[u8], text: &[u8], casemap: CaseMapping) -> (bool, usize) {
    let (mut in_mask, mut in_text, mut steps) = (0, 0, 0);
    // Where the segment after the last `*` starts, in the mask and where it is tried in the text.
    let mut segment: Option<(usize, usize)> = None;
    loop {
        steps += 1;
        let fits = match element(mask, in_mask) {
            Some((Element::AnyBytes, next)) => {
                in_mask = next;
                segment = Some((next, in_text));
                continue;
            }
            Some((one, next)) => {
                // The rest of a segment needs more text than is left, here and anywhere later.
                let Some(&byte) = text.get(in_text) else {
                    return (false, steps);
                };
                in_mask = next;
                one == Element::AnyByte
                    || matches!(one, Element::Byte(b) if casemap.fold_byte(b) == casemap.fold_byte(byte))
            }
            None if in_text == text.len() => return (true, steps),
            None => false,
        };
        if fits {
            in_text += 1;
            continue;
        }
        let Some((start, tried)) = segment else {
            return (false, steps);
        };
        segment = Some((start, tried + 1));
        (in_mask, in_text) = (start, tried + 1);
    }
}

/// Appends one part of a full mask, `*` if it is empty.
fn push_part(part: &[u8], full: &mut Vec<u8>) {
    if part.is_empty() {
        full.push(b'*');
    }
    let mut at = 0;
    let mut after_star = false;
    while let Some((one, next)) = element(part, at) {
        let star = one == Element::AnyBytes;
        if !(star && after_star) {
            full.extend_from_slice(&part[at..next]);
        }
        after_star = star;
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASCII: CaseMapping = CaseMapping::Ascii;

    /// The definition, straight: exponential and plain.
    fn naive(mask: &[u8], text: &[u8], casemap: CaseMapping) -> bool {
        match element(mask, 0) {
            None => text.is_empty(),
            Some((Element::AnyBytes, next)) => {
                (0..=text.len()).any(|skip| naive(&mask[next..], &text[skip..], casemap))
            }
            Some((one, next)) => text.split_first().is_some_and(|(&byte, rest)| {
                let fits = match one {
                    Element::Byte(b) => casemap.eq(&[b], &[byte]),
                    _ => true,
                };
                fits && naive(&mask[next..], rest, casemap)
            }),
        }
    }

    fn longest_segment(mask: &[u8]) -> usize {
        let (mut at, mut length, mut longest) = (0, 0, 0);
        while let Some((one, next)) = element(mask, at) {
            length = if one == Element::AnyBytes { 0 } else { length + 1 };
            longest = longest.max(length);
            at = next;
        }
        longest
    }

    fn bound(mask: &[u8], text: &[u8]) -> usize {
        (text.len() + 1) * (longest_segment(mask).min(text.len()) + 2) + mask.len()
    }

    #[test]
    fn wildcards() {
        for (mask, text) in [
            ("", ""),
            ("*", ""),
            ("*", "anything"),
            ("***", "x"),
            ("a?c", "abc"),
            ("a*c", "ac"),
            ("a*c", "abcbc"),
            ("*!*@*.example.com", "nick!user@host.example.com"),
            ("*a*b", "aab"),
            ("*ab", "aab"),
            ("NICK!*@*", "nick!u@h"),
        ] {
            assert!(matches(mask.as_bytes(), text.as_bytes(), ASCII), "{mask} {text}");
        }
        for (mask, text) in [
            ("", "a"),
            ("?", ""),
            ("a?c", "ac"),
            ("a*c", "ab"),
            ("*ab", "aba"),
            ("a*", "ba"),
            ("ab", "abc"),
        ] {
            assert!(!matches(mask.as_bytes(), text.as_bytes(), ASCII), "{mask} {text}");
        }
    }

    #[test]
    fn a_backslash_escapes_wildcards_and_itself() {
        assert!(matches(br"a\*b", b"a*b", ASCII));
        assert!(!matches(br"a\*b", b"axb", ASCII));
        assert!(matches(br"a\?b", b"a?b", ASCII));
        assert!(!matches(br"a\?b", b"axb", ASCII));
        assert!(matches(br"a\\b", br"a\b", ASCII));
        assert!(matches(br"a\\*", br"a\anything", ASCII));
    }

    #[test]
    fn a_backslash_before_anything_else_is_an_ordinary_byte() {
        assert!(matches(br"nick\!*@*", br"nick\!u@h", ASCII));
        assert!(matches(br"a\", br"a\", ASCII));
    }

    #[test]
    fn case_folds_by_the_mapping() {
        assert!(matches(b"[A]*", b"{a}b", CaseMapping::Rfc1459));
        assert!(!matches(b"[A]*", b"{a}b", ASCII));
    }

    #[test]
    fn a_pattern_folds_what_is_beyond_ascii() {
        let pattern = Pattern::new("*\u{c9}t\u{c9}*".as_bytes(), CaseMapping::Precis).into_owned();
        assert_eq!(pattern.as_bytes(), "*\u{e9}t\u{e9}*".as_bytes());
        assert!(pattern.matches("L\u{2019}\u{c9}T\u{e9}".as_bytes()) && !pattern.matches(b"ete"));
        assert!(pattern.matches_folded("\u{e9}t\u{e9}!x".as_bytes()));
        let plain = Pattern::new(b"A*", CaseMapping::Precis);
        assert_eq!(plain.as_bytes(), b"A*");
        assert!(plain.matches("a\u{c9}".as_bytes()) && plain.matches(b"AB"));
    }

    #[test]
    fn bans_are_put_in_full_form() {
        for (mask, full) in [
            ("nick", "nick!*@*"),
            ("user@host", "*!user@host"),
            ("nick!user", "nick!user@*"),
            ("nick!user@host", "nick!user@host"),
            ("@host", "*!*@host"),
            ("nick!", "nick!*@*"),
            ("!@", "*!*@*"),
            ("nick!@host", "nick!*@host"),
            ("a@b@c", "*!a@b@c"),
            ("a@b@", "*!a@b@*"),
            ("a!b!c@d", "a!b!c@d"),
            ("***a**!**@**", "*a*!*@*"),
            (r"\**", r"\**!*@*"),
            ("*", "*!*@*"),
            ("", "*!*@*"),
        ] {
            assert_eq!(normalise_ban(mask.as_bytes()), full.as_bytes(), "{mask}");
        }
    }

    #[test]
    fn hostile_masks_stay_within_the_bound() {
        let text = [b'a'; 510];
        let repeated = |unit: &[u8], end: &[u8]| {
            let mut mask = unit.repeat(510 / unit.len() - 1);
            mask.extend_from_slice(end);
            mask
        };
        let mut half = alloc::vec![b'*'];
        half.resize(256, b'a');
        half.push(b'b');
        for mask in [
            repeated(b"*a", b"b"),
            repeated(b"*", b"b"),
            repeated(b"*?", b"b"),
            repeated(b"?*a", b"b"),
            repeated(b"a?", b"*b"),
            half,
        ] {
            let (matched, steps) = matches_counting(&mask, &text, ASCII);
            assert!(!matched);
            assert!(steps <= bound(&mask, &text), "{steps} > {}", bound(&mask, &text));
        }
    }

    #[test]
    fn a_mask_of_single_letters_and_stars_costs_linear_steps() {
        let text = [b'a'; 510];
        let mut mask = b"*a".repeat(254);
        mask.extend_from_slice(b"*b");
        let (_, steps) = matches_counting(&mask, &text, ASCII);
        assert!(steps <= 3 * (text.len() + mask.len()), "{steps}");
    }

    fn pattern_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"abAB[{*?\\".to_vec()), 0..12)
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_within_the_bound(
            mask in pattern_bytes(), text in pattern_bytes(), rfc1459: bool,
        ) {
            let casemap = if rfc1459 { CaseMapping::Rfc1459 } else { ASCII };
            let (matched, steps) = matches_counting(&mask, &text, casemap);
            prop_assert_eq!(matched, naive(&mask, &text, casemap));
            prop_assert!(steps <= bound(&mask, &text));
        }

        #[test]
        fn normalising_is_stable_and_keeps_the_meaning(
            nick in pattern_bytes(), user in pattern_bytes(), host in pattern_bytes(),
            texts in [pattern_bytes(), pattern_bytes(), pattern_bytes()],
        ) {
            let full = normalise_ban(&[&nick[..], b"!", &user, b"@", &host].concat());
            prop_assert_eq!(&normalise_ban(&full), &full);
            let part = |mask: &[u8], text: &[u8]| mask.is_empty() || naive(mask, text, ASCII);
            let all = part(&nick, &texts[0]) && part(&user, &texts[1]) && part(&host, &texts[2]);
            let text = [&texts[0][..], b"!", &texts[1], b"@", &texts[2]].concat();
            // A part that matches its own text makes the whole match; the reverse need not hold.
            prop_assert!(!all || matches(&full, &text, ASCII));
        }
    }
}
