//! What is to be searched: parts of the history of each check that have samples, as many buckets at a time as a thread has
//! memory for.

use std::collections::BTreeSet;
use std::ops::Range;

use custos_memory::spread;
use custos_store::Snapshot;

use super::grid::Grid;
use super::series::SimilarSeries;
use crate::bucketed::Bucketed;
use crate::context::ReadContext;
use crate::error::Result;
use crate::limits::{
    SIMILAR_BUCKETS_MAX, SIMILAR_GROUP_MAX, SIMILAR_SPREAD_COLUMNS, SIMILAR_UNITS_MARKED_MAX,
};

/// Series of a check, with their usual deviation, and a unit of its history to search for them.
#[derive(Clone, Debug)]
pub(super) struct Job<'a> {
    pub(super) check: &'a str,
    /// (index of the caller's, series, deviation).
    pub(super) series: Vec<(usize, Bucketed, f64)>,
    /// The buckets in which stretches begin.
    pub(super) buckets: Range<i64>,
}

/// The usual deviation of a series before a time.
pub(super) fn spread_of(
    store: &Snapshot,
    check: &str,
    series: &Bucketed,
    span: Range<i64>,
    grid: &Grid,
    context: &mut ReadContext<'_>,
) -> f64 {
    if series.is_counter {
        return spread_of_counter(store, check, series, span, grid, context);
    }
    match store.envelope(check, &series.key, span, SIMILAR_SPREAD_COLUMNS) {
        Ok(columns) => {
            let known = columns.iter().filter(|column| column.count > 0);
            let columns = known.map(|column| (column.min, column.sum / column.count as f64, column.max));
            spread(&columns.collect::<Vec<_>>())
        }
        Err(error) => {
            context.damage(&error);
            0.0
        }
    }
}

/// Of a counter its newest changes tell.
fn spread_of_counter(
    store: &Snapshot,
    check: &str,
    series: &Bucketed,
    span: Range<i64>,
    grid: &Grid,
    context: &mut ReadContext<'_>,
) -> f64 {
    let len = SIMILAR_BUCKETS_MAX as i64;
    let start_ms = span.end.saturating_sub(len.saturating_mul(grid.width_ms)).max(span.start);
    let mut buckets = [custos_memory::Buckets::new(start_ms, grid.width_ms, SIMILAR_BUCKETS_MAX)];
    let mut on_damage = |error| context.damage(&error);
    crate::bucketed::fill_buckets(
        store,
        check,
        std::slice::from_ref(series),
        span.end,
        &mut buckets,
        &mut on_damage,
    );
    let known = (0..buckets[0].len()).filter_map(|index| {
        let (least, greatest) = buckets[0].range(index)?;
        Some((least, buckets[0].mean(index)?, greatest))
    });
    spread(&known.collect::<Vec<_>>())
}

/// All jobs of a search, the newest history last.
pub(super) fn jobs<'a>(
    store: &Snapshot,
    among: &'a [SimilarSeries],
    until_ms: i64,
    grid: &Grid,
    context: &mut ReadContext<'_>,
) -> Result<Vec<Job<'a>>> {
    let mut jobs = Vec::new();
    let indexed: Vec<(usize, &SimilarSeries)> = among.iter().enumerate().collect();
    for of_check in indexed.chunk_by(|(_, one), (_, other)| one.check == other.check) {
        context.look()?;
        let check = of_check[0].1.check.as_str();
        let units = units(store, check, until_ms, grid, context)?;
        let (Some(first), Some(last)) = (units.first(), units.last()) else { continue };
        let span = grid.time_ms(first * SIMILAR_BUCKETS_MAX as i64)
            ..grid.time_ms((last + 1).saturating_mul(SIMILAR_BUCKETS_MAX as i64)).min(until_ms);
        for group in of_check.chunks(SIMILAR_GROUP_MAX) {
            let mut series = Vec::with_capacity(group.len());
            for (index, one) in group {
                let deviation = spread_of(store, check, &one.series, span.clone(), grid, context);
                series.push((*index, one.series.clone(), deviation));
            }
            for unit in &units {
                let first = unit.saturating_mul(SIMILAR_BUCKETS_MAX as i64);
                let buckets = first..first.saturating_add(SIMILAR_BUCKETS_MAX as i64);
                jobs.push(Job { check, series: series.clone(), buckets });
            }
        }
    }
    Ok(jobs)
}

/// The units of the history of a check that have a run. A clock that was wrong for one run makes no thousands of empty ones.
fn units(
    store: &Snapshot,
    check: &str,
    until_ms: i64,
    grid: &Grid,
    context: &mut ReadContext<'_>,
) -> Result<BTreeSet<i64>> {
    let unit = |time_ms: i64| grid.bucket(time_ms).div_euclid(SIMILAR_BUCKETS_MAX as i64);
    let mut units = BTreeSet::new();
    for batch in store.scan(check, &[], i64::MIN..until_ms) {
        context.look()?;
        let marked = batch.and_then(|batch| {
            let (first, last) = (unit(batch.time(0)?), unit(batch.time(batch.len() - 1)?));
            if last.saturating_sub(first) <= SIMILAR_UNITS_MARKED_MAX {
                units.extend(first..=last);
            } else {
                units.extend(batch.times()?.iter().map(|time| unit(*time)));
            }
            Ok(())
        });
        marked.unwrap_or_else(|error| context.damage(&error));
    }
    Ok(units)
}
