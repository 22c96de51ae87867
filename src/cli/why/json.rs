//! What was unlike its past, as JSON.

use std::io::Write;

use crate::cli::read::{Failure, json_line};
use crate::why::{Looked, lines};

/// Writes a line for each metric, the most unlike first, and then for each change of state.
pub(super) fn write(looked: &Looked, out: &mut dyn Write) -> Result<(), Failure> {
    let (series, changes) = lines(looked);
    series.iter().try_for_each(|line| json_line(line, out))?;
    changes.iter().try_for_each(|line| json_line(line, out))
}
