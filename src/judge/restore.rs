//! What the alerts of a rule were when the agent ended, by what the store has.
//!
//! The rule's own runs say when it was judged, and when it last had no alert. From there on it is judged again at the same times,
//! over the same samples; and at the times of samples that were stored when the agent ended before it could store what the
//! rule came to.

use std::sync::Arc;

use custos_promql::{ErrorKind, Options};
use custos_query::StoreSource;
use custos_store::{Run, Snapshot};

use super::group::Group;
use super::older::Older;
use super::settings::Settings;
use crate::clock::{self, micros};
use crate::limits::{RESTORE_GROUP_MAX, RESTORE_LOST_MS, RESTORE_RUNS_MAX};
use crate::rules::{
    FIRING, PENDING, Past, QueryFunction, Replay, Surroundings, judgement_times, text_vector,
};

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
    pub(super) fn group(&self, group: &mut Group, before_ms: i64, settings: &Settings) {
        let Some(snapshot) = &self.snapshot else { return };
        let Stored { times, quiet } = self.times(group, snapshot, before_ms);
        if times.is_empty() && quiet.is_empty() {
            return;
        }
        let until_us = clock::now().mono_us.saturating_add(micros(RESTORE_GROUP_MAX));
        let interrupt = || (clock::now().mono_us > until_us).then_some(ErrorKind::Timeout);
        let subquery_step_ms = settings.subquery_step_ms;
        let options = Options { subquery_step_ms, interrupt: &interrupt, ..Options::default() };
        let queries_at = |at_ms| queries(snapshot.clone(), at_ms, subquery_step_ms);
        let surroundings = Surroundings {
            external_labels: settings.external_labels.clone(),
            external_url: settings.external_url.clone(),
            queries_at: &queries_at,
        };
        let definition = Arc::clone(&group.definition);
        let mut replay = Replay::new(&definition);
        let source = StoreSource::new(snapshot);
        for (index, at_ms) in quiet {
            replay.settle(index, &source, at_ms, &options);
        }
        // What failed then changed nothing, as what fails now does.
        if let Err(why) = replay.over(&source, &times, &surroundings, &options, &mut |_, _, _| {}) {
            tracing::warn!("the alerts of {} are not all as they were: {why}", definition.name);
        }
        for (index, rule) in group.rules.iter_mut().enumerate() {
            if let (Some(alerts), Some(sequence)) = (replay.alerts(index), replay.sequence(index)) {
                rule.running.restore(alerts.clone(), sequence.clone());
            }
        }
    }

    /// When a group is judged again.
    fn times(&self, group: &Group, snapshot: &Snapshot, before_ms: i64) -> Stored {
        let offset_ms = group.definition.query_offset_ms;
        let runs = group.rules.iter().map(|rule| judged(snapshot, &rule.running.rule().check));
        let (mut times, mut last_ms, mut quiet) = (Vec::new(), None, Vec::new());
        for (index, judged) in runs.enumerate() {
            quiet.extend(judged.quiet_ms.map(|quiet_ms| (index, quiet_ms.saturating_add(offset_ms))));
            times.extend(judged.times.iter().map(|time| time.saturating_add(offset_ms)));
            last_ms = last_ms.max(judged.last_ms.map(|last| last.saturating_add(offset_ms)));
        }
        if let Some(last_ms) = last_ms {
            let to_ms = self.stored_until_ms.min(last_ms.saturating_add(RESTORE_LOST_MS));
            let past = Past { from_ms: last_ms.saturating_add(1), to_ms, judged_ms: Some(last_ms) };
            let lost = judgement_times(&group.definition, &StoreSource::new(snapshot), past);
            times.extend(lost.unwrap_or_default().times);
        }
        times.retain(|time| *time < before_ms);
        times.sort_unstable();
        times.dedup();
        Stored { times, quiet }
    }
}

/// Answers the queries of templates.
fn queries(snapshot: Snapshot, at_ms: i64, subquery_step_ms: i64) -> QueryFunction {
    Arc::new(move |text| {
        let options = Options { subquery_step_ms, ..Options::default() };
        text_vector(text, &StoreSource::new(&snapshot), at_ms, &options)
    })
}

/// When a rule was judged, by the runs of its check (ms since the epoch).
#[derive(Default)]
struct Judged {
    /// After it last had no alert. One that starts earlier than that, as its group does, comes to the same.
    times: Vec<i64>,
    /// For the last time.
    last_ms: Option<i64>,
    /// When it last had no alert.
    quiet_ms: Option<i64>,
}

/// What the runs of a group's rules say.
struct Stored {
    /// When they are judged again (ms since the epoch), ascending.
    times: Vec<i64>,
    /// For rules by their number, when they last had no alert (ms since the epoch).
    quiet: Vec<(usize, i64)>,
}

/// When a rule was judged, by the runs of its check.
fn judged(snapshot: &Snapshot, check: &str) -> Judged {
    let mut judged = Judged::default();
    let arrived = snapshot.arrived_rev(check).filter_map(Result::ok);
    for run in arrived.map(|arrived| arrived.run).take(RESTORE_RUNS_MAX) {
        judged.last_ms = judged.last_ms.max(Some(run.time_ms));
        match has_alerts(&run) {
            Some(false) => {
                judged.quiet_ms = Some(run.time_ms);
                break;
            }
            Some(true) => judged.times.push(run.time_ms),
            // It could not be judged, or it has no alerts at all.
            None if run.partial => {}
            None => break,
        }
    }
    judged
}

/// Whether the rule had an alert after a run; none if that run does not say.
fn has_alerts(run: &Run) -> Option<bool> {
    let count = |name: &str| {
        let metric = run.metrics.iter().find(|metric| metric.label == name && metric.labels.is_empty());
        metric.and_then(|metric| metric.value).map(custos_store::Value::to_f64)
    };
    Some(count(FIRING)? + count(PENDING)? > 0.0)
}
