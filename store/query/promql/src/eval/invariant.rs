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
        Expr::Call(call) if depends_on_time(call.function, call.args.len()) => false,
        _ => expr.children().into_iter().all(is_invariant),
    }
}

fn depends_on_time(function: &Function, args: usize) -> bool {
    match function.kind {
        Kind::Date(_) => args == 0,
        Kind::Time | Kind::Timestamp | Kind::Normal(_) | Kind::Window(Window::PredictLinear) => true,
        _ => false,
    }
}
