//! When the series that an expression selects have samples, and when nobody looked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Expr, Selector};
use crate::error::Result;
use crate::limits::{READ_SAMPLES_MAX, READ_SERIES_MAX};
use crate::source::{Source, SourceSeries};

/// When series that an expression selects have samples or end, and when nobody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleTimes {
    /// The times of samples and ends (ms since the epoch), ascending, each once. The end of a series that comes of nobody
    /// having looked is not among them.
    pub times: Vec<i64>,
    /// Stretches in which nobody looked at any of the series: the first millisecond, and the one after the last; ascending and
    /// apart.
    pub unobserved: Vec<(i64, i64)>,
}

impl SampleTimes {
    /// The times of both, and when nobody looked at either.
    #[must_use]
    pub fn and(self, other: SampleTimes) -> SampleTimes {
        let unobserved = in_both(&self.unobserved, &other.unobserved);
        let mut times = self.times;
        merge(&mut times, other.times);
        SampleTimes { times, unobserved }
    }
}

/// When the series that an expression selects have samples or end in these times (ms since the epoch, both included). Where
/// in time the expression itself looks does not matter.
///
/// # Errors
/// The series cannot be read.
pub fn sample_times(expr: &Expr, source: &dyn Source, from_ms: i64, to_ms: i64) -> Result<SampleTimes> {
    let mut selectors = Vec::new();
    collect_selectors(expr, &mut selectors);
    let mut groups: BTreeMap<u64, Vec<SourceSeries>> = BTreeMap::new();
    for selector in selectors {
        for series in source.select(&selector.matchers, from_ms, to_ms)? {
            let of_group = groups.entry(series.group).or_default();
            if of_group.iter().all(|known| known.labels != series.labels) {
                of_group.push(series);
            }
        }
    }
    let mut all: Option<SampleTimes> = None;
    for series in groups.values() {
        let found = of_group(source, series, (from_ms, to_ms))?;
        all = Some(match all {
            None => found,
            Some(all) => all.and(found),
        });
    }
    Ok(all.unwrap_or_default())
}

/// All selectors of an expression.
fn collect_selectors<'e>(expr: &'e Expr, selectors: &mut Vec<&'e Selector>) {
    match expr {
        Expr::Selector(selector) => selectors.push(selector),
        Expr::Range(range) => selectors.push(&range.selector),
        _ => expr.children().into_iter().for_each(|child| collect_selectors(child, selectors)),
    }
}

/// The times of series that are read together. As many of them are read at once as fit.
fn of_group(
    source: &dyn Source,
    series: &[SourceSeries],
    (from_ms, to_ms): (i64, i64),
) -> Result<SampleTimes> {
    let mut times: Vec<i64> = Vec::new();
    for part in series.chunks(READ_SERIES_MAX) {
        let part: Vec<&SourceSeries> = part.iter().collect();
        let mut of_part = Vec::new();
        for (from_ms, to_ms) in stretches(&part, from_ms, to_ms) {
            let found = source.times(&part, from_ms, to_ms)?;
            add(&found, &mut of_part);
        }
        merge(&mut times, of_part);
    }
    let unobserved = match series.first() {
        Some(one) => source.unobserved(one, from_ms, to_ms)?,
        None => Vec::new(),
    };
    if !unobserved.is_empty() {
        times.retain(|time| !lies_in(&unobserved, *time));
    }
    Ok(SampleTimes { times, unobserved })
}

/// Stretches of time (both ends included) in which these series have no more samples than are read at once, as far as can be
/// told.
fn stretches(series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> impl Iterator<Item = (i64, i64)> + use<> {
    let each = READ_SAMPLES_MAX as i64 / series.len().max(1) as i64;
    let densest_ms = series.iter().map(|series| series.distance_ms).filter(|distance| *distance > 0).min();
    let length_ms = densest_ms.map_or(i64::MAX, |distance_ms| distance_ms.saturating_mul(each).max(1));
    let mut next = (from_ms <= to_ms).then_some(from_ms);
    std::iter::from_fn(move || {
        let from_ms = next?;
        let last_ms = from_ms.saturating_add(length_ms - 1).min(to_ms);
        next = (last_ms < to_ms).then(|| last_ms + 1);
        Some((from_ms, last_ms))
    })
}

/// Adds times that follow those that are there.
fn add(found: &[Arc<Vec<i64>>], times: &mut Vec<i64>) {
    let mut distinct: Vec<&Arc<Vec<i64>>> = Vec::new();
    for one in found {
        if !distinct.iter().any(|known| Arc::ptr_eq(known, one)) {
            distinct.push(one);
        }
    }
    let len = times.len();
    for one in &distinct {
        times.extend_from_slice(one);
    }
    if distinct.len() > 1 {
        times[len..].sort_unstable();
        times.dedup();
    }
}

/// Adds further times.
fn merge(times: &mut Vec<i64>, mut further: Vec<i64>) {
    if times.is_empty() {
        *times = further;
        return;
    }
    times.append(&mut further);
    times.sort_unstable();
    times.dedup();
}

/// Whether a time lies in one of these stretches.
fn lies_in(stretches: &[(i64, i64)], time_ms: i64) -> bool {
    let after = stretches.partition_point(|(from_ms, _)| *from_ms <= time_ms);
    after.checked_sub(1).is_some_and(|at| time_ms < stretches[at].1)
}

/// What two lists of stretches have in common.
fn in_both(one: &[(i64, i64)], other: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let (mut at, mut of_other, mut both) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (one.get(at), other.get(of_other)) {
        let common = (left.0.max(right.0), left.1.min(right.1));
        if common.0 < common.1 {
            both.push(common);
        }
        if left.1 <= right.1 { at += 1 } else { of_other += 1 }
    }
    both
}
