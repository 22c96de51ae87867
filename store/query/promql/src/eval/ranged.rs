//! Range expressions: the samples of `m[5m]` and of subqueries, and the windows over them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::answer::Reading;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::read::{Reader, count};
use crate::ast::{Expr, Selector, Subquery};
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::source::{Samples, SourceSeries, is_ended};

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
    range_ms: i64,
    offset_ms: i64,
    pub(super) fixed_ms: Option<i64>,
    pub(super) grid: Grid,
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
            grid: grid.clone(),
        })
    }

    /// Where the window of a step ends; it begins after that less the range.
    pub(super) fn end(&self, step: usize) -> i64 {
        self.fixed_ms.unwrap_or(self.grid.time(step)).saturating_sub(self.offset_ms)
    }

    pub(super) fn start(&self, step: usize) -> i64 {
        self.end(step).saturating_sub(self.range_ms)
    }

    /// Calls `each` with start and end of the window of each of these steps.
    #[inline]
    pub(super) fn each(&self, steps: Range<usize>, mut each: impl FnMut(i64, i64)) {
        match self.grid.as_given().filter(|_| self.fixed_ms.is_none()) {
            Some(given) => {
                for time in &given[steps] {
                    let end = time.saturating_sub(self.offset_ms);
                    each(end.saturating_sub(self.range_ms), end);
                }
            }
            None => steps.for_each(|step| each(self.start(step), self.end(step))),
        }
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

/// What becomes of each series of a range expression. No more than the series of a group are held by each thread.
pub(super) fn map_ranges<R: Send>(
    evaluator: &Evaluator<'_>,
    ranged: &Ranged<'_>,
    windows: &Windows,
    each: impl Fn(RangeSeries) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let (selector, found) = match ranged {
        Ranged::Series(selector, found) => (selector, found),
        Ranged::Subquery(subquery) => return map_subquery(evaluator, subquery, windows, each),
    };
    let (from, to) = (windows.first(), windows.last());
    let reader = Reader::new(evaluator, selector.span);
    let groups = reader.each_group(found, to.saturating_sub(from), |group| {
        let samples = reader.read(group, from, to)?;
        let read = count(&samples) as u64;
        let results = group.iter().zip(samples).map(|(series, samples)| {
            each(RangeSeries {
                labels: series.labels.clone(),
                drops_name: false,
                samples: samples.without_ends(),
                is_counter: series.is_counter,
            })
        });
        Ok((results.collect::<Result<Vec<R>>>()?, read))
    })?;
    let samples = groups.iter().map(|(_, read)| read).sum();
    evaluator.note(Reading { span: selector.span, series: 0, samples, summed_up: 0 });
    Ok(groups.into_iter().flat_map(|(results, _)| results).collect())
}

fn map_subquery<R>(
    evaluator: &Evaluator<'_>,
    subquery: &Subquery,
    windows: &Windows,
    each: impl Fn(RangeSeries) -> Result<R>,
) -> Result<Vec<R>> {
    let grid = subquery_grid(evaluator, subquery, windows)?;
    let Some(grid) = grid else { return Ok(Vec::new()) };
    let rows = evaluator.vector(&subquery.expr, &grid)?;
    evaluator.check_room(rows.len(), windows.grid.count, subquery.span)?;
    let series = rows.into_iter().map(|row| {
        let present = grid.times().zip(&row.values).filter(|(_, value)| !is_ended(**value));
        let (times, values): (Vec<i64>, Vec<f64>) = present.unzip();
        each(RangeSeries {
            labels: row.labels,
            drops_name: row.drops_name,
            samples: Samples { times: times.into(), values: values.into(), integers: None },
            is_counter: None,
        })
    });
    series.collect()
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

/// All series of a range expression with all their samples.
pub(super) fn range(evaluator: &Evaluator<'_>, expr: &Expr, grid: &Grid) -> Result<Vec<RangeSeries>> {
    let windows = Windows::of(evaluator, expr, grid)?;
    let (room, held) = (evaluator.room(expr.span()), AtomicUsize::new(0));
    map_ranges(evaluator, &ranged(evaluator, expr, &windows)?, &windows, |series| {
        let count = series.samples.values.len();
        room.check(1, held.fetch_add(count, Ordering::Relaxed).saturating_add(count))?;
        Ok(series)
    })
}
