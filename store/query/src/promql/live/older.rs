//! The samples that are in the store alone.

use custos_promql::{Samples, Summary};
use custos_store::{CheckSeries, Run, SeriesKey, Snapshot};

use crate::built_in::BuiltIn;
use crate::limits::{INTERVAL_RUNS, LIVE_UNWRITTEN_MS};
use crate::promql::view::{Found, View};
use crate::promql::{read, summary};

/// Opens the store, or looks again what is in it; none if it cannot be read.
pub type Look = Box<dyn FnMut() -> Option<Snapshot> + Send>;

/// The store as it was looked at last.
pub(super) struct Older {
    look: Look,
    snapshot: Option<Snapshot>,
    /// The time of the latest run that was known when it was looked at (ms since the epoch).
    as_of_ms: Option<i64>,
}

/// A series within its check.
#[derive(Clone, Debug)]
pub(super) enum OlderSeries {
    Metric(SeriesKey),
    BuiltIn(BuiltIn),
}

impl Older {
    pub(super) fn new(look: Look) -> Older {
        Older { look, snapshot: None, as_of_ms: None }
    }

    /// The store with all runs that are earlier than `before_ms`, if it has them and can be read. `latest_ms` is the time of the
    /// latest run that is known; with `is_late` it is looked at anew.
    pub(super) fn before(&mut self, before_ms: i64, latest_ms: i64, is_late: bool) -> Option<Snapshot> {
        // Runs are written a little later than they are known here.
        let has_all = |as_of: i64| as_of == latest_ms || as_of.saturating_sub(LIVE_UNWRITTEN_MS) >= before_ms;
        if is_late || !self.as_of_ms.is_some_and(has_all) {
            self.look(latest_ms);
        }
        self.snapshot.clone()
    }

    /// The store as it is now.
    pub(super) fn now(&mut self, latest_ms: i64) -> Option<Snapshot> {
        self.look(latest_ms);
        self.snapshot.clone()
    }

    fn look(&mut self, latest_ms: i64) {
        if let Some(snapshot) = (self.look)() {
            self.snapshot = Some(snapshot);
        }
        self.as_of_ms = Some(latest_ms);
    }
}

/// What the store knows of a check, and the times of its newest runs, the latest arrival first.
pub(super) fn describe(snapshot: &Snapshot, check: &str) -> Option<(CheckSeries, Vec<i64>)> {
    let known = snapshot.check(check).ok().flatten()?;
    let arrived = snapshot.arrived_rev(check).filter_map(Result::ok);
    let recent = arrived.take(INTERVAL_RUNS).map(|arrived| arrived.run.time_ms);
    Some((known, recent.collect()))
}

/// The runs of a check in these times (ms since the epoch, the end excluded), by time, then arrival. What cannot be read is left
/// out.
pub(super) fn runs<'s>(
    snapshot: &'s Snapshot,
    check: &str,
    from_ms: i64,
    to_ms: i64,
) -> impl Iterator<Item = Run> + use<'s> {
    snapshot.runs(check, from_ms..to_ms).filter_map(Result::ok)
}

/// The samples of series of a check in these times (both included), one entry for each.
pub(super) fn read_series(
    snapshot: &Snapshot,
    check: &str,
    series: &[OlderSeries],
    (from_ms, to_ms): (i64, i64),
) -> Vec<Samples> {
    let view = View::bridging(snapshot);
    with_found(&view, check, series, |found| Some(read::read(&view, found, from_ms, to_ms)))
        .unwrap_or_default()
}

/// What the samples of series of a check have in common in stretches, see [`custos_promql::Source::summarize`].
pub(super) fn summarize_series(
    snapshot: &Snapshot,
    check: &str,
    series: &[OlderSeries],
    bounds: &[i64],
) -> Option<Vec<Vec<Summary>>> {
    let view = View::bridging(snapshot);
    with_found(&view, check, series, |found| summary::summarize(&view, found, bounds))
}

/// Does something with those of the series that the store has; the others get the default.
fn with_found<T: Default + Clone>(
    view: &View<'_>,
    check: &str,
    series: &[OlderSeries],
    work: impl FnOnce(&[Found]) -> Option<Vec<T>>,
) -> Option<Vec<T>> {
    let none = || vec![T::default(); series.len()];
    let index = match view.index().check(view.snapshot(), check) {
        Ok(Some(index)) => index,
        Ok(None) | Err(_) => return Some(none()),
    };
    let place = |series: &OlderSeries| match series {
        OlderSeries::Metric(key) => index.metric(key),
        OlderSeries::BuiltIn(one) => index.built_in(*one),
    };
    let places: Vec<Option<usize>> = series.iter().map(place).collect();
    let found: Vec<Found> = places.iter().flatten().map(|place| View::found(&index, *place)).collect();
    if found.is_empty() {
        return Some(none());
    }
    let mut done = work(&found)?.into_iter();
    Some(places.iter().map(|place| place.and_then(|_| done.next()).unwrap_or_default()).collect())
}
