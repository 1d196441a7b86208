//! Why a command failed: one line that says what to do, and an exit code.

use std::{fmt, io, process::ExitCode};

use crate::bench::BenchError;

/// A failure, told on standard error.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }

    /// What was asked for makes no sense: a failure with exit code 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 2 }
    }

    /// Something that the system refused.
    pub(crate) fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(format!("cannot {doing}: {error}"))
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        let code = if matches!(error, BenchError::Usage(_)) { 2 } else { 1 };
        Self { text: error.to_string(), code }
    }
}
