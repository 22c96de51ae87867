//! What the alerts of a rule were when the agent ended, by what the store has.
//!
//! The rule's own runs say when it was judged, and when it last had no alert. From there on it is judged again at the same times,
//! over the same samples; and at the times of samples that were stored when the agent ended before it could store what the
//! rule came to.

use custos_promql::{Options, Source};
use custos_query::StoreSource;
use custos_store::{Run, Snapshot};

use super::group::{Group, Rule, Surroundings};
use super::older::Older;
use super::selectors::selectors;
use crate::limits::{RESTORE_LOST_MS, RESTORE_RUNS_MAX};
use crate::rules::{FIRING, Judge, JudgedAt, PENDING, RuleKind, When};

/// The store as it was when the agent started.
pub(super) struct Restore {
    older: Older,
    snapshot: Option<Snapshot>,
    /// The time of the latest run that was stored (ms since the epoch).
    stored_until_ms: i64,
}

impl Restore {
    pub(super) fn new(older: Older) -> Restore {
        Restore { older, snapshot: None, stored_until_ms: i64::MIN }
    }

    /// Looks what is stored now.
    pub(super) fn look(&mut self) {
        self.snapshot = self.older.look();
        let checks = self.snapshot.as_ref().map(Snapshot::checks).unwrap_or_default();
        self.stored_until_ms = checks.iter().map(|check| check.last_ms).max().unwrap_or(i64::MIN);
    }

    /// Gives the rules of a group the alerts that they had. Nothing of `before_ms` and later counts, which is judged next.
    pub(super) fn group(&self, group: &mut Group, before_ms: i64, surroundings: &Surroundings<'_>) {
        let Some(snapshot) = &self.snapshot else { return };
        let judged: Vec<Judged> = group.rules.iter().map(|rule| judged(snapshot, rule)).collect();
        let mut times: Vec<i64> = judged.iter().flat_map(|judged| judged.times.iter().copied()).collect();
        let source = StoreSource::new(snapshot);
        if let Some(last_ms) = judged.iter().filter_map(|judged| judged.last_ms).max() {
            let until_ms = self.stored_until_ms.min(last_ms.saturating_add(RESTORE_LOST_MS));
            times.extend(lost_times(group, &source, last_ms, until_ms));
        }
        times.sort_unstable();
        times.dedup();
        let offset_ms = group.definition.query_offset_ms;
        let options =
            Options { subquery_step_ms: surroundings.settings.subquery_step_ms, ..Options::default() };
        for query_ms in times.into_iter().filter(|time| time.saturating_add(offset_ms) < before_ms) {
            let at = JudgedAt { at_ms: query_ms.saturating_add(offset_ms), query_ms };
            let context = surroundings.context(at);
            for (rule, judged) in group.rules.iter_mut().zip(&judged) {
                if judged.since_ms.is_some_and(|since_ms| query_ms >= since_ms) {
                    // What failed then changed nothing, as what fails now does.
                    let _ = rule.running.step(&source, at, &options, &context);
                }
            }
        }
    }
}

/// When a rule was judged.
#[derive(Default)]
struct Judged {
    /// After it last had no alert, ascending (ms since the epoch).
    times: Vec<i64>,
    /// The first of these; none if it has nothing to go on with.
    since_ms: Option<i64>,
    /// For the last time.
    last_ms: Option<i64>,
}

/// When a rule was judged, by the runs of its check.
fn judged(snapshot: &Snapshot, rule: &Rule) -> Judged {
    let definition = rule.running.rule();
    if matches!(definition.kind, RuleKind::Record(_)) {
        // It has no state.
        return Judged::default();
    }
    let mut judged = Judged::default();
    let arrived = snapshot.arrived_rev(&definition.check).filter_map(Result::ok);
    for run in arrived.map(|arrived| arrived.run).take(RESTORE_RUNS_MAX) {
        judged.last_ms = judged.last_ms.max(Some(run.time_ms));
        match has_alerts(&run) {
            Some(false) => {
                // The time itself is not judged again.
                judged.since_ms = judged.since_ms.or(Some(run.time_ms.saturating_add(1)));
                break;
            }
            Some(true) => {
                judged.times.push(run.time_ms);
                judged.since_ms = Some(run.time_ms);
            }
            // It was not judged.
            None => {}
        }
    }
    judged
}

/// Whether the rule had an alert after a run; none if it was not judged.
fn has_alerts(run: &Run) -> Option<bool> {
    let count = |name: &str| {
        let metric = run.metrics.iter().find(|metric| metric.label == name && metric.labels.is_empty());
        metric.and_then(|metric| metric.value).map(custos_store::Value::to_f64)
    };
    Some(count(FIRING)? + count(PENDING)? > 0.0)
}

/// The times after the last judgement at which the group was to be judged and that are stored.
fn lost_times(group: &Group, source: &dyn Source, last_ms: i64, until_ms: i64) -> Vec<i64> {
    if let When::Grid { interval_ms, phase_ms } = group.definition.when {
        let next = (last_ms.saturating_sub(phase_ms).div_euclid(interval_ms) + 1) * interval_ms + phase_ms;
        let offset_ms = group.definition.query_offset_ms;
        let steps = (next..=until_ms).step_by(usize::try_from(interval_ms).unwrap_or(usize::MAX));
        return steps.map(|at_ms| at_ms.saturating_sub(offset_ms)).filter(|time| *time > last_ms).collect();
    }
    let mut times = Vec::new();
    for rule in &group.rules {
        let Judge::Query { expr, .. } = &rule.running.rule().judge;
        for selector in selectors(expr) {
            let found = source.select(&selector.matchers, last_ms, until_ms).unwrap_or_default();
            for series in &found {
                let read = source.read(&[series], last_ms, until_ms).unwrap_or_default();
                for samples in read {
                    times.extend_from_slice(&samples.times);
                }
            }
        }
    }
    times.retain(|time| *time > last_ms);
    times
}
