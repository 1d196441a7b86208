//! Lines as the judge reads them: a parser of its own, so that it shares no fault with the core.

/// The parts of a line that came from the server.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// What stands between `@` and the first space; empty if nothing does.
    tags: &'a str,
    /// All of the source; empty if there is none.
    pub(crate) source: &'a str,
    /// The source's nick, or the server's name; empty if there is none.
    pub(crate) nick: &'a str,
    /// The source's user name; empty if it has none.
    pub(crate) user: &'a str,
    pub(crate) command: &'a str,
    pub(crate) params: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// Reads one line, its end included.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let Some(body) = bytes.strip_suffix(b"\r\n") else { return Err("it does not end in CRLF") };
        if memchr::memchr3(0, b'\r', b'\n', body).is_some() {
            return Err("it has a NUL, CR or LF in it");
        }
        let Ok(mut rest) = std::str::from_utf8(body) else { return Err("it is not what was sent") };
        let mut tags = "";
        if let Some(tagged) = rest.strip_prefix('@') {
            let Some((some, line)) = tagged.split_once(' ') else { return Err("it is only tags") };
            if some.len() + 2 > 8_191 {
                return Err("its tags are longer than 8191 bytes");
            }
            (tags, rest) = (some, line);
        }
        if rest.len() + 2 > 512 {
            return Err("it is longer than 512 bytes");
        }
        let (mut source, mut nick, mut user) = ("", "", "");
        if let Some(sourced) = rest.strip_prefix(':') {
            let Some((some, line)) = sourced.split_once(' ') else {
                return Err("it is only a source");
            };
            source = some;
            let name = source.split_once('@').map_or(source, |(name, _)| name);
            (nick, user) = name.split_once('!').unwrap_or((name, ""));
            rest = line;
        }
        let (command, mut rest) = rest.split_once(' ').map_or((rest, None), |(a, b)| (a, Some(b)));
        let mut params = Vec::with_capacity(4);
        while let Some(more) = rest {
            if let Some(trailing) = more.strip_prefix(':') {
                params.push(trailing);
                break;
            }
            let (word, next) = more.split_once(' ').map_or((more, None), |(a, b)| (a, Some(b)));
            params.push(word);
            rest = next;
        }
        let has_trailing = rest.is_some();
        let words = &params[..params.len() - usize::from(has_trailing)];
        if command.is_empty() || words.contains(&"") {
            return Err("it has an empty word");
        }
        Ok(Self { tags, source, nick, user, command, params })
    }

    /// The value of a tag; `None` if the line does not have it.
    pub(crate) fn tag(&self, key: &str) -> Option<&'a str> {
        self.tags.split(';').find_map(|tag| match tag.split_once('=') {
            Some((name, value)) => (name == key).then_some(value),
            None => (tag == key && !tag.is_empty()).then_some(""),
        })
    }

    /// A parameter; empty if it is not there.
    pub(crate) fn param(&self, at: usize) -> &'a str {
        self.params.get(at).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_parts() {
        let line = Line::read(b"@time=x :a!~b@c PRIVMSG #d :e f\r\n").expect("it is a line");
        assert_eq!((line.nick, line.user, line.command), ("a", "~b", "PRIVMSG"));
        assert_eq!(line.params, ["#d", "e f"]);
    }

    #[test]
    fn a_torn_line_is_seen() {
        for bytes in [&b"PING x\n"[..], b"PING\rx\r\n", b"PING  x\r\n", &[b'x'; 600]] {
            assert!(Line::read(bytes).is_err());
        }
    }
}
