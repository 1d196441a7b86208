//! Bans as text that people can read and edit: what the host keeps.
//!
//! A ban is a line: its kind and its target, then, each of them optional, `until` and a time, `by` and
//! who set it, `at` and when, and `:` with the reason. `#` begins a comment.
//!
//! ```text
//! KLINE *@bad.example until 2026-02-01T00:00:00.000Z by root at 2026-01-31T00:00:00.000Z :spam
//! DLINE 198.51.100.0/24 :an open proxy
//! ```

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use core::fmt;

use crate::{
    UnixMillis,
    network::{BadTarget, BanKind, BanTarget, ServerBan},
    server_time,
};

/// A line of the file that can't be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadBans {
    /// The number of the line; the first is 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadBans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl core::error::Error for BadBans {}

/// Checks the text of a file of bans: how many it holds.
///
/// # Errors
/// The first line that can't be read, and why.
pub fn check_bans(text: &[u8]) -> Result<usize, BadBans> {
    read(text).map(|bans| bans.len())
}

const HEAD: &[u8] = b"\
# Bans from the server, one a line. The server writes this file anew at each change; after editing
# it, have the server read it with SIGHUP or REHASH. All but kind and target may be left out:
#   KLINE user@host      [until TIME] [by WHO] [at TIME] [:reason]
#   DLINE address[/bits] [until TIME] [by WHO] [at TIME] [:reason]
";

/// Who set a ban of which people have not written who did.
const NOBODY: &[u8] = b"*";

/// The text of these bans.
pub(super) fn write<'a>(bans: impl Iterator<Item = &'a ServerBan>) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    for ban in bans {
        out.extend_from_slice(ban.target.kind().as_str().as_bytes());
        let until = ban.until.map(UnixMillis::to_iso);
        let until = until.as_ref().map(|until| (&b"until"[..], &until[..]));
        let (target, at) = (ban.target.text(), ban.at.to_iso());
        let by = (*ban.by != *NOBODY).then_some((&b"by"[..], &ban.by[..]));
        let at = (ban.at != UnixMillis(0)).then_some((&b"at"[..], &at[..]));
        let items = [(&b""[..], &target[..])].into_iter().chain(until).chain(by).chain(at);
        for (name, value) in items {
            for part in [name, value].iter().filter(|part| !part.is_empty()) {
                out.push(b' ');
                out.extend_from_slice(part);
            }
        }
        out.extend_from_slice(b" :");
        out.extend_from_slice(&ban.reason);
        out.push(b'\n');
    }
    out
}

/// The bans that a text holds.
pub(super) fn read(text: &[u8]) -> Result<Vec<ServerBan>, BadBans> {
    let mut bans: Vec<ServerBan> = Vec::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let ban = read_line(line).map_err(|why| BadBans { line: at + 1, why })?;
        bans.push(ban);
    }
    // The last of several of one target counts.
    let mut seen = BTreeSet::new();
    bans.reverse();
    bans.retain(|ban| seen.insert((ban.target.kind().as_str(), ban.target.text())));
    bans.reverse();
    Ok(bans)
}

