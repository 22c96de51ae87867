//! What the value of an element is compared with.

use custos_promql::{Expr, Operator, format_number};

use crate::rules::definition::Judge;

/// What the value of an element is compared with, if the expression is a comparison with a number: `> 0.9`.
pub(super) fn limit(judge: &Judge) -> Option<String> {
    let Judge::Query { expr, .. } = judge else { return None };
    let Expr::Binary(binary) = expr.unwrapped() else { return None };
    if binary.returns_bool {
        return None;
    }
    let (sign, reversed) = match binary.operator {
        Operator::Equal => ("==", "=="),
        Operator::NotEqual => ("!=", "!="),
        Operator::Less => ("<", ">"),
        Operator::LessEqual => ("<=", ">="),
        Operator::Greater => (">", "<"),
        Operator::GreaterEqual => (">=", "<="),
        _ => return None,
    };
    match (binary.left.unwrapped(), binary.right.unwrapped()) {
        (_, Expr::Number(number)) => Some(format!("{sign} {}", format_number(number.value))),
        (Expr::Number(number), _) => Some(format!("{reversed} {}", format_number(number.value))),
        _ => None,
    }
}
