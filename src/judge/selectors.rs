//! The selectors of an expression.

use custos_promql::{Expr, Selector};

/// All selectors of an expression, those of ranges among them.
pub(super) fn selectors(expr: &Expr) -> Vec<&Selector> {
    match expr {
        Expr::Selector(selector) => vec![selector],
        Expr::Range(range) => vec![&range.selector],
        _ => expr.children().into_iter().flat_map(selectors).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_ranges_and_subqueries_are_among_them() {
        let expr = custos_promql::parse("a + sum(rate(b[5m])) > on () max_over_time((-c)[1h:1m])").unwrap();
        let names: Vec<&str> = selectors(&expr).iter().map(|selector| selector.matchers[0].value()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
