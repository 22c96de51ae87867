//! Which series of a store fulfil conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME, MatchOperator, Matcher, SourceSeries, reaches_own_names};

use super::index::{CHECK, CheckIndex, Entry};
use super::view::View;
use crate::built_in::BuiltIn;

/// How long a value counts (ms), if nothing else is said.
const LOOKBACK_MS: i64 = 300_000;

/// The series that fulfil all conditions and may have samples in these times, sorted by check.
pub(super) fn select(view: &View<'_>, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<SourceSeries> {
    let mut found = Vec::new();
    for check in candidates(view, matchers) {
        add(view, &check, (from_ms, to_ms), matchers, &mut found);
    }
    found
}

/// The checks that may have such series, by name: one by its name, if a condition names it, and those that have series of that
/// name, else all.
pub(super) fn candidates(view: &View<'_>, matchers: &[Matcher]) -> Vec<Arc<CheckIndex>> {
    let snapshot = view.snapshot();
    if let Some(name) = named(matchers) {
        let mut names = of_own_name(view.index().own_names(snapshot), matchers);
        names.insert(name);
        let check = |name| {
            view.index().check(snapshot, name).unwrap_or_else(|error| {
                view.damage(&error);
                None
            })
        };
        return names.into_iter().filter_map(check).collect();
    }
    let all = view.index().all(snapshot);
    all.damages.iter().for_each(|damage| view.damage(&damage.clone().into()));
    all.checks.clone()
}

/// The checks that have series of a name of their own which may fulfil conditions.
fn of_own_name<'a>(all: &'a BTreeMap<String, Vec<String>>, matchers: &[Matcher]) -> BTreeSet<&'a str> {
    if !reaches_own_names(matchers) {
        return BTreeSet::new();
    }
    let is_named = |name: &str| {
        matchers.iter().filter(|matcher| matcher.name() == METRIC_NAME).all(|matcher| matcher.matches(name))
    };
    let fitting = all.iter().filter(|(name, _)| is_named(name));
    fitting.flat_map(|(_, checks)| checks).map(String::as_str).collect()
}

/// The name that a check must have to be selected, if conditions say so.
fn named(matchers: &[Matcher]) -> Option<&str> {
    let equal = |label: &str| {
        let of_label =
            move |matcher: &&Matcher| matcher.name() == label && matcher.operator() == MatchOperator::Equal;
        matchers.iter().find(of_label).map(Matcher::value)
    };
    // A built-in series may be of any check.
    let metric = equal(METRIC_NAME).filter(|name| BuiltIn::named(name).is_none());
    equal(CHECK).filter(|check| !check.is_empty()).or(metric)
}

/// The labels of these series.
pub(super) fn labels(view: &View<'_>, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<Labels> {
    let mut found = Vec::new();
    for check in candidates(view, matchers) {
        let wanted = wanted(view, &check, (from_ms, to_ms), matchers);
        found.extend(wanted.map(|(_, entry)| entry.labels.clone()));
    }
    found
}

/// What is known of a selection beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Series of which it is looked whether they fulfil the conditions.
    pub looked_through: usize,
    /// About how many samples are read of those that do for a value at one time; of each at least `SAMPLES_MIN`.
    pub samples: u64,
}

/// What reading the first sample of a series costs, in samples.
const SAMPLES_MIN: u64 = 100;

/// What conditions select, if that is known and not too much.
pub(super) fn known(view: &View<'_>, matchers: &[Matcher], series_max: usize) -> Option<Known> {
    let checks = match named(matchers) {
        Some(name) => {
            let mut names = of_own_name(view.index().known_own_names()?, matchers);
            names.insert(name);
            names.into_iter().map(|name| view.index().known(name)).collect::<Option<_>>()?
        }
        None => view.index().known_all()?.to_vec(),
    };
    let mut known = Known::default();
    for check in &checks {
        known.looked_through += check.series.len();
        if known.looked_through > series_max {
            return None;
        }
        let selected = check.series.iter().filter(|entry| entry.fulfils(matchers)).count() as u64;
        let each = (LOOKBACK_MS / check.distance_ms().max(1)) as u64;
        let each = each.min(check.check.runs).max(SAMPLES_MIN);
        known.samples = known.samples.saturating_add(selected.saturating_mul(each));
    }
    Some(known)
}

/// Those of a check, with their indices.
fn wanted<'a>(
    view: &View<'_>,
    of: &'a CheckIndex,
    (from_ms, to_ms): (i64, i64),
    matchers: &'a [Matcher],
) -> impl Iterator<Item = (usize, &'a Entry)> + use<'a> {
    let lookback_ms = of.lookback_ms(view.snapshot());
    let earliest_ms = from_ms.saturating_sub(lookback_ms.unwrap_or(0));
    let is_wanted = move |entry: &Entry| {
        entry.last_ms >= earliest_ms && entry.first_ms <= to_ms && entry.fulfils(matchers)
    };
    of.series.iter().enumerate().filter(move |(_, entry)| is_wanted(entry))
}

/// Adds those of a check.
fn add(
    view: &View<'_>,
    of: &Arc<CheckIndex>,
    times: (i64, i64),
    matchers: &[Matcher],
    found: &mut Vec<SourceSeries>,
) {
    let mut wanted = wanted(view, of, times, matchers).peekable();
    if wanted.peek().is_none() {
        return;
    }
    let list = view.remember(of);
    let lookback_ms = of.lookback_ms(view.snapshot());
    let distance_ms = of.distance_ms();
    found.extend(wanted.map(|(index, entry)| SourceSeries {
        labels: entry.labels.clone(),
        id: list.id(index),
        group: list.id(if index < of.metrics { 0 } else { 1 }),
        lookback_ms,
        distance_ms,
        samples_max: of.check.runs,
        is_counter: entry.is_counter,
    }));
}
