//! The unit of what an expression evaluates to, as far as it keeps that of the series it reads.
//!
//! A sum of bytes is bytes, their rate is bytes per second, and a share of them has no unit. A product does not keep the
//! unit: eight times as many bytes may be bits.

use custos_promql::{Aggregation, Aggregator, Binary, Call, Expr, Operator, Selector};

use crate::rate::Rate;

/// What is known of the unit of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    /// That of a number in the query, which is in whatever unit stands beside it.
    Number,
    /// This one; empty if there is none.
    Of(String),
    Unknown,
}

/// The unit that the values of an expression have: empty if it has none, nothing if that is not known. `of_selector` tells
/// that of series, if all have the same.
pub fn unit_of(expr: &Expr, of_selector: &mut dyn FnMut(&Selector) -> Option<String>) -> Option<String> {
    match of(expr, of_selector) {
        Unit::Number => Some(String::new()),
        Unit::Of(unit) => Some(unit),
        Unit::Unknown => None,
    }
}

fn of(expr: &Expr, of_selector: &mut dyn FnMut(&Selector) -> Option<String>) -> Unit {
    let mut selected = |selector| of_selector(selector).map_or(Unit::Unknown, Unit::Of);
    match expr {
        Expr::Number(_) => Unit::Number,
        Expr::Text(_) => Unit::Unknown,
        Expr::Selector(selector) => selected(selector),
        Expr::Range(range) => selected(&range.selector),
        Expr::Subquery(subquery) => of(&subquery.expr, of_selector),
        Expr::Unary(unary) => of(&unary.expr, of_selector),
        Expr::Paren(paren) => of(&paren.expr, of_selector),
        Expr::Aggregation(aggregation) => of_aggregation(aggregation, of_selector),
        Expr::Call(call) => of_call(call, of_selector),
        Expr::Binary(binary) => {
            let (left, right) = (of(&binary.left, of_selector), of(&binary.right, of_selector));
            of_binary(binary, left, right)
        }
    }
}

fn of_aggregation(
    aggregation: &Aggregation,
    of_selector: &mut dyn FnMut(&Selector) -> Option<String>,
) -> Unit {
    match aggregation.operator {
        Aggregator::Count | Aggregator::CountValues | Aggregator::Group => Unit::Of(String::new()),
        Aggregator::Stdvar => Unit::Unknown,
        _ => of(&aggregation.expr, of_selector),
    }
}

fn of_call(call: &Call, of_selector: &mut dyn FnMut(&Selector) -> Option<String>) -> Unit {
    let of_vector = |of_selector: &mut dyn FnMut(&Selector) -> Option<String>| {
        // Parameters, such as that of a quantile, may stand before.
        let read = call.args.iter().find(|arg| !matches!(arg, Expr::Number(_) | Expr::Text(_)));
        read.map_or(Unit::Number, |arg| of(arg, of_selector))
    };
    match call.function.name {
        "custos_normal_low" | "custos_normal_middle" | "custos_normal_high" => match of_vector(of_selector) {
            // Of a counter it is normal how fast it grows.
            Unit::Of(unit) if Rate::is_of_counter(&unit) => Unit::Of(Rate::unit(&unit)),
            other => other,
        },
        "rate" | "irate" | "deriv" => match of_vector(of_selector) {
            Unit::Of(unit) => Unit::Of(Rate::unit(&unit)),
            other => other,
        },
        "increase" | "delta" | "idelta" => match of_vector(of_selector) {
            // What a counter has counted is no counter.
            Unit::Of(unit) if Rate::is_of_counter(&unit) => Unit::Of(String::new()),
            other => other,
        },
        "count_over_time" | "changes" | "resets" | "present_over_time" | "absent" | "absent_over_time"
        | "sgn" => Unit::Of(String::new()),
        "avg_over_time"
        | "sum_over_time"
        | "min_over_time"
        | "max_over_time"
        | "first_over_time"
        | "last_over_time"
        | "quantile_over_time"
        | "stddev_over_time"
        | "mad_over_time"
        | "predict_linear"
        | "double_exponential_smoothing"
        | "abs"
        | "ceil"
        | "floor"
        | "round"
        | "clamp"
        | "clamp_min"
        | "clamp_max"
        | "sort"
        | "sort_desc"
        | "sort_by_label"
        | "sort_by_label_desc"
        | "label_replace"
        | "label_join"
        | "scalar"
        | "vector" => of_vector(of_selector),
        _ => Unit::Unknown,
    }
}

