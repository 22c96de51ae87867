//! Runs as JSON Lines.

use std::io::Write;
use std::ops::Range;

use custos_query::RunJson;
use custos_store::Reader;

use super::series::finish;
use crate::cli::progress::{Progress, STATUS_LINES};
use crate::cli::read::Failure;
use crate::text::human::counted;

/// Every run of these checks, or of all if none is given.
pub(super) fn export(
    reader: &Reader,
    checks: &[String],
    range: Range<i64>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut status = Progress::new();
    let mut damaged: Vec<String> = reader.damages().iter().map(ToString::to_string).collect();
    let mut count = 0_u64;
    for check in reader.checks() {
        if !checks.is_empty() && !checks.contains(&check.name) {
            continue;
        }
        for run in reader.runs(&check.name, range.clone()) {
            match run {
                Ok(run) => RunJson::new(&check.name, &run).write(out)?,
                Err(error) => damaged.push(error.to_string()),
            }
            count += 1;
            if count.is_multiple_of(STATUS_LINES) {
                status.show(&format!("{}, {}", counted(count, "run"), check.name));
            }
        }
    }
    drop(status);
    finish(&damaged, out)
}
