//! Cuts a long text into pieces that each fit one line.

/// The lines of `text`, each cut into pieces of at most `max` bytes; empty lines are left out.
///
/// No cut is inside a UTF-8 character, provided that `max` is at least 4. A cut is after a space
/// where the second half of a piece has one. All bytes of a line are in its pieces.
pub(super) fn pieces(text: &[u8], max: usize) -> impl Iterator<Item = &[u8]> {
    debug_assert!(max >= 4, "{max} bytes cannot hold every character");
    text.split(|&byte| byte == b'\r' || byte == b'\n').flat_map(move |line| {
        let mut rest = line;
        core::iter::from_fn(move || {
            let (piece, after) = rest.split_at(end_of_piece(rest, max));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    })
}

/// The length of the first piece: nothing only of nothing.
fn end_of_piece(text: &[u8], max: usize) -> usize {
    if text.len() <= max {
        return text.len();
    }
    // A character has at most three continuation bytes; more are no UTF-8, cut anywhere.
    let is_inside = |&at: &usize| text[at] & 0b1100_0000 == 0b1000_0000;
    let end = (max.saturating_sub(3)..=max).rev().find(|at| !is_inside(at)).unwrap_or(max).max(1);
    let half = end / 2;
    text[half..end].iter().rposition(|&byte| byte == b' ').map_or(end, |space| half + space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn cut(text: &str, max: usize) -> Vec<&str> {
        pieces(text.as_bytes(), max).map(|piece| str::from_utf8(piece).unwrap()).collect()
    }

    #[test]
    fn a_text_that_fits_is_one_piece() {
        assert_eq!(cut("hello", 5), ["hello"]);
        assert_eq!(cut("", 5), Vec::<&str>::new());
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(cut("one two three", 10), ["one two ", "three"]);
        assert_eq!(cut("o twothreefour", 8), ["o twothr", "eefour"]);
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(cut("äöü", 5), ["äö", "ü"]);
        assert_eq!(cut("🦀🦀", 7), ["🦀", "🦀"]);
    }

    #[test]
    fn every_line_is_a_piece_of_its_own() {
        assert_eq!(cut("one\r\n\ntwo", 80), ["one", "two"]);
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "[ -~äö🦀]{0,200}", max in 4_usize..50) {
            let cut = cut(&text, max);
            prop_assert!(cut.iter().all(|piece| piece.len() <= max && !piece.is_empty()));
            prop_assert_eq!(cut.concat(), text);
        }

        #[test]
        fn any_bytes_are_cut(text: Vec<u8>, max in 4_usize..50) {
            let breaks = |byte: &u8| *byte == b'\r' || *byte == b'\n';
            let kept: Vec<u8> = pieces(&text, max).flatten().copied().collect();
            let expected: Vec<u8> = text.iter().copied().filter(|byte| !breaks(byte)).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
