//! A line that is taken in: a run that a command can name and show.

use custos_query::RunJson;
use custos_store::Run;

use crate::cli::bounded_lines::{Line, quoted};
use crate::cli::read::Failure;
use crate::cli::usable::unusable;
use crate::limits::{IMPORT_LINE_MAX_BYTES, INPUT_ECHO_MAX_BYTES};

/// What is wrong with a line.
pub(super) fn bad_line(number: u64, what: &str) -> Failure {
    let what = quoted(what, INPUT_ECHO_MAX_BYTES);
    Failure::new(format!("failed to read line {number} of the input: {what}"))
}

/// The text of a line, if it is no longer than a line may be.
pub(super) fn text_of(line: Line, number: u64) -> Result<String, Failure> {
    match line {
        Line::Whole(text) => Ok(text),
        Line::TooLong => Err(bad_line(number, &format!("it has more than {IMPORT_LINE_MAX_BYTES} bytes"))),
    }
}

/// The run of a line.
pub(super) fn parse(line: &str, number: u64) -> Result<(String, Run), Failure> {
    let (check, run) = RunJson::parse(line).map_err(|error| match error {
        custos_query::Error::Line { what } => bad_line(number, &what),
        error => error.into(),
    })?;
    match unusable(&check, &run) {
        Some(what) => Err(bad_line(number, &what)),
        None => Ok((check, run)),
    }
}
