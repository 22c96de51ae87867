//! Curves of stretches, from the store: in a line, and one over the other.

use std::ops::Range;

use custos_query::{Drawn, Envelope, EnvelopeRequest, ReadContext, Series, SimilarSeries};
use custos_store::Reader;

use crate::cli::read::Failure;
use crate::graph::{Glyphs, spark};

/// A stretch of a series in so many columns, if it has a sample there.
pub(super) fn envelope(
    reader: &Reader,
    of: &SimilarSeries,
    span: &Range<i64>,
    columns: usize,
    context: &mut ReadContext<'_>,
) -> Result<Option<Envelope>, Failure> {
    let request = EnvelopeRequest {
        check: &of.check,
        series: vec![Series::Metric(of.series.key.clone())],
        span: span.clone(),
        columns,
        cells: 1,
        drawn: Drawn::Usual,
        holds_until_ms: None,
    };
    Ok(request.read(reader, context)?.series.pop())
}

/// A stretch of a series in a line of so many characters.
pub(super) fn in_line(
    reader: &Reader,
    of: &SimilarSeries,
    span: &Range<i64>,
    (width, glyphs): (usize, Glyphs),
    context: &mut ReadContext<'_>,
) -> Result<String, Failure> {
    let columns = width * glyphs.dots_x();
    let envelope = envelope(reader, of, span, columns, context)?;
    let mut known: Vec<Option<(f64, f64)>> = envelope
        .iter()
        .flat_map(|of| &of.columns)
        .map(|one| Some((one.as_ref()?.min, one.as_ref()?.max)))
        .collect();
    known.resize(columns, None);
    // Fewer samples than columns: a column without one is as the one before, up to the time between two samples.
    let bridge_ms = envelope.as_ref().map_or(0, |of| of.bridge_ms);
    let column_ms = (span.end.saturating_sub(span.start) / columns.max(1) as i64).max(1);
    let (mut last, mut age_ms) = (None, 0_i64);
    for column in &mut known {
        match column {
            Some(one) => (last, age_ms) = (Some(*one), 0),
            None => {
                age_ms = age_ms.saturating_add(column_ms);
                *column = last.filter(|_| age_ms <= bridge_ms);
            }
        }
    }
    Ok(spark(&known, glyphs))
}
