//! What was unlike its past, as JSON.

use std::io::Write;

use serde_json::json;

use super::written::Written;
use crate::cli::read::{Failure, json_line};
use crate::why::{Like, Looked, lines};

/// Writes a line for each metric, the most unlike first, then for each change of state, each new text, and for what people wrote.
/// When it was like this before comes last.
pub(super) fn write(
    looked: &Looked,
    written: &[Written],
    like: Option<&Like<'_>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (series, changes, texts) = lines(looked);
    series.iter().try_for_each(|line| json_line(line, out))?;
    changes.iter().try_for_each(|line| json_line(line, out))?;
    texts.iter().try_for_each(|line| json_line(line, out))?;
    for one in written {
        let line = json!({
            "kind": one.kind,
            "check": one.check,
            "onset_ms": one.time_ms,
            "author": one.author,
            "text": one.text,
        });
        json_line(&line, out)?;
    }
    like.map_or(Ok(()), |like| json_line(&like.line(), out))
}
