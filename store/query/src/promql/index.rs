//! The series of a store as PromQL names them, made once for each view of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use custos_promql::{Labels, METRIC_NAME, Matcher, reaches_own_names};
use custos_store::{CheckInfo, CheckSeries, Damage, Result, SeriesInfo, SeriesKey, Snapshot};

use super::interval;
use crate::apart::own_check;
use crate::built_in::BuiltIn;
use crate::rate::COUNTER;

/// The label that has the name of the check.
pub(crate) const CHECK: &str = "check";
/// The label that has the name of the metric within its check.
const METRIC: &str = "metric";
/// Checks whose runs are further apart than this (ms) are looked at more closely: five minutes of look-back might be too few.
pub(super) const SPARSE_MS: i64 = 120_000;

/// The series of a store, as far as somebody asked for them.
#[derive(Default)]
pub(super) struct Index {
    /// Checks that were asked for by name.
    named: Mutex<HashMap<String, Arc<CheckIndex>>>,
    all: OnceLock<AllChecks>,
    /// The checks that have series of a name of their own, by that name.
    own_names: OnceLock<BTreeMap<String, Vec<String>>>,
}

/// All checks, by name, but for the runs of clones, which are found only by their exact name.
pub(super) struct AllChecks {
    pub(super) checks: Vec<Arc<CheckIndex>>,
    /// What could not be read.
    pub(super) damages: Vec<Damage>,
}

/// The series of a check.
pub(super) struct CheckIndex {
    pub(super) check: CheckInfo,
    /// Metrics, then built-in series.
    pub(super) series: Vec<Entry>,
    /// How many of them are metrics.
    pub(super) metrics: usize,
    lookback_ms: OnceLock<Option<i64>>,
}

/// A series.
pub(super) struct Entry {
    pub(super) labels: Labels,
    pub(super) what: What,
    pub(super) unit: String,
    /// Whether it only grows, if that is known.
    pub(super) is_counter: Option<bool>,
    /// When its first and its last run were (ms since the epoch).
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
}

impl Entry {
    /// Whether it fulfils all conditions, and they reach it.
    pub(super) fn fulfils(&self, matchers: &[Matcher]) -> bool {
        let has_own_name = matches!(&self.what, What::Metric(key) if key.own_name().is_some());
        (!has_own_name || reaches_own_names(matchers))
            && matchers.iter().all(|matcher| matcher.matches(self.labels.get(matcher.name())))
    }
}

/// Where the samples of a series are.
#[derive(Clone, Debug)]
pub(super) enum What {
    Metric(SeriesKey),
    BuiltIn(BuiltIn),
}

impl Index {
    /// The index of a view of a store.
    pub(super) fn of(snapshot: &Snapshot) -> Arc<Index> {
        snapshot.derived(Index::default)
    }

    /// The check with a name, if there is one.
    pub(super) fn check(&self, snapshot: &Snapshot, name: &str) -> Result<Option<Arc<CheckIndex>>> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = named.get(name) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(found) = snapshot.check(name)? else { return Ok(None) };
        let found = Arc::new(CheckIndex::new(found));
        named.insert(name.to_owned(), Arc::clone(&found));
        Ok(Some(found))
    }

    /// The check with a name, if it was asked for before.
    pub(super) fn known(&self, name: &str) -> Option<Arc<CheckIndex>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All checks, if they were asked for before.
    pub(super) fn known_all(&self) -> Option<&[Arc<CheckIndex>]> {
        self.all.get().map(|all| &*all.checks)
    }

    /// The checks that have series of a name of their own, by that name.
    pub(super) fn own_names(&self, snapshot: &Snapshot) -> &BTreeMap<String, Vec<String>> {
        self.own_names.get_or_init(|| {
            let owned = |name: &str| name.to_owned();
            let all = snapshot.own_names().into_iter();
            all.map(|(name, checks)| (owned(name), checks.into_iter().map(owned).collect())).collect()
        })
    }

    /// The same, if it was asked for before.
    pub(super) fn known_own_names(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        self.own_names.get()
    }

    pub(super) fn all(&self, snapshot: &Snapshot) -> &AllChecks {
        self.all.get_or_init(|| {
            let catalogue = snapshot.catalogue();
            let own = catalogue.checks.into_iter().filter(|of| own_check(&of.check.name).is_none());
            let checks = own.map(|check| Arc::new(CheckIndex::new(check)));
            AllChecks { checks: checks.collect(), damages: catalogue.damages }
        })
    }
}

