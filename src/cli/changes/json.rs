//! What changed, as JSON.

use std::io::Write;

use serde_json::json;

use super::show::Shown;
use crate::cli::read::{Failure, json_line};

/// Writes a line for each change of the groups that are shown: of metrics, the earliest first, then of states, then notes.
pub(super) fn write(shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    for (number, index) in shown.chosen.iter().enumerate() {
        let group = &shown.groups[*index];
        let number = number + 1;
        for one in &group.series {
            let (of, change) = (&shown.among[one.series], &one.change);
            let line = json!({
                "kind": "series",
                "group": number,
                "check": of.check,
                "metric": of.series.key.to_string(),
                "onset_ms": one.span.start,
                "until_ms": one.span.end,
                "before": change.before,
                "now": change.now,
                "away": change.away,
                "beyond": change.beyond,
                "by_day": change.by_day,
            });
            json_line(&line, out)?;
        }
        for event in &group.states {
            let line = json!({
                "kind": "state",
                "group": number,
                "check": event.check,
                "onset_ms": event.time_ms,
                "before": event.from_name(),
                "now": event.to.name(),
                "text": event.said(),
            });
            json_line(&line, out)?;
        }
        for note in shown.notes_near(group) {
            let line = json!({
                "kind": "note",
                "group": number,
                "check": note.check,
                "onset_ms": note.time_ms,
                "author": note.author,
                "text": note.text,
            });
            json_line(&line, out)?;
        }
    }
    Ok(())
}
