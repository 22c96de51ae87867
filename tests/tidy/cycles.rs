//! Files that import one another in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Import;

/// The circles among these imports: groups of modules of which each reaches every other one.
pub(crate) fn find(imports: &[Import]) -> Vec<Vec<String>> {
    let mut to: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        to.entry(&import.from).or_default().insert(&import.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        to.keys().map(|module| (*module, reachable(module, &to))).collect();
    let mut circles = BTreeSet::new();
    for (module, reached) in &reach {
        if reached.contains(module) {
            let back = |other: &&&str| reach.get(**other).is_some_and(|back| back.contains(module));
            circles.insert(reached.iter().filter(back).map(|other| (*other).to_owned()).collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

fn reachable<'m>(start: &str, to: &BTreeMap<&'m str, BTreeSet<&'m str>>) -> BTreeSet<&'m str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(module) = open.pop() {
        for next in to.get(module).into_iter().flatten() {
            if reached.insert(*next) {
                open.push(next);
            }
        }
    }
    reached
}