fn of_binary(binary: &Binary, left: Unit, right: Unit) -> Unit {
    match binary.operator {
        _ if binary.returns_bool => Unit::Of(String::new()),
        // What is compared with a number keeps its value.
        operator if operator.is_comparison() && left == Unit::Number => right,
        operator if operator.is_comparison() => left,
        Operator::And | Operator::Unless => left,
        Operator::Or | Operator::Add | Operator::Sub | Operator::Mod => same(left, right),
        Operator::Div if left == right && left != Unit::Unknown => Unit::Of(String::new()),
        Operator::Mul | Operator::Div | Operator::Pow if left == Unit::Number && right == Unit::Number => {
            Unit::Number
        }
        // Of numbers without a unit nothing is lost.
        Operator::Mul | Operator::Div if is_plain(&left) && is_plain(&right) => Unit::Of(String::new()),
        _ => Unit::Unknown,
    }
}

/// The unit of two quantities that go together only if they have the same.
fn same(left: Unit, right: Unit) -> Unit {
    match (left, right) {
        (Unit::Number, other) | (other, Unit::Number) => other,
        (left, right) if left == right => left,
        _ => Unit::Unknown,
    }
}

fn is_plain(unit: &Unit) -> bool {
    match unit {
        Unit::Number => true,
        Unit::Of(unit) => unit.is_empty(),
        Unit::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use custos_promql::parse;

    use super::*;

    /// The unit of an expression over series whose names are their units, but for `none` and `mixed`.
    fn unit(query: &str) -> Option<String> {
        let mut of_selector = |selector: &Selector| match selector.name.as_deref()? {
            "none" => Some(String::new()),
            "mixed" => None,
            name => Some(name.to_owned()),
        };
        unit_of(&parse(query).unwrap(), &mut of_selector)
    }

    #[test]
    fn what_keeps_the_unit() {
        for query in [
            "B",
            "(-B)",
            "sum by (x) (B)",
            "quantile(0.9, B)",
            "topk(3, B offset 1h)",
            "max_over_time(B[1h])",
            "quantile_over_time(0.5, B[1h])",
            "max_over_time(deriv(none[5m])[1h:]) or B",
            "avg_over_time(sum(B)[1h:5m])",
            "predict_linear(B[1h], 3600)",
            "round(B, 10)",
            "clamp_max(B, 5)",
            "label_replace(B, \"a\", \"b\", \"c\", \"d\")",
            "B + B",
            "B - 5",
            "1e6 + B",
            "B > 5",
            "5 < B",
            "B > mixed",
            "B and s",
            "B unless mixed",
            "increase(B[1h])",
        ] {
            let expected = if query.starts_with("max_over_time(deriv") { None } else { Some("B".to_owned()) };
            assert_eq!(unit(query), expected, "{query}");
        }
    }

    #[test]
    fn what_has_another_or_none() {
        for (query, expected) in [
            ("rate(B[5m])", "B/s"),
            ("sum(irate(B[5m]))", "B/s"),
            ("rate(c[5m])", "/s"),
            ("increase(c[5m])", ""),
            ("c", "c"),
            ("deriv(s[5m])", "s/s"),
            ("B / B", ""),
            ("1 - B / B", ""),
            ("none * 100", ""),
            ("none / none", ""),
            ("count(B)", ""),
            ("count_over_time(B[5m])", ""),
            ("B > bool 5", ""),
            ("absent(B)", ""),
            ("vector(5)", ""),
            ("1 + 2 * 3", ""),
        ] {
            assert_eq!(unit(query).as_deref(), Some(expected), "{query}");
        }
    }

    #[test]
    fn what_is_not_known() {
        for query in [
            "mixed",
            "B * 8",
            "B / 1024",
            "B / s",
            "B * B",
            "B ^ 2",
            "B + s",
            "B or s",
            "stdvar(B)",
            "sqrt(B)",
            "stdvar_over_time(B[5m])",
            "time() - s",
            "B atan2 B",
            "sum(mixed)",
            "rate(mixed[5m])",
        ] {
            assert_eq!(unit(query), None, "{query}");
        }
    }
}
