//! Which rules of a group compare the same vector with numbers, so that it is evaluated once for all of them.

use std::collections::BTreeMap;

use custos_promql::Compared;

use crate::rules::definition::{Judge, RuleCheck, RuleGroup};

/// What a rule compares with a number, if that is what it does.
pub(super) fn compared(rule: &RuleCheck) -> Option<Compared<'_>> {
    match &rule.judge {
        Judge::Query { expr, .. } => Compared::of(expr),
        Judge::Sequence(_) => None,
    }
}

/// The rules of a group by their numbers: together those that compare the same, each other one by itself.
pub(super) fn alike(group: &RuleGroup) -> Vec<Vec<usize>> {
    let mut together: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (number, rule) in group.rules.iter().enumerate() {
        match compared(rule) {
            Some(compared) => together.entry(compared.vector.to_string()).or_default().push(number),
            None => alone.push(vec![number]),
        }
    }
    together.into_values().chain(alone).collect()
}
