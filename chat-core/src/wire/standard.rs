//! FAIL, WARN and NOTE: replies with a code for software and a text for people.
//!
//! Specification: IRCv3 `standard-replies`.

use super::Encoder;

/// How grave a standard reply is.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Something was not done.
    Fail,
    /// It was done, with a doubt.
    Warn,
    /// It was done; this is good to know.
    Note,
}

/// A standard reply.
#[derive(Copy, Clone, Debug)]
pub struct Standard<'a> {
    /// FAIL, WARN or NOTE.
    pub severity: Severity,
    /// The command that it is about, `*` if none.
    pub command: &'a [u8],
    /// The code, of IRCv3's registry if it has one: `INVALID_TARGET`.
    pub code: &'a [u8],
    /// What was given that it is about, a word each.
    pub context: &'a [&'a [u8]],
    /// What is wrong and what to do, for people.
    pub text: &'a [u8],
}

impl Standard<'_> {
    /// Writes command and parameters, after the source.
    pub fn write(&self, line: &mut Encoder<'_>) {
        line.command(match self.severity {
            Severity::Fail => b"FAIL",
            Severity::Warn => b"WARN",
            Severity::Note => b"NOTE",
        });
        line.param(self.command).param(self.code);
        for word in self.context {
            line.param(word);
        }
        line.trailing(self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_context_stands_between_code_and_text() {
        let mut out = Vec::new();
        let reply = Standard {
            severity: Severity::Warn,
            command: b"BOX",
            code: b"BOXES_INVALID",
            context: &[b"STACK", b"two words"],
            text: b"Some boxes were left out",
        };
        reply.write(Encoder::new(&mut out).source(b"irc.test"));
        assert_eq!(out, b":irc.test WARN BOX BOXES_INVALID STACK * :Some boxes were left out\r\n");
    }
}
