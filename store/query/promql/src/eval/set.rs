//! `and`, `or` and `unless`.

use std::collections::HashMap;

use super::value::Row;
use crate::ast::{Matching, Operator};
use crate::labels::Labels;
use crate::source::{ENDED, is_ended};

/// The elements of both sides that the operator lets through.
pub(super) fn eval(operator: Operator, matching: &Matching, left: Vec<Row>, right: Vec<Row>) -> Vec<Row> {
    match operator {
        Operator::And => filtered(left, &Present::of(&right, matching), matching, true),
        Operator::Unless => filtered(left, &Present::of(&right, matching), matching, false),
        _ => {
            let present = Present::of(&left, matching);
            let mut rows = left;
            rows.extend(filtered(right, &present, matching, false));
            rows
        }
    }
}

/// For each signature at which steps any series has a value.
struct Present(HashMap<Labels, Vec<bool>>);

impl Present {
    fn of(rows: &[Row], matching: &Matching) -> Present {
        let mut present: HashMap<Labels, Vec<bool>> = HashMap::new();
        for row in rows {
            let signature = row.labels.signature(matching.on, &matching.labels);
            let steps = present.entry(signature).or_insert_with(|| vec![false; row.values.len()]);
            for (step, value) in steps.iter_mut().zip(&row.values) {
                *step |= !is_ended(*value);
            }
        }
        Present(present)
    }
}

/// The values of rows where the other side has some, or where it has none.
fn filtered(mut rows: Vec<Row>, other: &Present, matching: &Matching, wanted: bool) -> Vec<Row> {
    for row in &mut rows {
        let present = other.0.get(&row.labels.signature(matching.on, &matching.labels));
        for (step, value) in row.values.iter_mut().enumerate() {
            if present.is_some_and(|present| present[step]) != wanted {
                *value = ENDED;
            }
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}
