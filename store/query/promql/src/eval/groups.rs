//! Groups of rows.

use std::collections::HashMap;

use super::value::Row;
use crate::ast::Grouping;
use crate::labels::Labels;

/// Groups of rows, in the order of the first of each: labels, and indexes of rows.
pub(super) fn groups(rows: &[Row], grouping: &Grouping) -> Vec<(Labels, Vec<usize>)> {
    let mut groups: Vec<(Labels, Vec<usize>)> = Vec::new();
    let mut known: HashMap<Labels, usize> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let labels = row.labels.group(grouping);
        let group = *known.entry(labels).or_insert_with_key(|labels| {
            groups.push((labels.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(index);
    }
    groups
}