fn read_line(line: &[u8]) -> Result<ServerBan, String> {
    let is_reason = |at: &usize| line.get(at + 1) == Some(&b':');
    let end = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at);
    let end = end.into_iter().find(is_reason);
    let reason = end.map_or(&b"No reason given"[..], |at| &line[at + 2..]);
    let words = line[..end.unwrap_or(line.len())].split(|byte| *byte == b' ');
    let mut words = words.filter(|word| !word.is_empty());
    let kind = match words.next() {
        Some(word) if word.eq_ignore_ascii_case(b"KLINE") => BanKind::Kline,
        Some(word) if word.eq_ignore_ascii_case(b"DLINE") => BanKind::Dline,
        _ => return Err("a ban begins with KLINE or DLINE".into()),
    };
    let target = words.next().unwrap_or_default();
    let target = BanTarget::parse(kind, target).map_err(|bad| match (kind, bad) {
        (BanKind::Kline, BadTarget::TooWide) => format!("user@host {}", kind.least()),
        (BanKind::Dline, BadTarget::TooWide) => format!("a network {}", kind.least()),
        (BanKind::Kline, BadTarget::Malformed) => "KLINE takes user@host, with * and ?".into(),
        (BanKind::Dline, BadTarget::Malformed) => "DLINE takes an address or address/bits".into(),
    })?;
    let mut ban = ServerBan {
        target,
        by: NOBODY.into(),
        at: UnixMillis(0),
        until: None,
        reason: reason.into(),
    };
    while let Some(name) = words.next() {
        let value = words.next().ok_or("a word is missing at the end")?;
        let time = || server_time::parse(value).ok_or("a time is written 2026-01-31T23:59:59Z");
        match name {
            b"until" => ban.until = Some(time()?),
            b"at" => ban.at = time()?,
            b"by" => ban.by = value.into(),
            _ => return Err("after the target come until, by, at, and :reason".into()),
        }
    }
    Ok(ban)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "KLINE *@bad.example until 2026-02-01T00:00:00.000Z by root \
                    at 2026-01-31T00:00:00.500Z :spam: and : more\n\
                    DLINE 2001:db8::/32 by root at 2026-01-31T00:00:00.000Z :\n";
        let bans = read(text.as_bytes()).expect("it is right");
        assert_eq!(bans.len(), 2);
        let written = write(bans.iter());
        assert!(written.starts_with(HEAD) && written.ends_with(text.as_bytes()));
        assert_eq!(read(&written), Ok(bans));
    }

    #[test]
    fn people_may_leave_out_what_they_do_not_know() {
        let text = b"# by hand\n\n  dline 10.1.2.3/8\r\nkline *@bad.example :spam\nDLINE 10.0.0.0/8 :again\n";
        let bans = read(text).expect("it is right");
        let shown: Vec<_> = bans.iter().map(|ban| (ban.target.text(), &ban.reason[..])).collect();
        let expected: [(Vec<u8>, &[u8]); 2] =
            [(b"*@bad.example".to_vec(), b"spam"), (b"10.0.0.0/8".to_vec(), b"again")];
        assert_eq!(shown, expected);
        // And that is left out again.
        let written = write(bans.iter());
        assert!(written.ends_with(b"KLINE *@bad.example :spam\nDLINE 10.0.0.0/8 :again\n"));
    }

    proptest! {
        /// Words of the format in any order: no panic, and what is read is written and read again.
        #[test]
        fn any_words_are_bans_or_a_fault(
            words in prop::collection::vec(prop::sample::select(vec![
                "KLINE", "dline", "*@bad.example", "10.0.0.0/8", "::1", "until", "by", "at",
                "2026-02-01T00:00:00Z", ":reason", ":", "#", "\n", "@", "\u{e9}", "a!b@c",
            ]), 0..24),
        ) {
            if let Ok(bans) = read(words.join(" ").as_bytes()) {
                prop_assert_eq!(read(&write(bans.iter())), Ok(bans));
            }
        }
    }

    #[test]
    fn a_bad_line_is_told_by_its_number() {
        for (line, why) in [
            ("XLINE a@b", "begins with KLINE"),
            ("KLINE", "user@host"),
            ("KLINE *@*", "beside wildcards"),
            ("DLINE 0.0.0.0/0", "eight bits"),
            ("DLINE example.org", "address"),
            ("DLINE 10.0.0.0/8 until tomorrow", "a time is written"),
            ("DLINE 10.0.0.0/8 until", "missing"),
            ("DLINE 10.0.0.0/8 because spam", "after the target"),
        ] {
            let text = alloc::format!("# head\n{line}\n");
            let bad = read(text.as_bytes()).expect_err(line);
            assert!(bad.line == 2 && bad.why.contains(why), "{line}: {bad}");
        }
    }
}