impl CheckIndex {
    fn new(CheckSeries { check, series }: CheckSeries) -> CheckIndex {
        let metric = |info: SeriesInfo| Entry {
            labels: metric_labels(&check.name, &info.key),
            is_counter: (info.unit == COUNTER).then_some(true),
            first_ms: info.first_ms,
            last_ms: info.last_ms,
            unit: info.unit,
            what: What::Metric(info.key),
        };
        let built_in = |one: BuiltIn| Entry {
            labels: Labels::new([(METRIC_NAME, one.name()), (CHECK, &check.name)]),
            unit: one.unit().to_owned(),
            is_counter: None,
            first_ms: check.first_ms,
            last_ms: check.last_ms,
            what: What::BuiltIn(one),
        };
        let mut all: Vec<Entry> = series.into_iter().map(metric).collect();
        let metrics = all.len();
        all.extend(BuiltIn::ALL.into_iter().map(built_in));
        CheckIndex { series: all, metrics, lookback_ms: OnceLock::new(), check }
    }

    /// The index of a metric.
    pub(super) fn metric(&self, wanted: &SeriesKey) -> Option<usize> {
        let before = |entry: &Entry| matches!(&entry.what, What::Metric(key) if key < wanted);
        let index = self.series[..self.metrics].partition_point(before);
        let found = self.series.get(index)?;
        matches!(&found.what, What::Metric(key) if key == wanted).then_some(index)
    }

    /// The index of a built-in series.
    pub(super) fn built_in(&self, wanted: BuiltIn) -> Option<usize> {
        let place = self.series[self.metrics..]
            .iter()
            .position(|entry| matches!(entry.what, What::BuiltIn(one) if one == wanted));
        place.map(|place| self.metrics + place)
    }

    /// How long the newest value counts, if the runs of the check are so far apart that this may be longer than usual.
    pub(super) fn lookback_ms(&self, snapshot: &Snapshot) -> Option<i64> {
        let look = || {
            let is_sparse = self.distance_ms() > SPARSE_MS;
            is_sparse.then(|| interval::lookback_ms(snapshot, &self.check.name)).flatten()
        };
        *self.lookback_ms.get_or_init(look)
    }

    /// How far apart the runs of the check are on average (ms).
    pub(super) fn distance_ms(&self) -> i64 {
        let span = self.check.last_ms.saturating_sub(self.check.first_ms);
        span / i64::try_from(self.check.runs.saturating_sub(1)).unwrap_or(i64::MAX).max(1)
    }
}

/// The labels of a metric. Those of its own that would hide the name, the check or the metric get another name. A series that
/// has a name of its own has its own labels and no others.
pub(crate) fn metric_labels(check: &str, key: &SeriesKey) -> Labels {
    if key.own_name().is_some() {
        return Labels::new(key.labels.iter().map(|(name, value)| (name, value)));
    }
    let own = key.labels.iter().map(|(name, value)| match name.as_str() {
        METRIC_NAME | CHECK | METRIC => (format!("exported_{name}"), value.as_str()),
        _ => (name.clone(), value.as_str()),
    });
    let mut labels = vec![(METRIC_NAME.to_owned(), check)];
    if !key.label.is_empty() {
        labels.extend([(CHECK.to_owned(), check), (METRIC.to_owned(), key.label.as_str())]);
    }
    Labels::new(labels.into_iter().chain(own))
}
