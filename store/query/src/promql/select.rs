//! Which series of a store fulfil conditions.

use std::sync::Arc;

use custos_promql::{METRIC_NAME, MatchOperator, Matcher, SourceSeries};

use super::index::{CHECK, CheckIndex, Entry};
use super::view::View;
use crate::built_in::BuiltIn;

/// The series that fulfil all conditions and may have samples in these times, sorted by check.
pub(super) fn select(view: &View<'_>, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<SourceSeries> {
    let mut found = Vec::new();
    for check in candidates(view, matchers) {
        add(view, &check, (from_ms, to_ms), matchers, &mut found);
    }
    found
}

/// The checks that may have such series: one by its name, if a condition names it, else all.
pub(super) fn candidates(view: &View<'_>, matchers: &[Matcher]) -> Vec<Arc<CheckIndex>> {
    let snapshot = view.snapshot();
    if let Some(name) = named(matchers) {
        return match view.index().check(snapshot, name) {
            Ok(check) => check.into_iter().collect(),
            Err(error) => {
                view.damage(&error);
                Vec::new()
            }
        };
    }
    let all = view.index().all(snapshot);
    all.damages.iter().for_each(|damage| view.damage(&damage.clone().into()));
    all.checks.clone()
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

/// Adds those of a check.
fn add(
    view: &View<'_>,
    of: &Arc<CheckIndex>,
    (from_ms, to_ms): (i64, i64),
    matchers: &[Matcher],
    found: &mut Vec<SourceSeries>,
) {
    let lookback_ms = of.lookback_ms(view.snapshot());
    let earliest_ms = from_ms.saturating_sub(lookback_ms.unwrap_or(0));
    let is_wanted =
        |entry: &Entry| entry.last_ms >= earliest_ms && entry.first_ms <= to_ms && entry.fulfils(matchers);
    let mut wanted = of.series.iter().enumerate().filter(|(_, entry)| is_wanted(entry)).peekable();
    if wanted.peek().is_none() {
        return;
    }
    let list = view.remember(of);
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
