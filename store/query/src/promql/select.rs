//! Which series of a store fulfil conditions.

use std::sync::Arc;

use custos_promql::{Labels, METRIC_NAME, MatchOperator, Matcher, SourceSeries};
use custos_store::{CheckInfo, CheckSeries, SeriesInfo};

use super::interval;
use super::view::{Found, View, What};
use crate::built_in::BuiltIn;

/// The label that has the name of the check.
pub(crate) const CHECK: &str = "check";
/// The label that has the name of the metric within its check.
const METRIC: &str = "metric";
/// Unit of a counter.
pub(crate) const COUNTER: &str = "c";
/// Checks whose runs are further apart than this (ms) are looked at more closely: five minutes of look-back might be too few.
const SPARSE_MS: i64 = 120_000;

/// The series that fulfil all conditions and may have samples in these times, sorted by check.
pub(super) fn select(view: &View<'_>, matchers: &[Matcher], from_ms: i64, to_ms: i64) -> Vec<SourceSeries> {
    let mut selection = Selection { view, matchers, from_ms, to_ms, series: Vec::new(), groups: 0 };
    for CheckSeries { check, series } in candidates(view, matchers) {
        selection.add_check(&check, series);
    }
    selection.series
}

/// The checks that may have such series, with all their metrics: one by its name, if a condition names it, else all.
pub(super) fn candidates(view: &View<'_>, matchers: &[Matcher]) -> Vec<CheckSeries> {
    if let Some(name) = named(matchers) {
        return match view.snapshot().check(name) {
            Ok(check) => check.into_iter().collect(),
            Err(error) => {
                view.damage(&error);
                Vec::new()
            }
        };
    }
    let catalogue = view.snapshot().catalogue();
    catalogue.damages.into_iter().for_each(|damage| view.damage(&damage.into()));
    catalogue.checks
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

struct Selection<'a, 's> {
    view: &'a View<'s>,
    matchers: &'a [Matcher],
    from_ms: i64,
    to_ms: i64,
    series: Vec<SourceSeries>,
    groups: u64,
}

impl Selection<'_, '_> {
    fn add_check(&mut self, check: &CheckInfo, series: Vec<SeriesInfo>) {
        let name: Arc<str> = Arc::from(check.name.as_str());
        let lookback_ms = self.lookback_ms(check);
        let earliest_ms = self.from_ms.saturating_sub(lookback_ms.unwrap_or(0));
        let is_in_time = |first_ms: i64, last_ms: i64| last_ms >= earliest_ms && first_ms <= self.to_ms;
        let metrics = series.into_iter().filter(|info| is_in_time(info.first_ms, info.last_ms)).map(|info| {
            let is_counter = (info.unit == COUNTER).then_some(true);
            (metric_labels(&check.name, &info), What::Metric(info.key), is_counter)
        });
        let metrics: Vec<_> = metrics.filter(|(labels, ..)| self.matches(labels)).collect();
        let built_in =
            BuiltIn::ALL.into_iter().filter(|_| is_in_time(check.first_ms, check.last_ms)).map(|one| {
                let labels = Labels::new([(METRIC_NAME, one.name()), (CHECK, &check.name)]);
                (labels, What::BuiltIn(one), None)
            });
        let built_in: Vec<_> = built_in.filter(|(labels, ..)| self.matches(labels)).collect();
        for found in [metrics, built_in] {
            self.groups += 1;
            self.add(check, &name, found, lookback_ms);
        }
    }

    fn add(
        &mut self,
        check: &CheckInfo,
        name: &Arc<str>,
        found: Vec<(Labels, What, Option<bool>)>,
        lookback_ms: Option<i64>,
    ) {
        let distance_ms = distance_ms(check);
        for (labels, what, is_counter) in found {
            let id = self.view.remember(Found { check: Arc::clone(name), what });
            self.series.push(SourceSeries {
                labels,
                id,
                group: self.groups,
                lookback_ms,
                distance_ms,
                samples_max: check.runs,
                is_counter,
            });
        }
    }

    fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels.get(matcher.name())))
    }

    /// How long the newest value counts, if the runs of the check are so far apart that this may be longer than usual.
    fn lookback_ms(&self, check: &CheckInfo) -> Option<i64> {
        (distance_ms(check) > SPARSE_MS)
            .then(|| interval::lookback_ms(self.view.snapshot(), &check.name))
            .flatten()
    }
}

/// How far apart the runs of a check are on average (ms).
fn distance_ms(check: &CheckInfo) -> i64 {
    let span = check.last_ms.saturating_sub(check.first_ms);
    span / i64::try_from(check.runs.saturating_sub(1)).unwrap_or(i64::MAX).max(1)
}

/// The labels of a metric. Those of its own that would hide the name, the check or the metric get another name.
pub(crate) fn metric_labels(check: &str, info: &SeriesInfo) -> Labels {
    let own = info.key.labels.iter().map(|(name, value)| match name.as_str() {
        METRIC_NAME | CHECK | METRIC => (format!("exported_{name}"), value.as_str()),
        _ => (name.clone(), value.as_str()),
    });
    let mut labels = vec![(METRIC_NAME.to_owned(), check)];
    if !info.key.label.is_empty() {
        labels.extend([(CHECK.to_owned(), check), (METRIC.to_owned(), info.key.label.as_str())]);
    }
    Labels::new(labels.into_iter().chain(own))
}
