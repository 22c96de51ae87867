//! The series that a scan is asked for, and where they are in a file.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::series::SeriesKey;
use crate::log::{SeriesDef, put_name};

/// Different series, and which of them the caller means by an index.
pub(super) struct Wanted {
    /// By name.
    keys: Vec<SeriesKey>,
    /// For each index of the caller's the index in `keys`.
    asked: Arc<[u32]>,
    /// The names as they stand in a chunk, to the index in `keys`.
    encoded: HashMap<Vec<u8>, u32>,
    /// By index in the header of the chunk before: the name there and its index in `keys`, if it is wanted. Most chunks
    /// have the same series in the same order.
    before: Vec<(Vec<u8>, Option<u32>)>,
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
        let encode = |(index, key): (usize, &SeriesKey)| {
            let mut bytes = Vec::new();
            put_name(&mut bytes, &key.label, &key.labels);
            (bytes, index as u32)
        };
        let encoded = keys.iter().enumerate().map(encode).collect();
        Wanted { keys, asked, encoded, before: Vec::new() }
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

    /// The same for names as they stand in the header of a chunk.
    pub(super) fn find_encoded<'a>(&mut self, series: impl Iterator<Item = &'a [u8]>) -> Vec<Option<u32>> {
        let mut found: Vec<Option<u32>> = vec![None; self.keys.len()];
        for (at, name) in series.enumerate() {
            let index = match self.before.get(at) {
                Some((known, index)) if known == name => *index,
                _ => {
                    let index = self.encoded.get(name).copied();
                    self.before.truncate(at);
                    self.before.push((name.to_vec(), index));
                    index
                }
            };
            if let Some(index) = index {
                found[index as usize].get_or_insert(at as u32);
            }
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
        let mut wanted = Wanted::new(&["b", "c", "a", "c", "x"].map(SeriesKey::new));
        assert_eq!((&wanted.asked[..], wanted.len()), (&[1, 2, 0, 2, 3][..], 4));
        let mut find = |labels: &[&str]| {
            let series: Vec<SeriesDef> = labels.iter().map(|label| def(label)).collect();
            let encoded: Vec<Vec<u8>> = series
                .iter()
                .map(|series| {
                    let mut bytes = Vec::new();
                    series.put(&mut bytes);
                    bytes
                })
                .collect();
            let found = wanted.find(series.iter());
            assert_eq!(wanted.find_encoded(encoded.iter().map(Vec::as_slice)), found);
            found
        };
        assert_eq!(find(&["a", "b", "c"]), [Some(0), Some(1), Some(2), None]);
        assert_eq!(find(&["0", "c", "b", "d", "a", "c"]), [Some(4), Some(2), Some(1), None]);
        assert_eq!(find(&["0", "c", "x", "d", "a"]), [Some(4), None, Some(1), Some(2)]);
        assert_eq!(find(&[]), [None; 4]);
        assert_eq!(find(&["0", "c", "x", "d", "a"]), [Some(4), None, Some(1), Some(2)]);
    }
}
