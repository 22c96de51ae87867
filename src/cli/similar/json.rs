//! What is alike, as JSON.

use std::io::Write;

use serde::Serialize;

use super::answer::Answer;
use crate::cli::read::{Failure, json_line};
use crate::why::{After, Alike};

/// A stretch. The order of the fields is that of the keys; new ones come last.
#[derive(Serialize)]
struct Line<'a> {
    check: &'a str,
    metric: String,
    rank: usize,
    #[serde(flatten)]
    alike: Alike,
    /// Whether it is clearly nearer than the rest.
    listed: bool,
    distance: f64,
    correlation: f64,
    /// Separate stretches that were compared, and those that were left out.
    stretches: u64,
    left_out: u64,
    #[serde(flatten)]
    after: &'a After,
}

/// Writes a line for each of the nearest.
pub(super) fn write(answer: &Answer<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    for (index, (one, after)) in answer.found.matches.iter().zip(answer.after).enumerate() {
        let of = &answer.among[one.series];
        let line = Line {
            check: &of.check,
            metric: of.series.key.to_string(),
            rank: index + 1,
            alike: Alike::from(one),
            listed: one.is_clear,
            distance: one.distance,
            correlation: one.correlation,
            stretches: answer.found.stretches,
            left_out: answer.found.left_out,
            after,
        };
        json_line(&line, out)?;
    }
    Ok(())
}
