//! Operators between scalars and vectors.

use super::elementwise::{arithmetic, comparison, element};
use super::evaluator::Evaluator;
use super::grid::Grid;
use super::matching::Matcher;
use super::set;
use super::value::{Row, Value};
use super::wanted::Wanted;
use crate::ast::{Binary, Expr, Operator};
use crate::error::{Error, Result};
use crate::source::{ENDED, is_ended};

/// What an operator comes to.
pub(super) fn eval(evaluator: &Evaluator<'_>, binary: &Binary, grid: &Grid) -> Result<Value> {
    evaluator.wanted.set(Wanted::of(binary));
    let left = evaluator.eval(&binary.left, grid)?;
    // What a vector is compared with or reckoned with is often a number, which one value tells for all steps.
    let is_number = matches!(binary.right.unwrapped(), Expr::Number(_)) && matches!(left, Value::Vector(_));
    let right = match is_number {
        true => evaluator.eval(&binary.right, &grid.first())?,
        false => evaluator.holding(&left, || evaluator.eval(&binary.right, grid))?,
    };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let values = left.iter().zip(&right).map(|(left, right)| scalars(binary.operator, *left, *right));
            Ok(Value::Scalar(values.collect()))
        }
        (Value::Vector(rows), Value::Scalar(scalar)) => {
            Ok(Value::Vector(with_scalar(binary, rows, &scalar, false)))
        }
        (Value::Scalar(scalar), Value::Vector(rows)) => {
            Ok(Value::Vector(with_scalar(binary, rows, &scalar, true)))
        }
        (Value::Vector(left), Value::Vector(right)) if binary.operator.is_set() => {
            Ok(Value::Vector(set::eval(binary.operator, &binary.matching, left, right)))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let rows = Matcher::new(evaluator, binary, left, right, grid.count).eval()?;
            evaluator.check_room(rows.len(), grid.count, binary.span)?;
            Ok(Value::Vector(rows))
        }
        _ => Err(Error::execution(binary.span, "expected scalars or instant vectors")),
    }
}

fn scalars(operator: Operator, left: f64, right: f64) -> f64 {
    match (arithmetic(operator), comparison(operator)) {
        (Some(compute), _) => compute(left, right),
        (None, Some(compare)) => f64::from(u8::from(compare(left, right))),
        (None, None) => f64::NAN,
    }
}

/// A vector and a scalar, of which one value may stand for all; a comparison that keeps an element keeps the vector's value, on whichever side it is.
fn with_scalar(binary: &Binary, mut rows: Vec<Row>, scalar: &[f64], scalar_is_left: bool) -> Vec<Row> {
    let (operator, returns_bool) = (binary.operator, binary.returns_bool);
    let keeps_value = operator.is_comparison() && !returns_bool;
    for row in &mut rows {
        row.drops_name |= !keeps_value;
        if keeps_value {
            keep_where(operator, &mut row.values, scalar, scalar_is_left);
            continue;
        }
        for (value, scalar) in row.values.iter_mut().zip(scalar.iter().cycle()) {
            if is_ended(*value) {
                continue;
            }
            let (left, right) = if scalar_is_left { (*scalar, *value) } else { (*value, *scalar) };
            *value = element(operator, returns_bool, left, right);
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

/// Keeps the values of which a comparison holds.
pub(super) fn keep_where(operator: Operator, values: &mut [f64], scalar: &[f64], scalar_is_left: bool) {
    match (operator, scalar_is_left) {
        (Operator::Equal, _) => keep(values, scalar, |value, scalar| value == scalar),
        (Operator::Greater, false) | (Operator::Less, true) => {
            keep(values, scalar, |value, scalar| value > scalar)
        }
        (Operator::Less, false) | (Operator::Greater, true) => {
            keep(values, scalar, |value, scalar| value < scalar)
        }
        (Operator::GreaterEqual, false) | (Operator::LessEqual, true) => {
            keep(values, scalar, |value, scalar| value >= scalar);
        }
        (Operator::LessEqual, false) | (Operator::GreaterEqual, true) => {
            keep(values, scalar, |value, scalar| value <= scalar);
        }
        // Of a step without a value this holds, and then there is still none.
        _ => keep(values, scalar, |value, scalar| value != scalar),
    }
}

/// One loop for each comparison.
fn keep(values: &mut [f64], scalar: &[f64], holds: impl Fn(f64, f64) -> bool) {
    if let [scalar] = scalar {
        for value in values {
            *value = if holds(*value, *scalar) { *value } else { ENDED };
        }
        return;
    }
    for (value, scalar) in values.iter_mut().zip(scalar) {
        *value = if holds(*value, *scalar) { *value } else { ENDED };
    }
}
