//! Selectors: which series, and which of their samples.

use super::answer::Reading;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::options::LOOKBACK_MS;
use super::read::{Reader, count};
use super::value::Row;
use crate::ast::Selector;
use crate::error::Result;
use crate::functions::NormalEdge;
use crate::source::{ENDED, Samples, Source, SourceSeries, is_ended};

/// The newest value of each series at each time, unless it is too old or the series has ended.
pub(super) fn instant(evaluator: &Evaluator<'_>, selector: &Selector, grid: &Grid) -> Result<Vec<Row>> {
    newest(evaluator, selector, grid, |_, _, samples, moments, lookback_ms| {
        Ok(values(samples, moments, lookback_ms))
    })
}

/// The times of these values, in seconds.
pub(super) fn instant_times(evaluator: &Evaluator<'_>, selector: &Selector, grid: &Grid) -> Result<Vec<Row>> {
    newest(evaluator, selector, grid, |_, _, samples, moments, lookback_ms| {
        let mut row = vec![ENDED; moments.len()];
        fill(&mut row, samples, moments, lookback_ms, |at| samples.times[at] as f64 / 1e3);
        Ok(row)
    })
}

/// Where each series normally is at the times at which it has a value.
pub(super) fn instant_normal(
    evaluator: &Evaluator<'_>,
    selector: &Selector,
    grid: &Grid,
    edge: NormalEdge,
) -> Result<Vec<Row>> {
    newest(evaluator, selector, grid, |source, series, samples, moments, lookback_ms| {
        let mut row = values(samples, moments, lookback_ms);
        if row.iter().all(|value| is_ended(*value)) {
            return Ok(row);
        }
        let normal = source.normal(series, moments)?;
        for (slot, range) in row.iter_mut().zip(normal).filter(|(slot, _)| !is_ended(**slot)) {
            *slot = match (range, edge) {
                (None, _) => ENDED,
                (Some(range), NormalEdge::Low) => range.low,
                (Some(range), NormalEdge::Middle) => range.middle,
                (Some(range), NormalEdge::High) => range.high,
            };
        }
        Ok(row)
    })
}

fn newest(
    evaluator: &Evaluator<'_>,
    selector: &Selector,
    grid: &Grid,
    row_of: impl Fn(&dyn Source, &SourceSeries, &Samples, &[i64], i64) -> Result<Vec<f64>> + Sync,
) -> Result<Vec<Row>> {
    let offset = evaluator.offset(&selector.time)?;
    let fixed = evaluator.fixed(&selector.time);
    let moment = |time: i64| fixed.unwrap_or(time).saturating_sub(offset);
    let own: Vec<i64>;
    let moments = match grid.as_given().filter(|_| fixed.is_none() && offset == 0) {
        Some(given) => given,
        None => {
            own = grid.times().map(moment).collect();
            &own
        }
    };
    let (first, last) = (moment(grid.time(0)), moment(grid.time(grid.count - 1)));
    let default = evaluator.options.lookback_ms.unwrap_or(LOOKBACK_MS);
    let found = evaluator.source.select(&selector.matchers, first.saturating_sub(default), last)?;
    evaluator.check_room(found.len(), grid.count, selector.span)?;
    let given = evaluator.options.lookback_ms;
    let lookback_ms = |series: &SourceSeries| given.unwrap_or(default.max(series.lookback_ms.unwrap_or(0)));
    let reader = Reader::new(evaluator, selector.span);
    let groups = reader.each_group(&found, last.saturating_sub(first).saturating_add(default), |group| {
        let longest = group.iter().map(|series| lookback_ms(series)).max().unwrap_or(default);
        let from = first.saturating_sub(longest).saturating_add(1);
        let samples = reader.source.read_newest(group, from, moments)?;
        reader.room.check(1, count(&samples))?;
        let mut rows = Vec::with_capacity(group.len());
        for (series, samples) in group.iter().zip(&samples) {
            let values = row_of(reader.source, series, samples, moments, lookback_ms(series))?;
            let row = Row { labels: series.labels.clone(), drops_name: false, values };
            rows.extend((!row.is_empty()).then_some(row));
        }
        Ok((rows, count(&samples) as u64))
    })?;
    let samples = groups.iter().map(|(_, samples)| samples).sum();
    evaluator.note(Reading { span: selector.span, series: found.len(), samples, summed_up: 0 });
    Ok(groups.into_iter().flat_map(|(rows, _)| rows).collect())
}

/// The value at each moment; [`ENDED`] where there is none.
fn values(samples: &Samples, moments: &[i64], lookback_ms: i64) -> Vec<f64> {
    // Rules are mostly judged when there is a sample: then that is the newest, and it has just come.
    if let Some(first) = moments.first() {
        let from = samples.times.partition_point(|time| time < first);
        let same = from..from + moments.len();
        if lookback_ms > 0 && samples.times.get(same.clone()).is_some_and(|times| times == moments) {
            return samples.values[same].to_vec();
        }
    }
    let mut row = vec![ENDED; moments.len()];
    fill(&mut row, samples, moments, lookback_ms, |at| samples.values[at]);
    row
}

/// Sets what `value` makes of the index of the newest sample at each moment that has one.
fn fill(row: &mut [f64], samples: &Samples, moments: &[i64], lookback_ms: i64, value: impl Fn(usize) -> f64) {
    let mut next = 0;
    for (slot, moment) in row.iter_mut().zip(moments) {
        while samples.times.get(next).is_some_and(|sample| sample <= moment) {
            next += 1;
        }
        let Some(at) = next.checked_sub(1) else { continue };
        if samples.times[at] > moment.saturating_sub(lookback_ms) && !is_ended(samples.values[at]) {
            *slot = value(at);
        }
    }
}
