//! The rules of a file as what judges.

use std::path::Path;
use std::sync::Arc;

use super::definition::{AlertState, Judge, RuleCheck, RuleGroup, When};
use super::file::{Group, Rule};

impl RuleGroup {
    /// A group of the rule file that was found by this path. `checks` are the names of its rules' checks, in their order.
    pub fn of_file<N: Into<Arc<str>>>(
        path: &Path,
        group: &Group,
        checks: impl IntoIterator<Item = N>,
        state: &AlertState,
    ) -> RuleGroup {
        let name = format!("{}{}", RuleGroup::names_of(path), group.name);
        let named = group.rules.iter().zip(checks);
        let rules = named.map(|(rule, check)| {
            Arc::new(RuleCheck::of_file(rule, check.into(), group.limit, state.clone()))
        });
        RuleGroup {
            when: When::grid(&name, group.every_ms()),
            name: name.into(),
            query_offset_ms: group.query_offset_ms.unwrap_or(0),
            period: None,
            rules: rules.collect(),
        }
    }

    /// What the names of all groups of a rule file begin with, and those of no other.
    pub fn names_of(path: &Path) -> String {
        format!("{};", path.display())
    }
}

impl RuleCheck {
    /// A rule of a file.
    pub fn of_file(rule: &Rule, check: Arc<str>, limit: usize, state: AlertState) -> RuleCheck {
        RuleCheck {
            check,
            judge: Judge::Query { query: rule.query.clone(), expr: rule.expr.clone() },
            labels: rule.labels.clone(),
            kind: rule.kind.clone(),
            limit,
            state,
        }
    }
}
