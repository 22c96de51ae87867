//! The source: which series it has handed out, and what of the store could not be read.

use std::sync::{Arc, Mutex, PoisonError};

use custos_promql::{Matcher, Result, Samples, Source, SourceSeries};
use custos_store::{SeriesKey, Snapshot};

use super::{read, select};
use crate::built_in::BuiltIn;

/// A view of a store as PromQL sees it.
///
/// A metric of a check is a series with the check's name and the labels `check` and `metric`; one whose own name is empty has
/// neither. Its further labels are as they are. Each check also has its built-in series, such as `check_state`.
///
/// A run that does not have a metric ends its series, as do `U` and a stretch of missed runs; a partial run says nothing of
/// the metrics that it lacks.
pub struct StoreSource<'a> {
    snapshot: &'a Snapshot,
    found: Mutex<Vec<Arc<Found>>>,
    damages: Mutex<Vec<String>>,
}

/// A series that was handed out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) check: Arc<str>,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Metric(SeriesKey),
    BuiltIn(BuiltIn),
}

impl<'a> StoreSource<'a> {
    /// A view of a store.
    pub fn new(snapshot: &'a Snapshot) -> StoreSource<'a> {
        StoreSource { snapshot, found: Mutex::default(), damages: Mutex::default() }
    }

    /// What could not be read so far; values may be missing.
    pub fn damages(&self) -> Vec<String> {
        self.damages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// Reports a part that cannot be read, once.
    pub(super) fn damage(&self, error: &custos_store::Error) {
        let mut damages = self.damages.lock().unwrap_or_else(PoisonError::into_inner);
        let text = error.to_string();
        if !damages.contains(&text) {
            damages.push(text);
        }
    }

    /// A number for a series, by which it is found again.
    pub(super) fn remember(&self, found: Found) -> u64 {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(found));
        all.len() as u64 - 1
    }

    pub(super) fn recall(&self, series: &SourceSeries) -> Option<Arc<Found>> {
        let all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(series.id).ok().and_then(|id| all.get(id).cloned())
    }
}

impl Source for StoreSource<'_> {
    fn select(&self, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Result<Vec<SourceSeries>> {
        Ok(select::select(self, matchers, from_ms, to_ms))
    }

    fn read(&self, series: &[&SourceSeries], from_ms: i64, to_ms: i64) -> Result<Vec<Samples>> {
        let found: Vec<Arc<Found>> = series.iter().filter_map(|series| self.recall(series)).collect();
        Ok(read::read(self, &found, from_ms, to_ms))
    }
}
