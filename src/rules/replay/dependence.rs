//! Which rules of a group read what others of it write.

use custos_promql::{METRIC_NAME, Selector, reaches_own_names};

use super::unseen::may_read_runs;
use super::written::any_selector;
use crate::rules::definition::{RuleCheck, RuleGroup};
use crate::rules::evaluate::{ALERTS, ALERTS_FOR_STATE};
use crate::rules::file::RuleKind;

/// How the rules of a group depend on one another.
pub(super) struct Dependence {
    /// Whether a rule reads what itself or a later one wrote at the time before, or what the runs of any say: such a group goes
    /// from time to time.
    pub(super) is_stepwise: bool,
    /// Whether a rule may read what the runs of the group say, such as `check_state`.
    pub(super) reads_runs: bool,
    /// For each rule, whether any reads what it writes.
    pub(super) is_read: Vec<bool>,
}

impl Dependence {
    pub(super) fn of(group: &RuleGroup) -> Dependence {
        let may_read = |reader: &RuleCheck| group.rules.iter().any(|rule| may_read_runs(reader, &rule.check));
        let reads_runs = group.rules.iter().any(|reader| may_read(reader));
        let is_read = vec![false; group.rules.len()];
        let mut dependence = Dependence { is_stepwise: reads_runs, reads_runs, is_read };
        for (reader, rule) in group.rules.iter().enumerate() {
            for (writer, _) in group.rules.iter().enumerate().filter(|(_, other)| reads(rule, other)) {
                dependence.is_read[writer] = true;
                dependence.is_stepwise |= writer >= reader;
            }
        }
        dependence
    }
}

/// A rule of the group that writes what this one may select, other than itself; or itself, if it may select what its own runs say.
pub fn writer_for<'g>(reader: &RuleCheck, group: &'g RuleGroup) -> Option<&'g RuleCheck> {
    let selects = |other: &RuleCheck| {
        other.check != reader.check && reads(reader, other) || may_read_runs(reader, &other.check)
    };
    group.rules.iter().map(|other| &**other).find(|other| selects(other))
}

/// Whether one rule may select series that another writes.
fn reads(reader: &RuleCheck, writer: &RuleCheck) -> bool {
    let names: &[&str] = match &writer.kind {
        RuleKind::Record(record) => &[&record.name],
        RuleKind::Alert(_) if writer.elements_are_alerts() => &[ALERTS, ALERTS_FOR_STATE],
        RuleKind::Alert(_) => &[],
    };
    let selects = |selector: &Selector| {
        let of_name = || selector.matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME);
        reaches_own_names(&selector.matchers)
            && names.iter().any(|name| of_name().all(|matcher| matcher.matches(name)))
    };
    reader.judge.expressions().into_iter().any(|expr| any_selector(expr, &selects))
}
