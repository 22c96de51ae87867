//! Orders of series.

use std::cmp::Ordering;

use super::evaluator::Evaluator;
use super::value::Row;
use crate::ast::{Aggregator, Call, Expr};
use crate::functions::Kind;
use crate::source::is_ended;

/// Values in their order, NaN last.
pub(super) fn values(left: f64, right: f64, descending: bool) -> Ordering {
    let order = left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()));
    match descending && !left.is_nan() && !right.is_nan() {
        true => order.reverse(),
        false => order,
    }
}

/// By the value of the first step.
pub(super) fn by_value(mut rows: Vec<Row>, descending: bool) -> Vec<Row> {
    rows.retain(|row| !row.is_empty());
    rows.sort_by(|left, right| left.labels.cmp(&right.labels));
    let first = |row: &Row| row.values.iter().copied().find(|value| !is_ended(*value)).unwrap_or(f64::NAN);
    rows.sort_by(|left, right| values(first(left), first(right), descending));
    rows
}

/// By all labels.
pub(super) fn by_labels(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|left, right| left.labels.cmp(&right.labels));
    rows
}

/// By the values of these labels, in which numbers are compared as such; then by all labels.
pub(super) fn by_these_labels(mut rows: Vec<Row>, labels: &[String], descending: bool) -> Vec<Row> {
    rows.sort_by(|left, right| {
        let by_label = labels.iter().map(|label| natural(left.labels.get(label), right.labels.get(label)));
        let order =
            by_label.fold(Ordering::Equal, Ordering::then).then_with(|| left.labels.cmp(&right.labels));
        if descending { order.reverse() } else { order }
    });
    rows
}

/// Texts in which stretches of digits are compared as numbers: `cpu2` before `cpu10`.
fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let (one, other) = (piece(left), piece(right));
        if one.is_empty() || other.is_empty() {
            return one.len().cmp(&other.len());
        }
        let order = match (is_digits(one), is_digits(other)) {
            (true, true) => {
                let (number, number_other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
                number
                    .len()
                    .cmp(&number_other.len())
                    .then_with(|| number.cmp(number_other))
                    .then(one.len().cmp(&other.len()))
            }
            _ => one.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
        left = &left[one.len()..];
        right = &right[other.len()..];
    }
}

/// The digits, or all up to the next digit, at the start.
fn piece(text: &str) -> &str {
    let digits = is_digits(text);
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

fn is_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a query gives its answer an order.
pub(super) fn is_ordered(expr: &Expr) -> bool {
    match expr.unwrapped() {
        Expr::Call(call) => is_sort(call.function.kind),
        Expr::Aggregation(aggregation) => {
            matches!(aggregation.operator, Aggregator::Topk | Aggregator::Bottomk)
        }
        _ => false,
    }
}

fn is_sort(kind: Kind) -> bool {
    matches!(kind, Kind::Sort { .. } | Kind::SortByLabel { .. })
}

/// Warns that the answer to a range query is always sorted by labels.
pub(super) fn warn_in_range(evaluator: &Evaluator<'_>, call: &Call) {
    if evaluator.query.count > 1 {
        let text = "sort is ineffective for range queries since results are always ordered by labels";
        evaluator.annotations.warn(call.span, text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts_are_compared_as_numbers() {
        let mut names = ["cpu10", "cpu2", "cpu", "a", "cpu02", "cpu2b", ""];
        names.sort_by(|left, right| natural(left, right));
        assert_eq!(names, ["", "a", "cpu", "cpu2", "cpu2b", "cpu02", "cpu10"]);
    }
}
