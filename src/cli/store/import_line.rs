//! A line that is taken in: a run that a command can name and show.

use custos_query::RunJson;
use custos_store::Run;

use super::usable::unusable;
use crate::cli::read::Failure;

/// What is wrong with a line.
pub(super) fn bad_line(number: u64, what: &str) -> Failure {
    Failure::new(format!("failed to read line {number} of the input: {what}"))
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
