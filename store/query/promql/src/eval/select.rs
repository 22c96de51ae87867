//! Selectors: which series, and which of their samples.

use super::answer::Reading;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::options::LOOKBACK_MS;
use super::read::{Reader, count};
use super::value::Row;
use crate::ast::Selector;
use crate::error::Result;
use crate::source::{Samples, SourceSeries, is_ended};

/// The newest value of each series at each time, unless it is too old or the series has ended.
pub(super) fn instant(evaluator: &Evaluator<'_>, selector: &Selector, grid: &Grid) -> Result<Vec<Row>> {
    newest(evaluator, selector, grid, |samples, at| samples.values[at])
}

/// The times of these values, in seconds.
pub(super) fn instant_times(evaluator: &Evaluator<'_>, selector: &Selector, grid: &Grid) -> Result<Vec<Row>> {
    newest(evaluator, selector, grid, |samples, at| samples.times[at] as f64 / 1e3)
}

fn newest(
    evaluator: &Evaluator<'_>,
    selector: &Selector,
    grid: &Grid,
    value: impl Fn(&Samples, usize) -> f64 + Sync,
) -> Result<Vec<Row>> {
    let offset = evaluator.offset(&selector.time)?;
    let fixed = evaluator.fixed(&selector.time);
    let moment = |time: i64| fixed.unwrap_or(time).saturating_sub(offset);
    let moments: Vec<i64> = grid.times().map(moment).collect();
    let (first, last) = (moment(grid.time(0)), moment(grid.time(grid.count - 1)));
    let default = evaluator.options.lookback_ms.unwrap_or(LOOKBACK_MS);
    let found = evaluator.source.select(&selector.matchers, first.saturating_sub(default), last)?;
    evaluator.check_room(found.len(), grid.count, selector.span)?;
    let given = evaluator.options.lookback_ms;
    let own = |series: &SourceSeries| given.unwrap_or(default.max(series.lookback_ms.unwrap_or(0)));
    let reader = Reader::new(evaluator, selector.span);
    let groups = reader.each_group(&found, last.saturating_sub(first).saturating_add(default), |group| {
        let longest = group.iter().map(|series| own(series)).max().unwrap_or(default);
        let from = first.saturating_sub(longest).saturating_add(1);
        let samples = reader.source.read_newest(group, from, &moments)?;
        reader.room.check(1, count(&samples))?;
        let rows = group.iter().zip(&samples).map(|(series, samples)| {
            let mut row = Row::empty(series.labels.clone(), moments.len());
            fill(&mut row, samples, &moments, own(series), &value);
            row
        });
        Ok((rows.filter(|row| !row.is_empty()).collect::<Vec<Row>>(), count(&samples) as u64))
    })?;
    let samples = groups.iter().map(|(_, samples)| samples).sum();
    evaluator.note(Reading { span: selector.span, series: found.len(), samples, summed_up: 0 });
    Ok(groups.into_iter().flat_map(|(rows, _)| rows).collect())
}

/// The value at each moment that has one.
fn fill(
    row: &mut Row,
    samples: &Samples,
    moments: &[i64],
    lookback_ms: i64,
    value: impl Fn(&Samples, usize) -> f64,
) {
    let mut next = 0;
    for (slot, moment) in row.values.iter_mut().zip(moments) {
        while samples.times.get(next).is_some_and(|sample| sample <= moment) {
            next += 1;
        }
        let Some(at) = next.checked_sub(1) else { continue };
        if samples.times[at] > moment.saturating_sub(lookback_ms) && !is_ended(samples.values[at]) {
            *slot = value(samples, at);
        }
    }
}
