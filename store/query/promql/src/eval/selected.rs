//! What expressions select in some time, so that it can be asked when that has samples, one stretch of time after the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Expr, Selector};
use crate::error::Result;
use crate::limits::{READ_SAMPLES_MAX, READ_SERIES_MAX, STRETCH_SAMPLES_MAX};
use crate::shared::Shared;
use crate::source::{Source, SourceSeries};

/// The series that expressions select in some time, each once, and when nobody looked at them.
#[derive(Debug, Default)]
pub struct Selected {
    groups: BTreeMap<u64, OfGroup>,
    unobserved: Vec<(i64, i64)>,
    from_ms: i64,
    to_ms: i64,
    /// How long the stretches are that have no more samples than are read at once, as far as can be told (ms).
    stretch_ms: i64,
}

/// Series that are read together.
#[derive(Debug, Default)]
struct OfGroup {
    series: Vec<SourceSeries>,
    known: BTreeSet<u64>,
    unobserved: Vec<(i64, i64)>,
}

impl Selected {
    /// What these expressions select in these times (ms since the epoch, both included). Where in time they themselves look
    /// does not matter. Of one that selects nothing at all it is as if somebody had always looked, unless `ignores_absent`:
    /// then it says nothing.
    ///
    /// # Errors
    /// The series cannot be read.
    pub fn of<'e>(
        expressions: impl IntoIterator<Item = &'e Expr>,
        source: &dyn Source,
        (from_ms, to_ms): (i64, i64),
        ignores_absent: bool,
    ) -> Result<Selected> {
        let mut selected = Selected { from_ms, to_ms, ..Selected::default() };
        let mut groups_of_each = Vec::new();
        for expr in expressions {
            groups_of_each.push(selected.add(expr, source)?);
        }
        for of_group in selected.groups.values_mut() {
            if let Some(one) = of_group.series.first() {
                of_group.unobserved = source.unobserved(one, from_ms, to_ms)?;
            }
        }
        selected.stretch_ms = selected.stretch_ms();
        let mut unobserved: Option<Vec<(i64, i64)>> = None;
        for groups in &groups_of_each {
            let own = selected.unobserved_in_all(groups);
            if ignores_absent && own.is_empty() && !selected.has_samples(groups, source)? {
                continue;
            }
            unobserved = Some(unobserved.map_or_else(|| own.clone(), |known| in_both(&known, &own)));
        }
        selected.unobserved = unobserved.unwrap_or_default();
        Ok(selected)
    }

    /// Adds what an expression selects, and returns the groups that it is in.
    fn add(&mut self, expr: &Expr, source: &dyn Source) -> Result<BTreeSet<u64>> {
        let (mut selectors, mut groups) = (Vec::new(), BTreeSet::new());
        collect_selectors(expr, &mut selectors);
        for selector in selectors {
            for series in source.select(&selector.matchers, self.from_ms, self.to_ms)? {
                groups.insert(series.group);
                let of_group = self.groups.entry(series.group).or_default();
                if of_group.known.insert(series.id) {
                    of_group.series.push(series);
                }
            }
        }
        Ok(groups)
    }

    /// See the field of that name.
    fn stretch_ms(&self) -> i64 {
        let series = || self.groups.values().flat_map(|of_group| &of_group.series);
        let each = (READ_SAMPLES_MAX as i64 / series().count().max(1) as i64).min(STRETCH_SAMPLES_MAX);
        let densest_ms = series().map(|series| series.distance_ms).filter(|distance| *distance > 0).min();
        densest_ms.map_or(i64::MAX, |distance_ms| distance_ms.saturating_mul(each).max(1))
    }

    fn unobserved_in_all(&self, groups: &BTreeSet<u64>) -> Vec<(i64, i64)> {
        let mut of_groups = groups.iter().filter_map(|group| Some(&self.groups.get(group)?.unobserved));
        let first = of_groups.next().cloned().unwrap_or_default();
        of_groups.fold(first, |known, other| in_both(&known, other))
    }

    /// Whether any of these groups has samples in all of the time.
    fn has_samples(&self, groups: &BTreeSet<u64>, source: &dyn Source) -> Result<bool> {
        for of_group in groups.iter().filter_map(|group| self.groups.get(group)) {
            for stretch in self.stretches() {
                if !of_group.times(source, stretch)?.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Stretches in which nobody looked at any of the series: the first millisecond, and the one after the last; ascending and
    /// apart.
    pub fn unobserved(&self) -> &[(i64, i64)] {
        &self.unobserved
    }

    /// All of the time in stretches that follow each other (both ends included) and have no more samples than are read at once,
    /// as far as can be told.
    pub fn stretches(&self) -> impl Iterator<Item = (i64, i64)> + use<> {
        let (to_ms, stretch_ms) = (self.to_ms, self.stretch_ms);
        let mut next = (self.from_ms <= to_ms).then_some(self.from_ms);
        std::iter::from_fn(move || {
            let from_ms = next?;
            let last_ms = from_ms.saturating_add(stretch_ms - 1).min(to_ms);
            next = (last_ms < to_ms).then(|| last_ms + 1);
            Some((from_ms, last_ms))
        })
    }

    /// The times of samples and ends in a stretch (ms since the epoch), ascending, each once. The end of a series that comes of
    /// nobody having looked is not among them.
    ///
    /// # Errors
    /// The series cannot be read.
    pub fn times(&self, source: &dyn Source, stretch: (i64, i64)) -> Result<Shared<i64>> {
        let mut times = Shared::default();
        for of_group in self.groups.values() {
            times = merged(times, of_group.times(source, stretch)?);
        }
        Ok(times)
    }
}

impl OfGroup {
    /// The times of its samples and ends in a stretch.
    fn times(&self, source: &dyn Source, (from_ms, to_ms): (i64, i64)) -> Result<Shared<i64>> {
        let mut times = Shared::default();
        for part in self.series.chunks(READ_SERIES_MAX) {
            let part: Vec<&SourceSeries> = part.iter().collect();
            times = merged(times, in_one(&source.times(&part, from_ms, to_ms)?));
        }
        if !self.unobserved.is_empty() {
            times = times.iter().copied().filter(|time| !lies_in(&self.unobserved, *time)).collect();
        }
        Ok(times)
    }
}

/// The times of samples and ends of the series that an expression selects in these times (ms since the epoch, both included),
/// ascending, each once. Where in time the expression itself looks does not matter.
///
/// # Errors
/// The series cannot be read.
pub fn sample_times(expr: &Expr, source: &dyn Source, from_ms: i64, to_ms: i64) -> Result<Vec<i64>> {
    let selected = Selected::of([expr], source, (from_ms, to_ms), false)?;
    let mut times = Vec::new();
    for stretch in selected.stretches() {
        times.extend_from_slice(&selected.times(source, stretch)?);
    }
    Ok(times)
}

/// All selectors of an expression.
fn collect_selectors<'e>(expr: &'e Expr, selectors: &mut Vec<&'e Selector>) {
    match expr {
        Expr::Selector(selector) => selectors.push(selector),
        Expr::Range(range) => selectors.push(&range.selector),
        _ => expr.children().into_iter().for_each(|child| collect_selectors(child, selectors)),
    }
}

/// The times of some series, of which those of a group may be the same ones.
fn in_one(of_each: &[Shared<i64>]) -> Shared<i64> {
    let mut distinct: Vec<&Shared<i64>> = Vec::new();
    for one in of_each {
        if !distinct.iter().any(|known| known.is_same(one)) {
            distinct.push(one);
        }
    }
    if let [only] = distinct[..] {
        return only.clone();
    }
    let mut times = Vec::with_capacity(distinct.iter().map(|one| one.len()).sum());
    for one in &distinct {
        times.extend_from_slice(one);
    }
    times.sort_unstable();
    times.dedup();
    times.into()
}

/// Both times together.
fn merged(times: Shared<i64>, further: Shared<i64>) -> Shared<i64> {
    if times.is_empty() || further.is_empty() {
        return if times.is_empty() { further } else { times };
    }
    let mut all = [&*times, &*further].concat();
    all.sort_unstable();
    all.dedup();
    all.into()
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
