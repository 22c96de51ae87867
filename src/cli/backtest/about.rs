//! Which check an incident may be of to be met by alerts of what is backtested.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use custos_query::BuiltIn;

use super::plan::Subject;
use crate::backtest::AlertInterval;
use crate::rules::{ALERT_NAME, RuleCheck, RuleGroup, Selectable, Selection};

/// The label with the check that an alert is of.
const CHECK: &str = "check";

/// The checks that are backtested, and what those of rules are about.
pub(super) struct About<'s> {
    /// What each rule selects, by its check; nothing of a check that is none.
    rules: BTreeMap<&'s str, (&'s str, Selection)>,
    checks: BTreeSet<&'s str>,
}

impl<'s> About<'s> {
    pub(super) fn of(subject: &'s Subject) -> About<'s> {
        let mut about = About { rules: BTreeMap::new(), checks: BTreeSet::new() };
        match subject {
            Subject::Check(check, _) => {
                about.checks.insert(&check.name);
            }
            Subject::Limited(_, _, group) => group.rules.iter().for_each(|rule| about.add(rule, group, &[])),
            Subject::Rules(groups, wanted) => {
                let rules = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (rule, group)));
                let wanted = rules.filter(|(rule, _)| rule.alerts() && wanted.contains(&*rule.check));
                let all: Vec<_> = groups.iter().flat_map(|group| &group.rules).collect();
                wanted.for_each(|(rule, group)| about.add(rule, group, &all));
            }
        }
        about
    }

    /// Adds a rule, which reads what it selects itself, and what the rules select that it selects.
    fn add(&mut self, rule: &'s Arc<RuleCheck>, group: &RuleGroup, all: &[&'s Arc<RuleCheck>]) {
        let mut rules = vec![Arc::clone(rule)];
        let selection = loop {
            let selection = Selection::of(&RuleGroup { rules: rules.clone(), ..group.clone() });
            let is_new = |other: &&&Arc<RuleCheck>| {
                let check = Selectable { check: &other.check, built_in: &[], rule: Some(other) };
                rules.iter().all(|known| known.check != other.check) && selection.may_select(&check)
            };
            let new: Vec<Arc<RuleCheck>> = all.iter().filter(is_new).map(|other| Arc::clone(other)).collect();
            if new.is_empty() {
                break selection;
            }
            rules.extend(new);
        };
        self.checks.insert(&rule.check);
        self.rules.insert(&rule.check, (rule.name(), selection));
    }

    /// Whether an incident of a check concerns what is backtested: it is that, or what a rule of it reads.
    pub(super) fn concerns(&self, check: &str) -> bool {
        self.checks.contains(check)
            || self.rules.values().any(|(name, selection)| *name == check || selects(selection, check))
    }

    /// Whether an alert is about a check: it is that of the check or of the rule that is called so, or its label says so. One without
    /// such a label is about all that its rule reads.
    pub(super) fn is_about(&self, alert: &AlertInterval, check: &str) -> bool {
        let label = alert.labels.get(CHECK);
        let is_unsaid = label.is_empty() || label == alert.check;
        alert.check == check
            || alert.labels.get(ALERT_NAME) == check
            || label == check
            || is_unsaid
                && self.rules.get(&*alert.check).is_some_and(|(_, selection)| selects(selection, check))
    }
}

/// Whether a rule may select series of a check.
fn selects(selection: &Selection, check: &str) -> bool {
    selection.may_select(&Selectable { check, built_in: &BuiltIn::ALL.map(BuiltIn::name), rule: None })
}
