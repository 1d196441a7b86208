//! Names beyond ASCII: which characters they may hold, which are the same letter, which look alike.
//!
//! Which may be there: UTS 39, the general security profile for identifiers; or nearly all. Which are
//! equal: RFC 8265's case-mapped user names; or full case folding. Which look alike: UTS 39,
//! "Confusable Detection".

use alloc::{string::String, vec::Vec};

use unicode_normalization::{
    UnicodeNormalization,
    char::{decompose_compatible, is_combining_mark},
};
use unicode_security::{GeneralSecurityProfile, confusable_detection::skeleton as prototype};

/// Folds of folds that are tried until nothing changes; RFC 8264, section 7, knows of no name that
/// needs more.
const PASSES: usize = 4;

/// Whether a name outside ASCII may be used: of letters, digits and marks that are recommended for
/// identifiers, not in two directions; so is its fold, which is equal to itself when folded again.
pub(super) fn is_identifier(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii() || c.identifier_allowed() && !is_ignorable(c);
    let good = |name: &str| name.chars().all(allowed) && begins_well(name) && goes_one_way(name);
    good(name) && good(&fold_precis(name)) && is_stable(name, precis)
}

/// Whether a name may be used where almost anything may: what shows on a line and can be told from
/// nothing.
pub(super) fn is_permitted(name: &str) -> bool {
    let allowed = |c: char| !c.is_control() && !c.is_whitespace() && !is_ignorable(c);
    let good = |name: &str| name.chars().all(allowed) && begins_well(name);
    good(name) && good(&fold_permissive(name)) && is_stable(name, permissive)
}

/// A name in lower case, as RFC 8265 compares user names: wide and narrow forms are the usual ones,
/// letters are small, composed.
pub(super) fn fold_precis(name: &str) -> String {
    repeat(name, precis)
}

/// A name with full case folding, decomposed.
pub(super) fn fold_permissive(name: &str) -> String {
    repeat(name, permissive)
}

/// What a name looks like: equal for two that are easily taken for each other, whatever their case.
///
/// Made of the name as it was given, since case tells what looks alike: `I` is like `l`, `i` is not.
/// `m` stays apart from `rn`, which UTS 39 holds alike and too many plain names have.
#[must_use]
pub(super) fn skeleton(name: &str) -> String {
    let mut looks = String::new();
    for c in name.chars().flat_map(usual_width).nfd() {
        match c {
            'm' => looks.push(c),
            _ => looks.extend(prototype(c.encode_utf8(&mut [0; 4]))),
        }
    }
    fold_permissive(&looks)
}

fn precis(name: &str) -> String {
    name.chars().flat_map(usual_width).flat_map(char::to_lowercase).nfc().collect()
}

fn permissive(name: &str) -> String {
    // The lower case of the upper case brings together what either of them does.
    let folded = name.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let folded: String = folded.collect();
    folded.nfd().collect()
}

/// Folds until nothing changes.
fn repeat(name: &str, fold: fn(&str) -> String) -> String {
    let mut folded = fold(name);
    for _ in 1..PASSES {
        let again = fold(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn is_stable(name: &str, fold: fn(&str) -> String) -> bool {
    let folded = repeat(name, fold);
    fold(&folded) == folded
}

/// The usual form of a wide or narrow one. It allocates for those alone.
fn usual_width(c: char) -> impl Iterator<Item = char> {
    let mut usual = Vec::new();
    let is_usual = !matches!(c, '\u{3000}' | '\u{ff01}'..='\u{ffee}');
    if !is_usual {
        decompose_compatible(c, |c| usual.push(c));
    }
    is_usual.then_some(c).into_iter().chain(usual)
}

fn begins_well(name: &str) -> bool {
    !name.trim_start_matches('#').chars().next().is_some_and(is_combining_mark)
}

/// Whether a name is not of letters that are written from the left and such that are written from
/// the right: a stricter form of RFC 5893, section 2.
fn goes_one_way(name: &str) -> bool {
    let from_right = |c: char| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    };
    let from_left = |c: char| c.is_alphabetic() && !from_right(c) && !is_combining_mark(c);
    !(name.chars().any(from_right) && name.chars().any(from_left))
}

/// Characters that show as nothing, or change how others show; those for private use; those that
/// are none.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
        | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{ffff}' | '\u{2800}' | '\u{13430}'..='\u{13455}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || c >= '\u{e0000}'
        || u32::from(c) & 0xfffe == 0xfffe
}

/// All characters but those of large blocks without case, which fold to themselves.
#[cfg(test)]
pub(super) fn letters() -> impl Iterator<Item = char> {
    let blocks = [0x01..0x3400, 0xa000..0xac00, 0xf900..0x1_2000];
    let more = [0x1_6e00..0x1_6f00, 0x1_d000..0x1_f200];
    blocks.into_iter().chain(more).flatten().filter_map(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn folding_twice_changes_nothing_for_any_character() {
        for c in letters() {
            let name = format!("a{c}");
            for fold in [fold_precis, fold_permissive] {
                let folded = fold(&name);
                assert_eq!(fold(&folded), folded, "{c:?} U+{:04X}", u32::from(c));
            }
        }
    }

    #[test]
    fn ascii_is_folded_as_ascii() {
        for c in '!'..='~' {
            let lower = String::from(c.to_ascii_lowercase());
            assert_eq!(fold_precis(&String::from(c)), lower);
            assert_eq!(fold_permissive(&String::from(c)), lower);
        }
    }

    #[test]
    fn both_cases_of_every_letter_are_one_name() {
        for c in letters().filter(|c| c.identifier_allowed()) {
            let (name, upper): (String, String) = (c.into(), c.to_uppercase().collect());
            assert_eq!(fold_permissive(&name), fold_permissive(&upper), "{c:?}");
            assert_eq!(skeleton(&name), skeleton(&name.nfd().collect::<String>()), "{c:?}");
        }
    }

    #[test]
    fn what_may_be_in_a_name() {
        for name in ["Işıl", "žofie", "Ольга", "δήμος", "小明", "משה", "عمر", "e\u{301}ric"]
        {
            assert!(is_identifier(name) && is_permitted(name), "{name}");
        }
        for name in ["a\u{200d}b", "a\u{202e}b", "a\u{a0}b", "\u{301}a", "a\u{fe0f}", "a\u{e000}"] {
            assert!(!is_identifier(name) && !is_permitted(name), "{name:?}");
        }
        for name in ["😀", "a→b", "ｆｕｌｌ", "ℕ"] {
            assert!(!is_identifier(name) && is_permitted(name), "{name}");
        }
        assert!(!is_identifier("aמ") && !is_identifier("#\u{301}a"));
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (a, b) in [
            ("evan", "еvan"), // U+0435 in place of e
            ("paypal", "рауραl"),
            ("Bill", "BilI"),
            ("l0l", "lOl"),
            ("full", "ｆｕｌｌ"),
            ("é", "e\u{301}"),
            ("ANN", "ann"),
        ] {
            assert_eq!(skeleton(a), skeleton(b), "{a} {b}");
        }
        for (a, b) in [("tom", "torn"), ("ann", "anne"), ("é", "e"), ("bob", "rob")] {
            assert_ne!(skeleton(a), skeleton(b), "{a} {b}");
        }
    }
}
