//! The samples of series of one check.

use custos_promql::Samples;
use custos_store::{Batch, Result, SeriesKey};

use super::building::Building;
use super::index::What;
use super::view::{Found, View};
use crate::built_in::BuiltIn;

/// Rows of a batch for each row that is wanted, at least, if the others are not to be decoded.
const ROWS_PER_PICK: usize = 2;

/// The samples of series of one check in these times (both included), one entry for each. What is damaged is reported and
/// left out.
pub(super) fn read(view: &View<'_>, found: &[Found], from_ms: i64, to_ms: i64) -> Vec<Samples> {
    read_with(view, found, from_ms, to_ms, |building, batch| building.add(batch, |error| view.damage(error)))
}

/// The same, but only of the samples that are the newest at one of these moments, which ascend; others may be there.
pub(super) fn read_newest(view: &View<'_>, found: &[Found], from_ms: i64, moments: &[i64]) -> Vec<Samples> {
    let Some(to_ms) = moments.last() else { return vec![Samples::default(); found.len()] };
    read_with(view, found, from_ms, *to_ms, |building, batch| match newest_rows(batch, moments) {
        Ok(Some(rows)) => building.add_some(batch, &rows, |error| view.damage(error)),
        Ok(None) => building.add(batch, |error| view.damage(error)),
        Err(error) => view.damage(&error),
    })
}

/// The rows of a batch that are the newest at one of these moments, ascending; none if these are most rows. The last one is
/// among them: it may be the newest of what follows.
fn newest_rows(batch: &Batch<'_>, moments: &[i64]) -> Result<Option<Vec<usize>>> {
    let last = batch.len() - 1;
    let (first_ms, last_ms) = (batch.time(0)?, batch.time(last)?);
    let within = moments.partition_point(|moment| *moment < first_ms)
        ..moments.partition_point(|moment| *moment < last_ms);
    let within = moments.get(within).unwrap_or_default();
    if within.len() >= batch.len() / ROWS_PER_PICK {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(within.len() + 1);
    for moment in within {
        rows.extend(batch.row_at(moment.saturating_add(1))?.checked_sub(1));
    }
    rows.push(last);
    rows.dedup();
    Ok(Some(rows))
}

fn read_with(
    view: &View<'_>,
    found: &[Found],
    from_ms: i64,
    to_ms: i64,
    add: impl Fn(&mut Building, &Batch<'_>),
) -> Vec<Samples> {
    let Some(first) = found.first() else { return Vec::new() };
    let range = from_ms..to_ms.saturating_add(1);
    let key = |found: &Found| match found.what() {
        What::Metric(key) => Some(key.clone()),
        What::BuiltIn(_) => None,
    };
    if let Some(keys) = found.iter().map(key).collect::<Option<Vec<SeriesKey>>>() {
        let mut building = Building::new(found.len(), view.bridges);
        for batch in view.snapshot().scan(first.check(), &keys, range) {
            match batch {
                Ok(batch) => add(&mut building, &batch),
                Err(error) => view.damage(&error),
            }
        }
        return building.finish();
    }
    let built_in = found.iter().map(|found| match found.what() {
        What::BuiltIn(one) => Some(*one),
        What::Metric(_) => None,
    });
    read_built_in(view, first.check(), range, &built_in.collect::<Vec<_>>())
}

/// The samples of series that every check has, with none where a series is not of that kind.
fn read_built_in(
    view: &View<'_>,
    check: &str,
    range: std::ops::Range<i64>,
    found: &[Option<BuiltIn>],
) -> Vec<Samples> {
    let mut building = Building::new(found.len(), view.bridges);
    for (index, one) in found.iter().enumerate() {
        let Some(one) = one else { continue };
        for batch in view.snapshot().figures(check, one.figure(), range.clone()) {
            match batch {
                Ok(batch) => {
                    for of in batch.into_iter().filter(|of| !(view.bridges && of.reason.is_unobserved())) {
                        building.push(index, of.time_ms, one.value_of(of.reason, of.number));
                    }
                }
                Err(error) => view.damage(&error),
            }
        }
    }
    building.finish()
}
