//! Whether the types of a tree fit together.

use crate::ast::{Aggregation, Aggregator, Binary, Call, Expr, Group, Selector};
use crate::error::{Error, Result};
use crate::functions::Kind;
use crate::matcher::METRIC_NAME;
use crate::span::Span;
use crate::value_type::ValueType;

/// Checks an expression and all within it.
pub(super) fn types(expr: &Expr) -> Result<()> {
    match expr {
        Expr::Number(_) | Expr::Text(_) => Ok(()),
        Expr::Selector(selector) => matchers(selector),
        Expr::Range(range) => matchers(&range.selector),
        Expr::Subquery(subquery) => {
            types(&subquery.expr)?;
            match subquery.expr.value_type() {
                ValueType::Vector => Ok(()),
                other => Err(Error::parse(
                    subquery.span,
                    format!("subquery is only allowed on instant vector, got {} instead", other.name()),
                )),
            }
        }
        Expr::Call(call) => arguments(call),
        Expr::Aggregation(inner) => aggregation(inner),
        Expr::Binary(inner) => binary(inner),
        Expr::Unary(unary) => {
            types(&unary.expr)?;
            match unary.expr.value_type() {
                ValueType::Scalar | ValueType::Vector => Ok(()),
                other => Err(Error::parse(
                    unary.span,
                    format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {:?}",
                        other.name()
                    ),
                )),
            }
        }
        Expr::Paren(paren) => types(&paren.expr),
    }
}

/// That an expression is of a type, and right within.
fn expect(expr: &Expr, wanted: ValueType, context: &str) -> Result<()> {
    types(expr)?;
    let found = expr.value_type();
    if found == wanted {
        return Ok(());
    }
    let message = format!("expected type {} in {context}, got {}", wanted.name(), found.name());
    Err(Error::parse(expr.span(), message))
}

fn matchers(selector: &Selector) -> Result<()> {
    has_one_name(selector)?;
    if selector.selects_all() {
        let message = "vector selector must contain at least one non-empty matcher";
        return Err(Error::parse(selector.span, message));
    }
    Ok(())
}

/// That a selector with a name before its braces has none within.
pub(super) fn has_one_name(selector: &Selector) -> Result<()> {
    let Some(name) = &selector.name else { return Ok(()) };
    // The last matcher is that of the name before the braces.
    let mut others = selector.matchers.iter().rev().skip(1);
    match others.find(|matcher| matcher.name() == METRIC_NAME) {
        Some(twice) => Err(Error::parse(
            selector.span,
            format!("metric name must not be set twice: {name:?} or {:?}", twice.value()),
        )),
        None => Ok(()),
    }
}

fn aggregation(aggregation: &Aggregation) -> Result<()> {
    expect(&aggregation.expr, ValueType::Vector, "aggregation expression")?;
    let Some(param) = &aggregation.param else { return Ok(()) };
    let wanted = match aggregation.operator {
        Aggregator::CountValues => ValueType::Text,
        _ => ValueType::Scalar,
    };
    expect(param, wanted, "aggregation parameter")
}

fn arguments(call: &Call) -> Result<()> {
    let (least, most) = call.function.bounds();
    let (name, found) = (call.function.name, call.args.len());
    let refuse = |expected: String| {
        Err(Error::parse(
            call.span,
            format!("expected {expected} argument(s) in call to {name:?}, got {found}"),
        ))
    };
    match most {
        Some(most) if least == most && found != most => return refuse(format!("{most}")),
        _ if found < least => return refuse(format!("at least {least}")),
        Some(most) if found > most => return refuse(format!("at most {most}")),
        _ => {}
    }
    let last = call.function.args.len().saturating_sub(1);
    for (index, arg) in call.args.iter().enumerate() {
        let Some(wanted) = call.function.args.get(index.min(last)) else { continue };
        expect(arg, *wanted, &format!("call to function {name:?}"))?;
        if matches!(call.function.kind, Kind::Normal(_)) && !matches!(arg.unwrapped(), Expr::Selector(_)) {
            let message = format!("{name} takes a plain selector, as in {name}(load{{metric=\"load1\"}})");
            return Err(Error::parse(arg.span(), message));
        }
    }
    Ok(())
}

fn binary(binary: &Binary) -> Result<()> {
    let (operator, matching) = (binary.operator, &binary.matching);
    types(&binary.left)?;
    types(&binary.right)?;
    let (left, right) = (binary.left.value_type(), binary.right.value_type());
    let refuse = |span: Span, what: String| Err(Error::parse(span, what));
    if binary.returns_bool && !operator.is_comparison() {
        return refuse(
            binary.operator_span,
            "bool modifier can only be used on comparison operators".to_owned(),
        );
    }
    let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
    if operator.is_comparison() && !binary.returns_bool && scalars {
        return refuse(binary.operator_span, "comparisons between scalars must use BOOL modifier".to_owned());
    }
    if let Some(label) = matching.include.iter().find(|label| matching.on && matching.labels.contains(label))
    {
        let message = format!("label {label:?} must not occur in ON and GROUP clause at once");
        return refuse(binary.operator_span, message);
    }
    for (expr, found) in [(&binary.left, left), (&binary.right, right)] {
        if !matches!(found, ValueType::Scalar | ValueType::Vector) {
            let message = "binary expression must contain only scalar and instant vector types";
            return refuse(expr.span(), message.to_owned());
        }
    }
    let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
    if left != ValueType::Vector || right != ValueType::Vector {
        if !matching.labels.is_empty() {
            return refuse(binary.span, "vector matching only allowed between instant vectors".to_owned());
        }
        if fills {
            let message = "filling in missing series only allowed between instant vectors";
            return refuse(binary.span, message.to_owned());
        }
        if operator.is_set() {
            let message =
                format!("set operator {:?} not allowed in binary scalar expression", operator.text());
            return refuse(binary.span, message);
        }
    } else if operator.is_set() {
        if matching.group != Group::OneToOne {
            return refuse(binary.span, format!("no grouping allowed for {:?} operation", operator.text()));
        }
        if fills {
            let message = "filling in missing series not allowed for set operators";
            return refuse(binary.span, message.to_owned());
        }
    }
    Ok(())
}
