//! What an older system kept of a check, drawn beside its own runs and otherwise than these.

use custos_query::{ConsolidatedCurve, Envelope};

use crate::graph;
use crate::picture::titled;

/// A series with what was consolidated of it. Of one without samples, unit and limits are those of what was consolidated.
pub(super) fn joined(
    check: &str,
    mut envelope: Envelope,
    curve: ConsolidatedCurve,
    thresholds: &[crate::config::Threshold],
) -> graph::Series {
    if curve.columns.iter().all(Option::is_none) {
        return titled(check, envelope, thresholds);
    }
    let is_one_unit = envelope.adopt(&curve);
    let series = titled(check, envelope, thresholds);
    if is_one_unit {
        return graph::Series { consolidated: curve.columns, ..series };
    }
    let unit = if curve.unit.is_empty() { "no unit" } else { &curve.unit };
    let note = format!("consolidated values in {unit} not drawn");
    let note = series.note.as_ref().map_or_else(|| note.clone(), |before| format!("{before}, {note}"));
    graph::Series { note: Some(note), ..series }
}
