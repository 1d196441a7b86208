//! A line of a scenario as bytes with holes: what is sent, and what is expected.
//!
//! `{*}` stands for any bytes without space or `;`, `{**}` for any bytes, `{name}` for what it was
//! when it first stood there, `{ab*200}` for 200 times `ab`, `\x01` for that byte.

use std::{collections::BTreeMap, fmt::Write};

/// What names stand for in one scenario.
pub(crate) type Bindings = BTreeMap<String, Vec<u8>>;

/// A line with holes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(Vec<u8>),
    /// Any bytes without space or `;`.
    Word,
    /// Any bytes.
    Any,
    Name(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((byte, after)) = take_escape(rest) {
                literal.push(byte);
                rest = after;
            } else if let Some((hole, after)) = take_hole(rest) {
                match hole {
                    Piece::Literal(bytes) => literal.extend(bytes),
                    hole => {
                        if !literal.is_empty() {
                            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                        }
                        pieces.push(hole);
                    }
                }
                rest = after;
            } else {
                let (head, after) = rest.split_at(first.len_utf8());
                literal.extend_from_slice(head.as_bytes());
                rest = after;
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self(pieces)
    }

    /// The bytes, if nothing is open: of a line to be sent.
    pub(crate) fn fill(&self, bindings: &Bindings) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => bytes.extend_from_slice(literal),
                Piece::Name(name) => match bindings.get(name) {
                    Some(bound) => bytes.extend_from_slice(bound),
                    None => return Err(format!("{{{name}}} stands for nothing yet")),
                },
                Piece::Word | Piece::Any => {
                    return Err("a line that is sent can't have {*} or {**}".into());
                }
            }
        }
        Ok(bytes)
    }

    /// Whether a line is as expected. New names are bound if it is.
    pub(crate) fn matches(&self, line: &[u8], bindings: &mut Bindings) -> bool {
        let mut new = bindings.clone();
        let matches = matches(&self.0, line, &mut new);
        if matches {
            *bindings = new;
        }
        matches
    }
}

fn matches(pieces: &[Piece], line: &[u8], bindings: &mut Bindings) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return line.is_empty() };
    let no_end = |byte: &u8| !b" ;".contains(byte);
    match piece {
        Piece::Literal(literal) => {
            line.strip_prefix(&literal[..]).is_some_and(|line| matches(rest, line, bindings))
        }
        Piece::Name(name) => {
            if let Some(bound) = bindings.get(name).cloned() {
                return line
                    .strip_prefix(&bound[..])
                    .is_some_and(|line| matches(rest, line, bindings));
            }
            let longest = line.iter().take_while(|byte| no_end(byte)).count();
            (1..=longest).rev().any(|at| {
                bindings.insert(name.clone(), line[..at].to_vec());
                let matches = matches(rest, &line[at..], bindings);
                if !matches {
                    bindings.remove(name);
                }
                matches
            })
        }
        Piece::Word => {
            let longest = line.iter().take_while(|byte| no_end(byte)).count();
            (0..=longest).rev().any(|at| matches(rest, &line[at..], bindings))
        }
        Piece::Any => (0..=line.len()).rev().any(|at| matches(rest, &line[at..], bindings)),
    }
}

/// `\x` and two hexadecimal digits.
fn take_escape(text: &str) -> Option<(u8, &str)> {
    let digits = text.strip_prefix("\\x")?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    Some((byte, &text[4..]))
}

fn take_hole(text: &str) -> Option<(Piece, &str)> {
    let (inside, rest) = text.strip_prefix('{')?.split_once('}')?;
    let piece = match inside {
        "*" => Piece::Word,
        "**" => Piece::Any,
        _ => match inside.rsplit_once('*') {
            Some((unit, times)) => {
                let times: usize = times.parse().ok().filter(|_| !unit.is_empty())?;
                Piece::Literal(unit.as_bytes().repeat(times))
            }
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if inside.is_empty() || !inside.chars().all(is_name) {
                    return None;
                }
                Piece::Name(inside.into())
            }
        },
    };
    Some((piece, rest))
}

