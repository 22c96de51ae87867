//! What an older system kept of a check, drawn beside its own runs and otherwise than these.

use std::collections::BTreeSet;

use custos_query::{
    ConsolidatedCurve, Envelope, ReadContext, Series, consolidated_check, consolidated_name,
    read_consolidated,
};
use custos_store::{Consolidation, Reader, SeriesInfo, SeriesKey};

use crate::cli::read::Failure;
use crate::graph;
use crate::picture::titled;

/// The checks that a graph can be of: those of the store, and those of which it only has what was consolidated.
pub(super) fn drawable(names: Vec<String>) -> Vec<String> {
    let own: BTreeSet<String> =
        names.iter().filter_map(|name| consolidated_check(name)).map(|(check, _)| check.to_owned()).collect();
    let mut all: BTreeSet<String> = names.into_iter().collect();
    all.extend(own);
    all.into_iter().collect()
}

/// The names under which the store may have what was consolidated of a check.
pub(super) fn names_of(check: &str) -> impl Iterator<Item = String> {
    Consolidation::ALL.into_iter().map(move |function| consolidated_name(check, function))
}

/// All series of a check, of its own runs and of what was consolidated.
pub(super) fn known_series(reader: &Reader, check: &str) -> Result<Vec<SeriesInfo>, Failure> {
    let mut known = reader.series(check)?;
    for name in names_of(check) {
        for series in reader.series(&name)? {
            if known.iter().all(|one| one.key != series.key) {
                known.push(series);
            }
        }
    }
    Ok(known)
}

/// What was consolidated of each of these series, in as many columns as they have; none of built-in ones.
pub(super) fn curves(
    reader: &Reader,
    check: &str,
    envelopes: &[Envelope],
    span: std::ops::Range<i64>,
    context: &mut ReadContext<'_>,
) -> Result<Vec<ConsolidatedCurve>, Failure> {
    let key = |envelope: &Envelope| match &envelope.series {
        Series::Metric(key) => key.clone(),
        Series::BuiltIn(_) => SeriesKey::default(),
    };
    let keys: Vec<SeriesKey> = envelopes.iter().map(key).collect();
    let keys: Vec<&SeriesKey> = keys.iter().collect();
    let columns = envelopes.first().map_or(0, |envelope| envelope.columns.len());
    Ok(read_consolidated(&reader.snapshot(), check, &keys, span, columns, context)?)
}

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
    if envelope.columns.iter().all(Option::is_none) {
        (envelope.unit, envelope.limits) = (curve.unit.clone(), curve.limits);
    }
    let is_one_unit = envelope.unit == curve.unit;
    let series = titled(check, envelope, thresholds);
    if is_one_unit {
        return graph::Series { consolidated: curve.columns, ..series };
    }
    let unit = if curve.unit.is_empty() { "no unit" } else { &curve.unit };
    let note = format!("consolidated values in {unit} not drawn");
    let note = series.note.as_ref().map_or_else(|| note.clone(), |before| format!("{before}, {note}"));
    graph::Series { note: Some(note), ..series }
}
