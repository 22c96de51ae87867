//! Which expressions are the same at every step, so that once is enough.

use crate::ast::Expr;
use crate::functions::{Function, Kind, Window};

/// Whether an expression does not depend on the time of evaluation.
pub(super) fn is_invariant(expr: &Expr) -> bool {
    match expr {
        Expr::Number(_) | Expr::Text(_) => true,
        Expr::Selector(selector) => selector.time.at.is_some(),
        Expr::Range(range) => range.selector.time.at.is_some(),
        Expr::Subquery(subquery) => subquery.time.at.is_some(),
        Expr::Call(call) => {
            !depends_on_time(call.function, call.args.len()) && call.args.iter().all(is_invariant)
        }
        Expr::Aggregation(aggregation) => {
            is_invariant(&aggregation.expr) && aggregation.param.as_ref().is_none_or(is_invariant)
        }
        Expr::Binary(binary) => is_invariant(&binary.left) && is_invariant(&binary.right),
        Expr::Unary(unary) => is_invariant(&unary.expr),
        Expr::Paren(paren) => is_invariant(&paren.expr),
    }
}

fn depends_on_time(function: &Function, args: usize) -> bool {
    match function.kind {
        Kind::Date(_) => args == 0,
        Kind::Time | Kind::Timestamp | Kind::Window(Window::PredictLinear) => true,
        _ => false,
    }
}