/// A line that came, as it stands in a scenario.
pub(crate) fn show(line: &[u8]) -> String {
    let mut out = String::new();
    for chunk in line.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(first) = rest.chars().next() {
            let run = rest.chars().take_while(|c| *c == first).count();
            let last = run == rest.chars().count() && chunk.invalid().is_empty();
            if run >= 40 && !first.is_control() && !" {}*".contains(first) {
                write!(out, "{{{first}*{run}}}").expect("a string takes all");
                rest = &rest[run * first.len_utf8()..];
                continue;
            }
            if first.is_control()
                || take_escape(rest).is_some()
                || take_hole(rest).is_some()
                || (first == ' ' && last && run == 1)
            {
                for byte in first.to_string().bytes() {
                    write!(out, "\\x{byte:02x}").expect("a string takes all");
                }
            } else {
                out.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a string takes all");
        }
    }
    out
}

/// A line that came, for a scenario to be filled in: what no two runs need share has a name.
pub(crate) fn generalize(line: &[u8], bindings: &mut Bindings) -> String {
    let mut text = show(line);
    for (name, value) in bindings.iter() {
        if value.len() >= 8 {
            text = text.replace(&show(value), &format!("{{{name}}}"));
        }
    }
    let (start, body) = match text.strip_prefix('@').and_then(|text| text.split_once(' ')) {
        Some((tags, body)) => (Some(tags.to_owned()), body.to_owned()),
        None => (None, text.clone()),
    };
    let mut bind = |kind: &str, value: &str| {
        let free = (1..).map(|n| format!("{kind}{n}")).find(|name| !bindings.contains_key(name));
        let name = free.expect("there is always another number");
        bindings.insert(name.clone(), value.as_bytes().to_vec());
        format!("{{{name}}}")
    };
    let tag = |item: &str, bind: &mut dyn FnMut(&str, &str) -> String| match item.split_once('=') {
        Some(("time", _)) => "time={*}".to_owned(),
        Some(("msgid", value)) if !value.starts_with('{') => {
            format!("msgid={}", bind("id", value))
        }
        _ => item.to_owned(),
    };
    let tags = start.map(|tags| {
        let items: Vec<_> = tags.split(';').map(|item| tag(item, &mut bind)).collect();
        format!("@{} ", items.join(";"))
    });
    let mut words: Vec<String> = body.split(' ').map(str::to_owned).collect();
    if words.get(1).is_some_and(|word| word == "BATCH")
        && let Some(reference) = words[2].strip_prefix('+').filter(|word| !word.starts_with('{'))
    {
        words[2] = format!("+{}", bind("b", reference));
    }
    tags.unwrap_or_default() + &words.join(" ")
}

/// What this file promises, as named tests.
pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    fn is(pattern: &str, line: &str) -> bool {
        Pattern::parse(pattern).matches(line.as_bytes(), &mut Bindings::new())
    }
    vec![
        ("holes stand for what they say", || {
            assert!(is("a{*}c", "abbc") && is("a{*}c", "ac"));
            assert!(!is("a{*}c", "a c") && !is("a{*}c", "a;c") && is("a{**}c", "a ;c"));
            assert!(is("{x} {x}", "1 1") && !is("{x} {x}", "1 2"));
            assert!(is("{ab*2}", "abab") && is("{}", "{}") && is(r"\x01", "\x01"));
        }),
        ("what is shown is read back as it was", || {
            for line in [&b"a {b} \\x41 \x01\xff "[..], &[b'y'; 90], "ñ {*} {}".as_bytes()] {
                let pattern = Pattern::parse(&show(line));
                assert_eq!(pattern.fill(&Bindings::new()).as_deref(), Ok(line));
            }
        }),
    ]
}
