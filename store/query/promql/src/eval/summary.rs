//! Window functions by what a source knows of stretches of time, so that no sample is read.

use super::answer::Reading;
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::ranged::{Ranged, Windows};
use super::read::Reader;
use super::sum::Sum;
use super::value::Row;
use crate::error::Result;
use crate::functions::Window;
use crate::limits::{SUMMARY_PARTS_MAX, SUMMARY_SAMPLES_MIN};
use crate::source::{ENDED, SourceSeries, Summary};

/// The rows of a window function over a range, if its source can tell what they are without reading samples.
pub(super) fn eval(
    evaluator: &Evaluator<'_>,
    ranged: &Ranged<'_>,
    window: Window,
    windows: &Windows,
    grid: &Grid,
) -> Result<Option<Vec<Row>>> {
    let Ranged::Series(selector, found) = ranged else { return Ok(None) };
    let is_known = matches!(
        window,
        Window::Avg
            | Window::Count
            | Window::First
            | Window::Last
            | Window::Max
            | Window::Min
            | Window::Present
            | Window::Sum
    );
    if !is_known {
        return Ok(None);
    }
    // Each window ends at a time of its own, so that on average no stretch is longer than this.
    let longest_ms = windows.last().saturating_sub(windows.first()) / grid.count.max(1) as i64;
    if windows.fixed_ms.is_none() && !found.iter().all(|series| has_enough(series, longest_ms)) {
        return Ok(None);
    }
    let Some(parts) = Parts::of(windows, grid) else { return Ok(None) };
    if !found.iter().all(|series| parts.are_long_enough(series)) {
        return Ok(None);
    }
    let reader = Reader::new(evaluator, selector.span);
    let groups = reader.each_group(found, 0, |group| {
        let Some(summaries) = reader.source.summarize(group, &parts.bounds)? else { return Ok(None) };
        // Whether such a sum overflowed or has an infinity or NaN in it is not known.
        let is_sum = matches!(window, Window::Avg | Window::Sum);
        if is_sum && summaries.iter().flatten().any(|summary| !summary.sum.is_finite()) {
            return Ok(None);
        }
        let rows = group.iter().zip(&summaries).map(|(series, summaries)| {
            let mut row = Row::empty(series.labels.clone(), grid.count);
            row.drops_name = !window.keeps_name();
            for (slot, (from, to)) in row.values.iter_mut().zip(&parts.of_steps) {
                *slot = value(window, &summaries[*from..*to]);
            }
            row
        });
        let rows: Vec<Row> = rows.filter(|row| !row.is_empty()).collect();
        Ok(Some((rows, summaries.iter().flatten().map(|summary| summary.count).sum())))
    })?;
    let Some(groups) = groups.into_iter().collect::<Option<Vec<(Vec<Row>, u64)>>>() else { return Ok(None) };
    let summed_up = groups.iter().map(|(_, summed_up)| summed_up).sum();
    evaluator.note(Reading { span: selector.span, series: found.len(), samples: 0, summed_up });
    Ok(Some(groups.into_iter().flat_map(|(rows, _)| rows).collect()))
}

/// The stretches of time that windows are put together from.
struct Parts {
    /// Starts and ends of all windows, ascending.
    bounds: Vec<i64>,
    /// For each step the stretches of its window: the first, and that after the last.
    of_steps: Vec<(usize, usize)>,
}

impl Parts {
    /// None if windows overlap so much that they are better summed up sample by sample.
    fn of(windows: &Windows, grid: &Grid) -> Option<Parts> {
        let steps = || (0..grid.count).map(|step| (windows.start(step), windows.end(step)));
        let mut bounds: Vec<i64> = steps().flat_map(|(start, end)| [start, end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let index = |time: i64| bounds.partition_point(|bound| *bound < time);
        let of_steps: Vec<(usize, usize)> = steps().map(|(start, end)| (index(start), index(end))).collect();
        let all: usize = of_steps.iter().map(|(from, to)| to - from).sum();
        (all <= SUMMARY_PARTS_MAX).then_some(Parts { bounds, of_steps })
    }

    /// Whether a stretch has so many samples of a series that statistics are worth asking for.
    fn are_long_enough(&self, series: &SourceSeries) -> bool {
        let (Some(first), Some(last)) = (self.bounds.first(), self.bounds.last()) else { return false };
        let stretches = i64::try_from(self.bounds.len() - 1).unwrap_or(i64::MAX).max(1);
        let stretch_ms = last.saturating_sub(*first) / stretches;
        has_enough(series, stretch_ms)
    }
}

/// Whether a series has enough samples in so long a time.
fn has_enough(series: &SourceSeries, stretch_ms: i64) -> bool {
    series.distance_ms > 0 && stretch_ms / series.distance_ms >= SUMMARY_SAMPLES_MIN
}

/// The value of a window that these stretches make up; [`ENDED`] if it has no samples.
fn value(window: Window, parts: &[Summary]) -> f64 {
    let mut present = parts.iter().filter(|part| part.count > 0);
    let count: u64 = parts.iter().map(|part| part.count).sum();
    if count == 0 {
        return ENDED;
    }
    let sum = || {
        let mut sum = Sum::default();
        parts.iter().for_each(|part| sum.add(part.sum));
        sum.value()
    };
    match window {
        Window::Avg => sum() / count as f64,
        Window::Sum => sum(),
        Window::Count => count as f64,
        Window::Present => 1.0,
        // The least is greater than the greatest where all that there is is NaN.
        Window::Min | Window::Max if !parts.iter().any(|part| part.min <= part.max) => f64::NAN,
        Window::Min => parts.iter().fold(f64::INFINITY, |least, part| least.min(part.min)),
        Window::Max => parts.iter().fold(f64::NEG_INFINITY, |most, part| most.max(part.max)),
        Window::First => present.next().map_or(ENDED, |part| part.first),
        _ => present.next_back().map_or(ENDED, |part| part.last),
    }
}
