//! Selectors: which series, and which of their samples.

use super::answer::Reading;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::options::LOOKBACK_MS;
use super::value::Row;
use crate::ast::{Expr, Selector, Subquery};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::limits::READ_SERIES_MAX;
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
    value: impl Fn(&Samples, usize) -> f64,
) -> Result<Vec<Row>> {
    let offset = evaluator.offset(&selector.time)?;
    let fixed = evaluator.fixed(&selector.time);
    let moment = |step: usize| fixed.unwrap_or(grid.time(step)).saturating_sub(offset);
    let (first, last) = (moment(0), moment(grid.count - 1));
    let default = evaluator.options.lookback_ms.unwrap_or(LOOKBACK_MS);
    let found = evaluator.source.select(&selector.matchers, first.saturating_sub(default), last)?;
    evaluator.check_room(found.len(), grid.count, selector.span)?;
    evaluator.note(Reading { span: selector.span, series: found.len(), samples: 0, summed_up: 0 });
    let own = |series: &SourceSeries| match evaluator.options.lookback_ms {
        Some(given) => given,
        None => default.max(series.lookback_ms.unwrap_or(0)),
    };
    let mut rows = Vec::with_capacity(found.len());
    for group in groups(&found) {
        let longest = group.iter().map(|series| own(series)).max().unwrap_or(default);
        let samples =
            read(evaluator, &group, first.saturating_sub(longest).saturating_add(1), last, selector)?;
        for (series, samples) in group.iter().zip(samples) {
            let lookback = own(series);
            let mut row = Row::empty(series.labels.clone(), grid.count);
            let mut next = 0;
            for (step, slot) in row.values.iter_mut().enumerate() {
                let time = moment(step);
                while samples.times.get(next).is_some_and(|sample| *sample <= time) {
                    next += 1;
                }
                let Some(at) = next.checked_sub(1) else { continue };
                if samples.times[at] > time.saturating_sub(lookback) && !is_ended(samples.values[at]) {
                    *slot = value(&samples, at);
                }
            }
            if !row.is_empty() {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// About how many samples of a series there are in a stretch of time (ms).
fn expected(series: &SourceSeries, span_ms: i64) -> u64 {
    let by_distance = span_ms.checked_div(series.distance_ms).and_then(|count| u64::try_from(count).ok());
    by_distance.unwrap_or(0).min(series.samples_max)
}

/// Series that are read together, in the order of the first of each: no more than may be held at once.
pub(super) fn groups(found: &[SourceSeries]) -> Vec<Vec<&SourceSeries>> {
    groups_of(found, |_| true)
}

fn groups_of<'s>(
    found: &'s [SourceSeries],
    fits: impl Fn(&[&'s SourceSeries]) -> bool,
) -> Vec<Vec<&'s SourceSeries>> {
    let mut groups: Vec<Vec<&SourceSeries>> = Vec::new();
    for series in found {
        match groups.last_mut() {
            Some(group) if group[0].group == series.group && group.len() < READ_SERIES_MAX && fits(group) => {
                group.push(series);
            }

            _ => groups.push(vec![series]),
        }
    }
    groups
}

fn read(
    evaluator: &Evaluator<'_>,
    group: &[&SourceSeries],
    from_ms: i64,
    to_ms: i64,
    selector: &Selector,
) -> Result<Vec<Samples>> {
    evaluator.check_interrupt()?;
    let span_ms = to_ms.saturating_sub(from_ms);
    let expected: u64 = group.iter().map(|series| expected(series, span_ms)).sum();
    // Half as many again may be there, if they come in bursts; what is read is looked at again.
    evaluator.check_room(2, usize::try_from(expected / 3).unwrap_or(usize::MAX), selector.span)?;
    let samples = evaluator.source.read(group, from_ms, to_ms)?;
    let count: usize = samples.iter().map(|samples| samples.times.len()).sum();
    let (span, samples_read) = (selector.span, count as u64);
    evaluator.note(Reading { span, series: 0, samples: samples_read, summed_up: 0 });
    evaluator.check_room(1, count, selector.span)?;
    Ok(samples)
}

/// A series with the samples of all windows of a range expression.
pub(super) struct RangeSeries {
    pub(super) labels: Labels,
    pub(super) drops_name: bool,
    /// Without marks of ends.
    pub(super) samples: Samples,
    pub(super) is_counter: Option<bool>,
}

/// The windows of a range expression: for each step the time of its end, and how long all are (ms).
pub(super) struct Windows {
    pub(super) range_ms: i64,
    offset_ms: i64,
    fixed_ms: Option<i64>,
    grid: Grid,
}

impl Windows {
    /// Those of `m[5m]` or of a subquery.
    pub(super) fn of(evaluator: &Evaluator<'_>, expr: &Expr, grid: &Grid) -> Result<Windows> {
        let (range, time) = match expr.unwrapped() {
            Expr::Range(range) => (&range.range, &range.selector.time),
            Expr::Subquery(subquery) => (&subquery.range, &subquery.time),
            other => return Err(Error::execution(other.span(), "expected a range vector")),
        };
        Ok(Windows {
            range_ms: evaluator.length(range)?,
            offset_ms: evaluator.offset(time)?,
            fixed_ms: evaluator.fixed(time),
            grid: *grid,
        })
    }

    /// Where the window of a step ends; it begins after that less the range.
    pub(super) fn end(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or(self.grid.time(step)).saturating_sub(self.offset_ms)
    }

    pub(super) fn start(&self, step: usize) -> i64 {
        self.end(step).saturating_sub(self.range_ms)
    }

    /// The first millisecond of the first window.
    pub(super) fn first(&self) -> i64 {
        self.start(0).saturating_add(1)
    }

    /// The end of the last window.
    pub(super) fn last(&self) -> i64 {
        self.end(self.grid.count - 1)
    }
}

/// What a range expression takes its samples from.
pub(super) enum Ranged<'e> {
    /// The series that a selector found.
    Series(&'e Selector, Vec<SourceSeries>),
    Subquery(&'e Subquery),
}

/// Finds the series of `m[5m]`; a subquery is evaluated later.
pub(super) fn ranged<'e>(evaluator: &Evaluator<'_>, expr: &'e Expr, windows: &Windows) -> Result<Ranged<'e>> {
    match expr.unwrapped() {
        Expr::Range(range) => {
            let selector = &range.selector;
            let found = evaluator.source.select(&selector.matchers, windows.first(), windows.last())?;
            evaluator.check_room(found.len(), windows.grid.count, selector.span)?;
            evaluator.note(Reading { span: selector.span, series: found.len(), samples: 0, summed_up: 0 });
            Ok(Ranged::Series(selector, found))
        }
        Expr::Subquery(subquery) => Ok(Ranged::Subquery(subquery)),
        other => Err(Error::execution(other.span(), "expected a range vector")),
    }
}

/// Hands each series of a range expression to `each`, one after the other, so that no more than those of a group are held.
pub(super) fn each_range(
    evaluator: &Evaluator<'_>,
    ranged: &Ranged<'_>,
    windows: &Windows,
    mut each: impl FnMut(RangeSeries) -> Result<()>,
) -> Result<()> {
    match ranged {
        Ranged::Series(selector, found) => {
            let (from, to) = (windows.first(), windows.last());
            let half = evaluator.options.values_max as u64 / 2;
            let span_ms = to.saturating_sub(from);
            let fits =
                |group: &[&SourceSeries]| group.iter().map(|one| expected(one, span_ms)).sum::<u64>() < half;
            for group in groups_of(found, fits) {
                let samples = read(evaluator, &group, from, to, selector)?;
                for (series, samples) in group.iter().zip(samples) {
                    each(RangeSeries {
                        labels: series.labels.clone(),
                        drops_name: false,
                        samples: samples.without_ends(),
                        is_counter: series.is_counter,
                    })?;
                }
            }
            Ok(())
        }
        Ranged::Subquery(subquery) => {
            let grid = subquery_grid(evaluator, subquery, windows)?;
            let Some(grid) = grid else { return Ok(()) };
            for row in evaluator.vector(&subquery.expr, &grid)? {
                let mut samples = Samples::default();
                for (time, value) in grid.times().zip(&row.values) {
                    if !is_ended(*value) {
                        samples.times.push(time);
                        samples.values.push(*value);
                    }
                }
                each(RangeSeries {
                    labels: row.labels,
                    drops_name: row.drops_name,
                    samples,
                    is_counter: None,
                })?;
            }
            Ok(())
        }
    }
}

/// The times of a subquery: multiples of its step after the start of the first window. None if there is none.
fn subquery_grid(evaluator: &Evaluator<'_>, subquery: &Subquery, windows: &Windows) -> Result<Option<Grid>> {
    let step_ms = match &subquery.step {
        Some(step) => evaluator.length(step)?,
        None => evaluator.options.subquery_step_ms,
    };
    let after = windows.start(0);
    let start_ms = after.div_euclid(step_ms).saturating_add(1).saturating_mul(step_ms);
    if start_ms > windows.last() {
        return Ok(None);
    }
    let grid = Grid::new(start_ms, windows.last(), step_ms);
    evaluator.check_room(1, grid.count, subquery.span)?;
    Ok(Some(grid))
}

/// All series of a range expression.
pub(super) fn range(evaluator: &Evaluator<'_>, expr: &Expr, grid: &Grid) -> Result<Vec<RangeSeries>> {
    let windows = Windows::of(evaluator, expr, grid)?;
    let mut all = Vec::new();
    each_range(evaluator, &ranged(evaluator, expr, &windows)?, &windows, |series| {
        all.push(series);
        Ok(())
    })?;
    Ok(all)
}
