//! Why a command failed, and how it reports that.

use std::io::{self, Write};
use std::path::Path;

use super::denied::advice;
use super::style::printable_lines;
use crate::exit_code::ExitCode;
use crate::text::system_error::{without_number, words};
use crate::timeline::MarkError;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// For the user, without `custos:`.
    pub message: String,
    /// How the program ends.
    pub code: ExitCode,
}

impl Failure {
    /// A command that failed while running.
    pub(super) fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: ExitCode::Failure }
    }

    /// A command line that cannot be followed.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: ExitCode::Usage }
    }
}

impl From<custos_store::Error> for Failure {
    fn from(error: custos_store::Error) -> Failure {
        Failure::new(format!("failed to read the store: {}", chain(&error)))
    }
}

impl From<custos_query::Error> for Failure {
    fn from(error: custos_query::Error) -> Failure {
        let message = format!("failed to {}", chain(&error));
        if error.is_usage() { Failure::usage(message) } else { Failure::new(message) }
    }
}

impl From<MarkError> for Failure {
    fn from(error: MarkError) -> Failure {
        let message = chain(&error);
        if matches!(error, MarkError::Unknown(..)) { Failure::usage(message) } else { Failure::new(message) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        // The reader of a pipe, such as `head`, has seen enough: that is no failure.
        let code =
            if error.kind() == io::ErrorKind::BrokenPipe { ExitCode::Success } else { ExitCode::Failure };
        Failure { message: format!("failed to write: {}", words(&error)), code }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = without_number(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = without_number(&cause.to_string());
        // Some errors tell their cause already.
        if !text.ends_with(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// An error of a store with its causes, and what a user who may not read it can do.
pub(super) fn store_error(store: &Path, error: &custos_store::Error) -> String {
    format!("{}{}", chain(error), advice(store, error))
}

/// Writes a message to stderr. If that is closed, there is no other way to report anything.
pub(super) fn tell(message: &str) {
    let _ = writeln!(io::stderr(), "custos: {}", printable_lines(message.trim_end().as_bytes()));
}
