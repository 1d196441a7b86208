//! What the hot paths of the core cost in time: `cargo bench -p chat-core`.
//!
//! Figures that do not vary with what else the machine does are those of `scripts/instructions`.

use chat_core::wire::{CaseMapping, Message, Pattern};
use divan::{Bencher, black_box, counter::ItemsCount};

use self::crowd::{Crowd, LINES, messages};

mod crowd;

fn main() {
    divan::main();
}

/// A line to its parts, with ours and with the parser that Rust programs use most.
mod parse {
    use super::*;

    #[divan::bench(args = 0..LINES.len(), sample_size = 1_000)]
    fn ours(line: usize) {
        black_box(Message::parse(black_box(LINES[line])).expect("it is well-formed"));
    }

    #[divan::bench(args = 0..LINES.len(), sample_size = 1_000)]
    fn irc_proto(bencher: Bencher<'_, '_>, line: usize) {
        let text = str::from_utf8(LINES[line]).expect("it is UTF-8");
        // What it allocates is freed within the time, as by whoever uses it.
        bencher.bench_local(|| drop(black_box(text.parse::<irc_proto::Message>())));
    }
}

/// Parts to a line, into a buffer that has room.
#[divan::bench(args = 0..LINES.len())]
fn emit(bencher: Bencher<'_, '_>, line: usize) {
    let message = Message::parse(LINES[line]).expect("it is well-formed");
    let mut out = Vec::with_capacity(1024);
    bencher.bench_local(|| {
        out.clear();
        black_box(&message).emit(&mut out);
    });
}

/// Two names compared, and a mask held against a source.
mod names {
    use super::*;

    #[divan::bench(args = [CaseMapping::Ascii, CaseMapping::Rfc1459, CaseMapping::Precis])]
    fn equal(mapping: CaseMapping) -> bool {
        mapping.eq(black_box(b"Long[Nick]Of-24_letters^"), black_box(b"lonG[nicK]oF-24_letterS^"))
    }

    #[divan::bench(args = ["*!*@10.0.*", "*!*spam*@*.example.com", "alice!*@*"])]
    fn mask(bencher: Bencher<'_, '_>, mask: &str) {
        let pattern = Pattern::new(mask.as_bytes(), CaseMapping::Ascii);
        let source = b"alice!alice@host-17.dialin.example.com";
        bencher.bench_local(|| pattern.matches(black_box(source)));
    }
}

/// A turn of messages to a channel, flushed to everybody: items are deliveries.
mod broadcast {
    use super::*;

    const SIZES: [(usize, usize); 6] =
        [(100, 1), (100, 16), (1_000, 1), (1_000, 16), (5_000, 1), (5_000, 16)];

    #[divan::bench(args = SIZES.map(Size))]
    fn plain(bencher: Bencher<'_, '_>, size: &Size) {
        turns(bencher, size, false);
    }

    /// With tags, server times, message ids and echoes.
    #[divan::bench(args = SIZES.map(Size))]
    fn with_capabilities(bencher: Bencher<'_, '_>, size: &Size) {
        turns(bencher, size, true);
    }

    fn turns(bencher: Bencher<'_, '_>, Size((members, lines)): &Size, modern: bool) {
        let mut crowd = Crowd::new(*members, modern);
        let turn = messages(*lines);
        // The sender is sent its own with capabilities alone.
        let deliveries = (members - usize::from(!modern)) * lines;
        bencher.counter(ItemsCount::new(deliveries)).bench_local(|| crowd.say(&turn));
    }

    struct Size((usize, usize));

    impl std::fmt::Display for Size {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Self((members, lines)) = self;
            write!(f, "{members} members, {lines} lines")
        }
    }
}
