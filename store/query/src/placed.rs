//! The order of lists over runs of several checks: what the agent wrote comes in the order of arrival, so that a clock
//! which was ahead puts nothing old behind what is new; what was imported has its place by its time.

use custos_store::Position;

/// Something that came of a run, with what its place in a list depends on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed<T> {
    /// The position behind the run; none for one that was imported.
    pub(crate) position: Option<Position>,
    /// The time of the run, in ms since the epoch.
    pub(crate) time_ms: i64,
    pub(crate) item: T,
}

/// A list on the way, with no more than so many of the newest of each kind.
#[derive(Debug)]
pub(crate) struct Places<T> {
    limit: usize,
    own: Vec<Placed<T>>,
    imported: Vec<Placed<T>>,
}

impl<T> Places<T> {
    pub(crate) fn new(limit: usize) -> Places<T> {
        Places { limit, own: Vec::new(), imported: Vec::new() }
    }

    /// Adds items of one check, the oldest first.
    pub(crate) fn add(&mut self, items: impl IntoIterator<Item = Placed<T>>) {
        for item in items {
            if item.position.is_some() { self.own.push(item) } else { self.imported.push(item) }
        }
        self.own.sort_by_key(|placed| placed.position);
        self.imported.sort_by_key(|placed| placed.time_ms);
        for list in [&mut self.own, &mut self.imported] {
            list.drain(..list.len().saturating_sub(self.limit));
        }
    }

    /// The earliest time among items that fill the list: what was imported and is older is not among the newest.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let full = self.own.len() >= self.limit;
        self.own.iter().map(|placed| placed.time_ms).min().filter(|_| full)
    }

    /// The newest items, the newest last: what was imported comes before the first of the agent's that is later.
    pub(crate) fn into_newest(self) -> Vec<T> {
        let mut merged = Vec::with_capacity(self.own.len() + self.imported.len());
        let mut imported = self.imported.into_iter().peekable();
        for next in self.own {
            while let Some(earlier) = imported.next_if(|one| one.time_ms < next.time_ms) {
                merged.push(earlier.item);
            }
            merged.push(next.item);
        }
        merged.extend(imported.map(|placed| placed.item));
        merged.drain(..merged.len().saturating_sub(self.limit));
        merged
    }
}
