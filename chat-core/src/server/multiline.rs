//! Messages of several lines, as those see them who know `draft/multiline`, and as others do.
//!
//! Specification: IRCv3 `draft/multiline`.

use alloc::vec::Vec;

use super::batch;
use crate::{caps::Caps, network::lines, wire::Encoder};

/// The longest client-only tags that stand on each line of a message, for those who see each line as
/// one: longer ones would make of few short lines very much. They stand on the first alone.
pub(crate) const REPEATED_TAGS: usize = 256;

const CONCAT_TAG: &[u8] = b"draft/multiline-concat";

/// What a client must know to be sent such a message as one.
pub(crate) const CAPS: Caps = Caps::MULTILINE.with(Caps::BATCH);

/// A message of several lines: what is the same on each.
pub(crate) struct Multiline<'a> {
    /// Names its batch: it is never used twice at once.
    pub(crate) reference: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) command: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) text: &'a [u8],
}

impl Multiline<'_> {
    /// Appends its lines. `tags` writes those of the message as a whole, or, given `false`, those of
    /// a line that is not the first.
    pub(crate) fn write(
        &self,
        caps: Caps,
        tags: impl Fn(&mut Encoder<'_>, bool),
        out: &mut Vec<u8>,
    ) {
        if caps.has(CAPS) {
            let mut first = Encoder::new(out);
            tags(&mut first, true);
            first.source(self.source);
            batch::start(&mut first, self.reference, b"draft/multiline", &[self.target]).finish();
            drop(first);
            for (concat, text) in lines(self.text) {
                let mut line = Encoder::new(out);
                line.tag(b"batch", self.reference);
                if concat {
                    line.tag(CONCAT_TAG, b"");
                }
                self.say(&mut line, text);
            }
            batch::end(&mut Encoder::new(out), self.reference).finish();
            return;
        }
        // Blank lines say nothing to those who see each line as a message.
        let lines = lines(self.text).filter(|(_, text)| !text.is_empty());
        for (at, (_, text)) in lines.enumerate() {
            let mut line = Encoder::new(out);
            tags(&mut line, at == 0);
            self.say(&mut line, text);
        }
    }

    fn say(&self, line: &mut Encoder<'_>, text: &[u8]) {
        line.source(self.source).command(self.command).param(self.target).trailing(text).finish();
    }
}
