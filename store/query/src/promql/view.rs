//! A view of a store, the series of it that were handed out, and what of it could not be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use custos_promql::SourceSeries;
use custos_store::Snapshot;

use crate::bucketed::Bucketed;

use super::index::{CheckIndex, Index, What};

/// What selecting and reading share.
pub(super) struct View<'a> {
    snapshot: &'a Snapshot,
    /// Whether a run of which nothing is known says nothing of any series, rather than ending them.
    pub(super) bridges: bool,
    index: Arc<Index>,
    lists: Mutex<Lists>,
    damages: Mutex<Vec<String>>,
}

/// Checks of which series were handed out.
#[derive(Default)]
struct Lists {
    by_number: Vec<Arc<CheckIndex>>,
    /// The number of each by where it is in memory, so that the same series keep their numbers.
    numbers: HashMap<usize, u64>,
}

/// The number of a check of which series were handed out.
#[derive(Clone, Copy)]
pub(super) struct ListNumber(u64);

/// Bits of a number of a series that are its index within its check.
const INDEX_BITS: u32 = 32;

impl ListNumber {
    /// The number of a series of the check.
    pub(super) fn id(self, index: usize) -> u64 {
        self.0 << INDEX_BITS | index as u64
    }
}

/// A series that was handed out.
pub(super) struct Found {
    of: Arc<CheckIndex>,
    index: usize,
}

impl Found {
    pub(super) fn check(&self) -> &str {
        &self.of.check.name
    }

    /// A metric, as what compares long spans reads it; none if it is a built-in series.
    pub(super) fn bucketed(&self) -> Option<Bucketed> {
        let entry = &self.of.series[self.index];
        match &entry.what {
            What::Metric(key) => {
                Some(Bucketed { key: key.clone(), is_counter: entry.is_counter == Some(true) })
            }
            What::BuiltIn(_) => None,
        }
    }

    pub(super) fn what(&self) -> &What {
        &self.of.series[self.index].what
    }
}

impl<'a> View<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> View<'a> {
        let index = Index::of(snapshot);
        View { snapshot, bridges: false, index, lists: Mutex::default(), damages: Mutex::default() }
    }

    /// A view in which a run of which nothing is known says nothing of any series.
    pub(super) fn bridging(snapshot: &'a Snapshot) -> View<'a> {
        View { bridges: true, ..View::new(snapshot) }
    }

    /// What could not be read so far.
    pub(super) fn damages(&self) -> Vec<String> {
        self.damages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Reports a part that cannot be read, once.
    pub(super) fn damage(&self, error: &custos_store::Error) {
        let mut damages = self.damages.lock().unwrap_or_else(PoisonError::into_inner);
        let text = error.to_string();
        if !damages.contains(&text) {
            damages.push(text);
        }
    }

    /// A number for a check, by which its series are found again.
    pub(super) fn remember(&self, of: &Arc<CheckIndex>) -> ListNumber {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lists.by_number.len() as u64;
        let number = *lists.numbers.entry(Arc::as_ptr(of).addr()).or_insert(next);
        if number == next {
            lists.by_number.push(Arc::clone(of));
        }
        ListNumber(number)
    }

    /// A series of a check by its index.
    pub(super) fn found(of: &Arc<CheckIndex>, index: usize) -> Found {
        Found { of: Arc::clone(of), index }
    }

    pub(super) fn recall(&self, series: &[&SourceSeries]) -> Vec<Found> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let found = series.iter().filter_map(|series| {
            let of = lists.by_number.get((series.id >> INDEX_BITS) as usize)?;
            let index = (series.id & ((1 << INDEX_BITS) - 1)) as usize;
            (index < of.series.len()).then(|| Found { of: Arc::clone(of), index })
        });
        found.collect()
    }
}
