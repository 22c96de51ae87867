//! What an older system kept of series of a check, in columns of time: of each the least, the greatest and the mean of what is known.
//!
//! A value stands for a span, so it is in every column that its span touches. What is here is never joined with samples.

use std::ops::Range;

use custos_store::{Consolidation, Provenance, SeriesKey, Snapshot, State};

use crate::apart::consolidated_name;
use crate::columns::part_of;
use crate::context::ReadContext;
use crate::envelope::Limit;
use crate::error::Result;
use crate::limits::CONSOLIDATED_SPAN_MS_MAX;

/// What is known of a series within one column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConsolidatedColumn {
    /// The least of all values.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// The mean by the means that are known, weighted by time; none if only extremes are.
    pub mean: Option<f64>,
}

/// A series in columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsolidatedCurve {
    /// The base unit of the latest value.
    pub unit: String,
    /// The ranges at the latest value.
    pub limits: Vec<Limit>,
    /// The columns; none where nothing is known.
    pub columns: Vec<Option<ConsolidatedColumn>>,
}

/// One column while it is read.
#[derive(Clone, Copy)]
struct Growing {
    low: f64,
    high: f64,
    weighted: f64,
    weight: f64,
}

/// One series while it is read.
struct Reading {
    unit: String,
    limits: Vec<Limit>,
    latest_ms: i64,
    columns: Vec<Option<Growing>>,
}

/// Reads what was consolidated of series of a check, over a span (ms since the epoch, end excluded), in so many columns. A sum stands for
/// another quantity than a value does, and is left out.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled). What is damaged is reported to the context.
pub fn read_consolidated(
    store: &Snapshot,
    check: &str,
    keys: &[&SeriesKey],
    span: Range<i64>,
    columns: usize,
    context: &mut ReadContext<'_>,
) -> Result<Vec<ConsolidatedCurve>> {
    let empty = || Reading {
        unit: String::new(),
        limits: Vec::new(),
        latest_ms: i64::MIN,
        columns: vec![None; columns],
    };
    let mut all: Vec<Reading> = keys.iter().map(|_| empty()).collect();
    for function in Consolidation::ALL.into_iter().filter(|function| *function != Consolidation::Sum) {
        // The last runs of the span may end behind it.
        let until_ms = span.end.saturating_add(CONSOLIDATED_SPAN_MS_MAX);
        for run in store.runs(&consolidated_name(check, function), span.start..until_ms) {
            context.count_run()?;
            let run = match run {
                Ok(run) => run,
                Err(error) => {
                    context.damage(&error);
                    continue;
                }
            };
            let Provenance::Consolidated { span_ms, .. } = run.provenance else { continue };
            let begin_ms = run.time_ms.saturating_sub_unsigned(span_ms);
            for (key, reading) in keys.iter().zip(&mut all) {
                let Some(metric) = run.metrics.iter().find(|metric| key.names(metric)) else { continue };
                let Some(value) = metric.value.map(|value| value.to_f64()).filter(|value| value.is_finite())
                else {
                    continue;
                };
                if run.time_ms > reading.latest_ms {
                    reading.latest_ms = run.time_ms;
                    reading.unit.clone_from(&metric.unit);
                    let sides = [(State::Warning, metric.warn), (State::Critical, metric.crit)];
                    let limits =
                        sides.into_iter().filter_map(|(state, of)| Some(Limit { state, bounds: of? }));
                    reading.limits = limits.collect();
                }
                reading.cover(&span, begin_ms..run.time_ms, value, function == Consolidation::Average);
            }
        }
    }
    Ok(all.into_iter().map(Reading::finish).collect())
}

impl Reading {
    /// Takes a value in that stands for the times behind the start of a range up to its end.
    fn cover(&mut self, span: &Range<i64>, of: Range<i64>, value: f64, is_mean: bool) {
        let count = self.columns.len();
        let part = |time_ms: i64| part_of(time_ms, span.start, span.end, count);
        let first = part(of.start.saturating_add(1).max(span.start));
        let last = part(of.end.min(span.end.saturating_sub(1)));
        let (Some(first), Some(last)) = (first, last) else { return };
        let weight = of.end.saturating_sub(of.start).max(1) as f64;
        for column in self.columns.iter_mut().take(last + 1).skip(first) {
            let column =
                column.get_or_insert(Growing { low: value, high: value, weighted: 0.0, weight: 0.0 });
            column.low = column.low.min(value);
            column.high = column.high.max(value);
            if is_mean {
                column.weighted += value * weight;
                column.weight += weight;
            }
        }
    }

    fn finish(self) -> ConsolidatedCurve {
        let column = |of: Growing| ConsolidatedColumn {
            low: of.low,
            high: of.high,
            mean: (of.weight > 0.0).then(|| of.weighted / of.weight),
        };
        let columns = self.columns.into_iter().map(|of| of.map(column)).collect();
        ConsolidatedCurve { unit: self.unit, limits: self.limits, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_every_column_that_its_span_touches() {
        let mut reading =
            Reading { unit: String::new(), limits: Vec::new(), latest_ms: 0, columns: vec![None; 10] };
        let span = 0..1000;
        reading.cover(&span, 100..400, 2.0, true);
        reading.cover(&span, 100..400, 5.0, false);
        reading.cover(&span, 900..3000, 1.0, false);
        reading.cover(&span, -500..-100, 9.0, true);
        let curve = reading.finish();
        let known: Vec<bool> = curve.columns.iter().map(Option::is_some).collect();
        // The end of a span belongs to it, its beginning does not.
        assert_eq!(known, [false, true, true, true, true, false, false, false, false, true]);
        assert_eq!(curve.columns[2], Some(ConsolidatedColumn { low: 2.0, high: 5.0, mean: Some(2.0) }));
        assert_eq!(curve.columns[9], Some(ConsolidatedColumn { low: 1.0, high: 1.0, mean: None }));
    }
}
