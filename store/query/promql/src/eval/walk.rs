//! The walk over the tree: which node is evaluated how.

use super::evaluator::Evaluator;
use super::grid::Grid;
use super::value::Value;
use super::{aggregate, binary, call, select};
use crate::ast::Expr;
use crate::error::{Error, Result};

/// An expression at each time of a grid.
pub(super) fn walk(evaluator: &Evaluator<'_>, expr: &Expr, grid: &Grid) -> Result<Value> {
    match expr {
        Expr::Number(number) => Ok(Value::Scalar(vec![number.value; grid.count])),
        Expr::Text(text) => Ok(Value::Text(text.value.clone())),
        Expr::Selector(selector) => select::instant(evaluator, selector, grid).map(Value::Vector),
        Expr::Range(_) | Expr::Subquery(_) => {
            Err(Error::execution(expr.span(), "a range vector has no value at each step"))
        }
        Expr::Call(call) => call::eval(evaluator, call, grid),
        Expr::Aggregation(aggregation) => aggregate::eval(evaluator, aggregation, grid).map(Value::Vector),
        Expr::Binary(binary) => binary::eval(evaluator, binary, grid),
        Expr::Unary(unary) => {
            let value = evaluator.eval(&unary.expr, grid)?;
            Ok(if unary.negative { negated(value) } else { value })
        }
        Expr::Paren(paren) => evaluator.eval(&paren.expr, grid),
    }
}

fn negated(value: Value) -> Value {
    match value {
        Value::Scalar(values) => Value::Scalar(values.into_iter().map(|value| -value).collect()),
        Value::Vector(mut rows) => {
            rows.iter_mut().for_each(|row| row.map(|value| -value));
            Value::Vector(rows)
        }
        text => text,
    }
}
