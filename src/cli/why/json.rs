//! What was unlike its past, as JSON.

use std::io::Write;

use custos_query::{Event, NewText, Shifts, SimilarSeries};
use serde_json::json;

use super::written::Written;
use crate::cli::read::{Failure, json_line};

/// Writes a line for each metric, the most unlike first, then for each change of state, each new text, and for what people wrote.
pub(super) fn write(
    among: &[SimilarSeries],
    shifts: &Shifts,
    events: &[Event],
    texts: &[NewText],
    written: &[Written],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for (index, one) in shifts.ranked.iter().enumerate() {
        let (of, shift) = (&among[one.series], &one.shift);
        let line = json!({
            "kind": "series",
            "check": of.check,
            "metric": of.series.key.to_string(),
            "rank": index + 1,
            "onset_ms": one.onset_ms,
            "before": shift.before,
            "now": shift.now,
            "listed": shift.is_listed(),
            "away": shift.away,
            "windows": shift.windows,
            "as_far": shift.as_far,
            "by_day": shift.by_day,
        });
        json_line(&line, out)?;
    }
    for event in events {
        let line = json!({
            "kind": "state",
            "check": event.check,
            "onset_ms": event.time_ms,
            "before": event.from_name(),
            "now": event.to.name(),
            "text": event.said(),
        });
        json_line(&line, out)?;
    }
    for new in texts {
        let line = json!({
            "kind": "text",
            "check": new.check,
            "onset_ms": new.time_ms,
            "now": new.state.name(),
            "text": new.text,
            "runs": new.runs,
        });
        json_line(&line, out)?;
    }
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
    Ok(())
}
