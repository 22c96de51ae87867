//! Which checks may have series that rules select: by what their selectors say of names and of the label `check`.
//!
//! Conservative: a check that is not named here has no such series; one that is may have none either.

use std::collections::BTreeSet;

use custos_promql::{Expr, METRIC_NAME, MatchOperator, Matcher, reaches_own_names};

use super::definition::{RuleCheck, RuleGroup};
use super::evaluate::{ALERT_NAME, ALERTS, ALERTS_FOR_STATE};

/// The label with the name of a check.
const CHECK: &str = "check";

/// What rules select.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The conditions of each selector.
    selectors: Vec<Vec<Matcher>>,
}

/// A check as a selection sees it.
#[derive(Clone, Copy, Debug)]
pub struct Selectable<'c> {
    /// Its name.
    pub check: &'c str,
    /// The names of series that every check has, such as `check_state`.
    pub built_in: &'c [&'c str],
    /// The rule that it is, if it is one.
    pub rule: Option<&'c RuleCheck>,
}

impl Selection {
    /// What the rules of a group select.
    pub fn of(group: &RuleGroup) -> Selection {
        let mut selectors = Vec::new();
        for rule in &group.rules {
            rule.judge.expressions().into_iter().for_each(|expr| collect(expr, &mut selectors));
        }
        Selection { selectors }
    }

    /// The names of all series that are selected; none if a selector says no name.
    pub fn names(&self) -> Option<BTreeSet<&str>> {
        let is_name = |matcher: &&Matcher| {
            matcher.name() == METRIC_NAME
                && matcher.operator() == MatchOperator::Equal
                && !matcher.value().is_empty()
        };
        self.selectors.iter().map(|matchers| matchers.iter().find(is_name).map(Matcher::value)).collect()
    }

    /// Whether a check may have a series that is selected.
    pub fn may_select(&self, of: &Selectable<'_>) -> bool {
        self.selectors.iter().any(|matchers| may_match(matchers, of))
    }
}

/// Whether a check may have a series that fulfils all conditions.
fn may_match(matchers: &[Matcher], of: &Selectable<'_>) -> bool {
    let fulfils = |name: &str, value: &str| {
        matchers.iter().filter(|matcher| matcher.name() == name).all(|matcher| matcher.matches(value))
    };
    let is_named = |name: &str| fulfils(METRIC_NAME, name);
    let of_plugin =
        || fulfils(CHECK, of.check) && (is_named(of.check) || of.built_in.iter().any(|name| is_named(name)));
    // The series that a rule writes have whatever labels its elements have.
    let of_rule = |rule: &RuleCheck| match rule.alerts() {
        true => {
            rule.elements_are_alerts()
                && fulfils(ALERT_NAME, rule.name())
                && (is_named(ALERTS) || is_named(ALERTS_FOR_STATE))
        }
        false => is_named(rule.name()),
    };
    of_plugin() || reaches_own_names(matchers) && of.rule.is_some_and(of_rule)
}

/// The conditions of all selectors of an expression.
fn collect(expr: &Expr, selectors: &mut Vec<Vec<Matcher>>) {
    match expr {
        Expr::Number(_) | Expr::Text(_) => {}
        Expr::Selector(selector) => selectors.push(selector.matchers.clone()),
        Expr::Range(range) => selectors.push(range.selector.matchers.clone()),
        Expr::Subquery(subquery) => collect(&subquery.expr, selectors),
        Expr::Call(call) => call.args.iter().for_each(|arg| collect(arg, selectors)),
        Expr::Aggregation(aggregation) => {
            collect(&aggregation.expr, selectors);
            aggregation.param.iter().for_each(|param| collect(param, selectors));
        }
        Expr::Binary(binary) => {
            collect(&binary.left, selectors);
            collect(&binary.right, selectors);
        }
        Expr::Unary(unary) => collect(&unary.expr, selectors),
        Expr::Paren(paren) => collect(&paren.expr, selectors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(query: &str, check: &str) -> bool {
        let mut selection = Selection::default();
        collect(&custos_promql::parse(query).unwrap(), &mut selection.selectors);
        selection.may_select(&Selectable { check, built_in: &["check_state"], rule: None })
    }

    #[test]
    fn a_check_is_selected_by_its_name_or_its_label() {
        assert!(may("disk > 5", "disk") && !may("disk > 5", "load"));
        assert!(may("avg_over_time(disk[5m]) > on() vector(1)", "disk"));
        assert!(may("sum(rate(load[5m:1m])) + -(x)", "load") && !may("sum(rate(load[5m:1m]))", "x"));
        assert!(may("check_state{check=\"disk\"}", "disk") && !may("check_state{check=\"disk\"}", "load"));
        assert!(may("check_state", "load"));
        assert!(may("{__name__=~\"d.*\"}", "disk") && !may("{__name__=~\"d.*\"}", "load"));
        assert!(may("{metric=\"/\"}", "anything"));
        assert!(!may("time() > bool 5", "disk"));
        let mut selection = Selection::default();
        collect(&custos_promql::parse("a - b{x=\"1\"} + a").unwrap(), &mut selection.selectors);
        assert_eq!(selection.names(), Some(BTreeSet::from(["a", "b"])));
        collect(&custos_promql::parse("{x=\"1\"}").unwrap(), &mut selection.selectors);
        assert_eq!(selection.names(), None);
        assert!(may("topk(scalar(n), disk)", "n") && may("topk(scalar(n), disk)", "disk"));
    }
}
