//! The order in which groups of rules are judged at the same time: those first that others select.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use custos_query::BuiltIn;

use crate::rules::{ALERTS, ALERTS_FOR_STATE, RuleGroup, Selectable, Selection};

/// A group in its place.
pub(super) struct Ranked {
    /// Its index among the groups of the configuration.
    pub(super) index: usize,
    /// What it selects.
    pub(super) selection: Selection,
    /// The places of the groups before it whose rules it may select.
    pub(super) after: Vec<usize>,
}

/// The groups in an order in which each stands behind those that it selects. Of groups that select one another in a circle
/// the one comes first that the configuration has first: it sees what the others come to when it is judged next.
pub(super) fn ranks(groups: &[Arc<RuleGroup>]) -> Vec<Ranked> {
    let selections: Vec<Selection> = groups.iter().map(|group| Selection::of(group)).collect();
    let built_in = BuiltIn::ALL.map(BuiltIn::name);
    let selects = |selection: &Selection, other: &RuleGroup| {
        other.rules.iter().any(|rule| {
            selection.may_select(&Selectable { check: &rule.check, built_in: &built_in, rule: Some(rule) })
        })
    };
    let named = by_names(groups);
    // What every rule has, such as `check_state`, and what every alert has.
    let is_of_many = |name: &str| built_in.contains(&name) || [ALERTS, ALERTS_FOR_STATE].contains(&name);
    let selected: Vec<Vec<usize>> = selections
        .iter()
        .enumerate()
        .map(|(index, selection)| {
            // Of thousands of groups a selector that says a name can select few.
            let others: BTreeSet<usize> = match selection.names() {
                Some(names) if !names.iter().any(|name| is_of_many(name)) => {
                    names.iter().filter_map(|name| named.get(name)).flatten().copied().collect()
                }
                _ => (0..groups.len()).collect(),
            };
            others
                .into_iter()
                .filter(|other| *other != index && selects(selection, &groups[*other]))
                .collect()
        })
        .collect();
    let mut selecting: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for (index, others) in selected.iter().enumerate() {
        others.iter().for_each(|other| selecting[*other].push(index));
    }
    let mut missing: Vec<usize> = selected.iter().map(Vec::len).collect();
    let mut left: BTreeSet<usize> = (0..groups.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|index| missing[*index] == 0).collect();
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut selections: Vec<Option<Selection>> = selections.into_iter().map(Some).collect();
    let mut ranked = Vec::with_capacity(groups.len());
    while let Some(index) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&index);
        let after = selected[index].iter().filter_map(|other| places.get(other).copied()).collect();
        places.insert(index, ranked.len());
        ranked.push(Ranked { index, selection: selections[index].take().unwrap_or_default(), after });
        for other in &selecting[index] {
            missing[*other] -= 1;
            if missing[*other] == 0 && left.contains(other) {
                ready.insert(*other);
            }
        }
    }
    ranked
}

/// The groups that have rules of a name, by the names of their checks and of what they record or call their alerts.
fn by_names(groups: &[Arc<RuleGroup>]) -> HashMap<&str, Vec<usize>> {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        for name in group.rules.iter().flat_map(|rule| [&*rule.check, rule.name()]) {
            named.entry(name).or_default().push(index);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use custos_promql::parse;
    use custos_store::State;

    use super::*;
    use crate::rules::{AlertRule, AlertState, Judge, RecordRule, RuleCheck, RuleKind, When};

    fn group(check: &str, query: &str) -> Arc<RuleGroup> {
        let kind = match check.contains(':') {
            true => RuleKind::Record(RecordRule { name: check.to_owned() }),
            false => RuleKind::Alert(AlertRule {
                name: check.to_owned(),
                for_ms: 0,
                keep_firing_ms: 0,
                annotations: Vec::new(),
            }),
        };
        let rule = RuleCheck {
            check: format!("c-{check}").into(),
            judge: Judge::Query { query: query.to_owned(), expr: parse(query).unwrap() },
            labels: Vec::new(),
            kind,
            limit: 0,
            state: AlertState::Always(State::Critical),
        };
        Arc::new(RuleGroup {
            name: check.into(),
            when: When::Grid { interval_ms: 1000, phase_ms: 0 },
            query_offset_ms: 0,
            period: None,
            rules: vec![Arc::new(rule)],
        })
    }

    #[test]
    fn those_come_first_that_others_select_by_whatever_name() {
        let groups = [
            group("Any", "{metric=\"x\"} > 1"),
            group("Of", "a:b > 1"),
            group("Fires", "ALERTS{alertname=\"Of\"}"),
            group("Stands", "check_state{check=\"c-Fires\"} > 1"),
            group("Named", "{__name__=\"c-Stands\"} > 1"),
            group("a:b", "load"),
        ];
        let ranked = ranks(&groups);
        let order: Vec<&str> = ranked.iter().map(|ranked| &*groups[ranked.index].name).collect();
        assert_eq!(order, ["a:b", "Of", "Fires", "Stands", "Named", "Any"]);
        let after: Vec<&[usize]> = ranked.iter().map(|ranked| &*ranked.after).collect();
        assert_eq!(after[..5], [&[][..], &[0], &[1], &[2], &[3]]);
    }
}
