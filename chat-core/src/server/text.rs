//! Long texts: replies that are made at once, and sent as there is room.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::wire::Numeric;

/// Replies on their way, in order.
pub(crate) struct Text(vec::IntoIter<Line>);

/// One reply: a numeric, its parameters, its text.
pub(crate) struct Line {
    pub(crate) numeric: Numeric,
    pub(crate) params: Vec<Box<[u8]>>,
    pub(crate) text: Option<Box<[u8]>>,
}

impl Line {
    /// A reply whose last parameter is this text.
    pub(crate) fn new(numeric: Numeric, params: &[&[u8]], text: &[u8]) -> Self {
        Self { text: Some(text.into()), ..Self::bare(numeric, params) }
    }

    /// A reply without a text.
    pub(crate) fn bare(numeric: Numeric, params: &[&[u8]]) -> Self {
        Self { numeric, params: params.iter().map(|param| Box::from(*param)).collect(), text: None }
    }

    /// A reply with the numeric's own text.
    pub(crate) fn usual(numeric: Numeric, params: &[&[u8]]) -> Self {
        Self::new(numeric, params, numeric.text().as_bytes())
    }
}

impl Text {
    pub(crate) fn new(lines: Vec<Line>) -> Self {
        Self(lines.into_iter())
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Option<Line> {
        self.0.next()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}
