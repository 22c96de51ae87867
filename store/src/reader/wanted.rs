//! The series that a scan is asked for, and where they are in a file.

use std::cmp::Ordering;
use std::sync::Arc;

use super::series::SeriesKey;
use crate::log::SeriesDef;

/// Different series, and which of them the caller means by an index.
pub(super) struct Wanted {
    /// By name.
    keys: Vec<SeriesKey>,
    /// For each index of the caller's the index in `keys`.
    asked: Arc<[u32]>,
}

fn compare(key: &SeriesKey, series: &SeriesDef) -> Ordering {
    key.label.cmp(&series.label).then_with(|| key.labels.cmp(&series.labels))
}

impl Wanted {
    pub(super) fn new(asked: &[SeriesKey]) -> Wanted {
        let mut keys = asked.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let index = |key: &SeriesKey| keys.partition_point(|known| known < key) as u32;
        let asked = asked.iter().map(index).collect();
        Wanted { keys, asked }
    }

    /// For each index of the caller's the index of the series.
    pub(super) fn asked(&self) -> &Arc<[u32]> {
        &self.asked
    }

    /// Number of different series.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// For each series, the first of these that is it.
    pub(super) fn find<'a>(&self, series: impl Iterator<Item = &'a SeriesDef>) -> Vec<Option<u32>> {
        let mut found: Vec<Option<u32>> = vec![None; self.keys.len()];
        let mut next = 0;
        for (at, series) in series.enumerate() {
            // Rows of a table mostly come by name.
            let index = match self.keys.get(next) {
                Some(key) if compare(key, series).is_eq() => next,
                _ => match self.keys.binary_search_by(|key| compare(key, series)) {
                    Ok(index) => index,
                    Err(_) => continue,
                },
            };
            next = index + 1;
            found[index].get_or_insert(at as u32);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_in_any_order() {
        let def = |label: &str| SeriesDef { label: label.to_owned(), labels: Vec::new() };
        let wanted = Wanted::new(&["b", "c", "a", "c", "x"].map(SeriesKey::new));
        assert_eq!((&wanted.asked[..], wanted.len()), (&[1, 2, 0, 2, 3][..], 4));
        let find = |labels: &[&str]| {
            let series: Vec<SeriesDef> = labels.iter().map(|label| def(label)).collect();
            wanted.find(series.iter())
        };
        assert_eq!(find(&["a", "b", "c"]), [Some(0), Some(1), Some(2), None]);
        assert_eq!(find(&["0", "c", "b", "d", "a", "c"]), [Some(4), Some(2), Some(1), None]);
        assert_eq!(find(&[]), [None; 4]);
    }
}
