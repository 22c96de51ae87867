//! Which rules of a group read what others of it write.

use custos_promql::{Expr, METRIC_NAME, Selector, reaches_own_names};

use crate::rules::definition::{RuleCheck, RuleGroup};
use crate::rules::evaluate::{ALERTS, ALERTS_FOR_STATE};
use crate::rules::file::RuleKind;
/// How the rules of a group depend on one another.
pub(super) struct Dependence {
    /// Whether a rule reads what itself or a later one wrote at the time before: such a group goes from time to time.
    pub(super) is_stepwise: bool,
    /// For each rule, whether any reads what it writes.
    pub(super) is_read: Vec<bool>,
}

impl Dependence {
    pub(super) fn of(group: &RuleGroup) -> Dependence {
        let mut dependence = Dependence { is_stepwise: false, is_read: vec![false; group.rules.len()] };
        for (reader, rule) in group.rules.iter().enumerate() {
            for (writer, _) in group.rules.iter().enumerate().filter(|(_, other)| reads(rule, other)) {
                dependence.is_read[writer] = true;
                dependence.is_stepwise |= writer >= reader;
            }
        }
        dependence
    }
}

/// A rule of the group that writes what this one may select, other than itself.
pub fn writer_for<'g>(reader: &RuleCheck, group: &'g RuleGroup) -> Option<&'g RuleCheck> {
    let others = group.rules.iter().filter(|other| other.check != reader.check);
    others.map(|other| &**other).find(|other| reads(reader, other))
}

/// Whether one rule may select series that another writes.
fn reads(reader: &RuleCheck, writer: &RuleCheck) -> bool {
    let names: &[&str] = match &writer.kind {
        RuleKind::Record(record) => &[&record.name],
        RuleKind::Alert(_) => &[ALERTS, ALERTS_FOR_STATE],
    };
    reader.judge.expressions().into_iter().any(|expr| selects_any(expr, names))
}

fn selects_any(expr: &Expr, names: &[&str]) -> bool {
    let selects = |selector: &Selector| {
        let of_name = || selector.matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME);
        reaches_own_names(&selector.matchers)
            && names.iter().any(|name| of_name().all(|matcher| matcher.matches(name)))
    };
    match expr {
        Expr::Selector(selector) => selects(selector),
        Expr::Range(range) => selects(&range.selector),
        _ => expr.children().into_iter().any(|child| selects_any(child, names)),
    }
}
