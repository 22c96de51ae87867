//! The order in which groups of rules are judged at the same time: those first that others select.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use custos_query::BuiltIn;

use crate::rules::{RuleGroup, Selectable, Selection};

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
    let selected: Vec<Vec<usize>> = selections
        .iter()
        .enumerate()
        .map(|(index, selection)| {
            let others = (0..groups.len()).filter(|other| *other != index);
            others.filter(|other| selects(selection, &groups[*other])).collect()
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
