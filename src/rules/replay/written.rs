//! Which series a rule writes, and which selectors an expression has.

use custos_promql::{Expr, Labels, METRIC_NAME, Selector};

use crate::rules::definition::RuleCheck;
use crate::rules::evaluate::{ALERT_NAME, ALERTS, ALERTS_FOR_STATE};
use crate::rules::file::RuleKind;

/// Whether a rule writes a series of these labels.
pub(super) fn writes(rule: &RuleCheck, labels: &Labels) -> bool {
    let name = labels.get(METRIC_NAME);
    match &rule.kind {
        RuleKind::Record(record) => record.name == name,
        RuleKind::Alert(alert) => {
            rule.elements_are_alerts()
                && matches!(name, ALERTS | ALERTS_FOR_STATE)
                && labels.get(ALERT_NAME) == alert.name
        }
    }
}

/// Whether a condition holds of a selector of an expression.
pub(super) fn any_selector(expr: &Expr, holds: &dyn Fn(&Selector) -> bool) -> bool {
    match expr {
        Expr::Selector(selector) => holds(selector),
        Expr::Range(range) => holds(&range.selector),
        _ => expr.children().into_iter().any(|child| any_selector(child, holds)),
    }
}
