//! One row of several with the same labels.

use std::collections::HashMap;

use super::value::Row;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::source::is_ended;
use crate::span::Span;

/// Makes one row of those that have the same labels.
pub(super) fn merged(rows: Vec<Row>, span: Span) -> Result<Vec<Row>> {
    if rows.len() < 2 {
        return Ok(rows);
    }
    let mut seen: HashMap<Labels, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(first) = seen.get(&row.labels) else {
            seen.insert(row.labels.clone(), kept.len());
            kept.push(row);
            continue;
        };
        let first = &mut kept[*first];
        first.drops_name |= row.drops_name;
        for (value, other) in first.values.iter_mut().zip(&row.values) {
            match (is_ended(*value), is_ended(*other)) {
                (_, true) => {}
                (true, false) => *value = *other,
                (false, false) => {
                    let message = "vector cannot contain metrics with the same labelset";
                    return Err(Error::execution(span, message));
                }
            }
        }
    }
    Ok(kept)
}
