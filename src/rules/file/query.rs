//! The expression of a rule.

use custos_promql::{Expr, ValueType, parse};

use crate::document::diagnostic::Findings;
use crate::document::fields::written;
use crate::document::yaml::Node;

/// The text and the tree of an expression. `owner` is whose it is, for messages.
pub(crate) fn query(value: &Node, owner: &str, findings: &mut Findings) -> Option<(String, Expr)> {
    let query = written(value, "an expression", findings)?;
    let parsed = parse(query).and_then(|expr| match expr.value_type() {
        ValueType::Vector | ValueType::Scalar => Ok(expr),
        other => Err(custos_promql::Error {
            kind: custos_promql::ErrorKind::Parse,
            span: Some(expr.span()),
            message: format!("a rule needs an instant vector or a number, and this is a {}", other.name()),
        }),
    });
    match parsed {
        Ok(expr) => Some((query.to_owned(), expr)),
        Err(error) => {
            let place = match error.span.and_then(|span| query.get(..span.start as usize)) {
                Some(before) => value.place.within(query, before.chars().count()),
                None => value.place.clone(),
            };
            // Where the text spans several lines the place is that of its beginning.
            let message = if place == value.place { error.one_line(query) } else { error.message };
            findings.error(&place, format!("the expression of {owner} cannot be used: {message}"));
            None
        }
    }
}
