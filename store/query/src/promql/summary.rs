//! What samples have in common in stretches of time: by the statistics of chunks and pages, wherever a stretch has them whole.

use custos_promql::Summary;
use custos_store::{Batch, Result, SeriesKey, Statistics};

use super::index::What;
use super::view::{Found, View};

/// Summaries of metrics of one check, see [`custos_promql::Source::summarize`]. None if runs share a time, of which only the
/// last counts, or if one of the series is built in.
pub(super) fn summarize(view: &View<'_>, found: &[Found], bounds: &[i64]) -> Option<Vec<Vec<Summary>>> {
    let (first, last) = (bounds.first()?, bounds.last()?);
    let check = found.first()?.check();
    let key = |found: &Found| match found.what() {
        What::Metric(key) => Some(key.clone()),
        What::BuiltIn(_) => None,
    };
    let keys: Vec<SeriesKey> = found.iter().map(key).collect::<Option<_>>()?;
    let mut sums = vec![vec![Statistics::NONE; bounds.len() - 1]; keys.len()];
    let mut before_ms = None;
    for batch in view.snapshot().scan(check, &keys, first.saturating_add(1)..last.saturating_add(1)) {
        let added = batch.and_then(|batch| add(&batch, bounds, &mut sums, &mut before_ms));
        match added {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => view.damage(&error),
        }
    }
    Some(sums.into_iter().map(|of_series| of_series.iter().map(summary).collect()).collect())
}

fn summary(of: &Statistics) -> Summary {
    let end = |value: Option<custos_store::Value>| value.map_or(0.0, custos_store::Value::to_f64);
    Summary {
        count: of.count,
        sum: of.sum,
        min: of.min,
        max: of.max,
        first: end(of.first),
        last: end(of.last),
    }
}

/// Adds the rows of a batch, which are later than all before. `false` if two runs have the same time.
fn add(
    batch: &Batch<'_>,
    bounds: &[i64],
    sums: &mut [Vec<Statistics>],
    before_ms: &mut Option<i64>,
) -> Result<bool> {
    let rows = batch.len();
    let (first_ms, last_ms) = (batch.time(0)?, batch.time(rows - 1)?);
    if *before_ms == Some(first_ms) || !batch.times_differ()? {
        return Ok(false);
    }
    *before_ms = Some(last_ms);
    // A stretch is after its first bound, up to its second.
    let stretch = |time_ms: i64| bounds.partition_point(|bound| *bound < time_ms).saturating_sub(1);
    let (first, last) = (stretch(first_ms), stretch(last_ms));
    if first == last {
        for (series, sums) in sums.iter_mut().enumerate() {
            let known = batch.statistics(series);
            let of = match known {
                Some(known) if known.count == rows as u64 || known.count == 0 => known,
                _ => batch.windows(series)?.sum_up(0..rows)?,
            };
            sums[first].add(&of);
        }
        return Ok(true);
    }
    let mut ends = Vec::with_capacity(last - first + 1);
    for bound in &bounds[first + 1..=last] {
        ends.push(batch.row_at(bound.saturating_add(1))?);
    }
    ends.push(rows);
    for (series, sums) in sums.iter_mut().enumerate() {
        let mut windows = batch.windows(series)?;
        let mut at = 0;
        for (stretch, end) in (first..=last).zip(&ends) {
            if *end > at {
                sums[stretch].add(&windows.sum_up(at..*end)?);
            }
            at = *end;
        }
    }
    Ok(true)
}
