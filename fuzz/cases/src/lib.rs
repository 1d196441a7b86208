//! What the fuzz targets check, as plain functions of bytes: libFuzzer calls them on nightly Rust, and
//! `tests/replay.rs` on stable with all inputs that are kept.
//!
//! A case that is not as it should be is a panic.

pub mod casefold;
pub mod client;
pub mod config;
pub mod contract;
#[cfg(test)]
mod dictionary;
pub mod framing;
mod line;
pub mod link;
pub mod mask;
pub mod parse_line;
pub mod replay;
pub mod server;
mod setup;
mod stage;
mod words;

use std::{env, fmt, sync::LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use chat_core::wire::CaseMapping;

/// A target: its name, which is also that of its folders in `fuzz/seeds` and `fuzz/regressions`, and
/// what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    ("casefold", casefold::run),
    ("client", client::run),
    ("config", config::run),
    ("contract", contract::run),
    ("framing", framing::run),
    ("link", link::run),
    ("mask", mask::run),
    ("parse_line", parse_line::run),
    ("replay", replay::run),
    ("server", server::run),
];

/// Bytes that are shown as text.
#[derive(Arbitrary, Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// All casemappings.
const MAPPINGS: [CaseMapping; 4] =
    [CaseMapping::Ascii, CaseMapping::Rfc1459, CaseMapping::Precis, CaseMapping::Permissive];

/// The case that the bytes stand for, if they are enough for one. With `FUZZ_SHOW` in the environment
/// it is printed.
fn case<'a, T: Arbitrary<'a> + fmt::Debug>(data: &'a [u8]) -> Option<T> {
    let case = T::arbitrary_take_rest(Unstructured::new(data)).ok()?;
    show(format_args!("{case:#?}"));
    Some(case)
}

/// Prints a case, if `FUZZ_SHOW` is in the environment.
fn show(case: fmt::Arguments<'_>) {
    static SHOW: LazyLock<bool> = LazyLock::new(|| env::var_os("FUZZ_SHOW").is_some());
    if *SHOW {
        eprintln!("{case}");
    }
}
