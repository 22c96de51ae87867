//! A view of a store, the series of it that were handed out, and what of it could not be read.

use std::sync::{Arc, Mutex, PoisonError};

use custos_promql::SourceSeries;
use custos_store::{SeriesKey, Snapshot};

use crate::built_in::BuiltIn;

/// What selecting and reading share.
pub(super) struct View<'a> {
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

impl<'a> View<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> View<'a> {
        View { snapshot, found: Mutex::default(), damages: Mutex::default() }
    }

    /// What could not be read so far.
    pub(super) fn damages(&self) -> Vec<String> {
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
