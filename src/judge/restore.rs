//! What the alerts of a rule were when the agent ended, by what the store has.
//!
//! The rule's own runs say when it was judged, and when it last had no alert. From there on it is judged again at the same times,
//! over the same samples; and at the times of samples that were stored when the agent ended before it could store what the
//! rule came to.

use std::sync::Arc;

use custos_promql::{ErrorKind, Options, sample_times};
use custos_query::{StoreSource, is_judged};
use custos_store::{Run, Snapshot};

use super::group::{Group, Rule};
use super::older::Older;
use super::queue::Queue;
use super::settings::Settings;
use super::stop::judgement;
use crate::limits::{RESTORE_GROUP_MAX, RESTORE_LOST_MS, RESTORE_RUNS_MAX};
use crate::rules::{
    FIRING, Judgement, PENDING, Past, QueryFunction, Replay, RuleGroup, Surroundings, When, judgement_times,
    text_vector,
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
    pub(super) fn group(&self, group: &mut Group, before_ms: i64, settings: &Settings, queue: &Arc<Queue>) {
        let Some(snapshot) = &self.snapshot else { return };
        let Stored { times, recorded, quiet } = self.times(group, snapshot, before_ms);
        if times.is_empty() && quiet.is_empty() {
            return;
        }
        let judgement = judgement(RESTORE_GROUP_MAX, queue);
        let interrupt = || judgement.stopped().map(|_| ErrorKind::Timeout);
        let subquery_step_ms = settings.subquery_step_ms;
        let options = Options { subquery_step_ms, interrupt: &interrupt, ..Options::default() };
        let queries_at = |at_ms| queries(snapshot.clone(), at_ms, subquery_step_ms, &judgement);
        let surroundings = Surroundings {
            external: settings.external.clone(),
            queries_at: &queries_at,
            judgement: judgement.clone(),
        };
        let definition = Arc::clone(&group.definition);
        let mut replay = Replay::new(&definition);
        replay.by_record(recorded.into_iter().collect());
        let source = StoreSource::for_rules(snapshot);
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
        let definition = &group.definition;
        let offset_ms = definition.query_offset_ms;
        let of_rule = |(index, rule): (usize, &Rule)| {
            Some((index, judged(snapshot, &rule.running.rule().check)?.later(offset_ms)))
        };
        let each: Vec<(usize, Judged)> = group.rules.iter().enumerate().filter_map(of_rule).collect();
        let quiet = each.iter().filter_map(|(index, judged)| Some((*index, judged.quiet_ms?))).collect();
        let Some(judged) = each.into_iter().map(|(_, judged)| judged).reduce(Judged::and) else {
            return Stored { times: Vec::new(), recorded: None, quiet };
        };
        // What was judged when the agent ended is not stored; so it may have been before, too.
        let to_ms = self.stored_until_ms.min(judged.last_ms.saturating_add(RESTORE_LOST_MS));
        let recorded = Some((judged.from_ms, judged.last_ms));
        let mut times = planned(definition, &StoreSource::for_rules(snapshot), (judged.from_ms, to_ms));
        times.extend(judged.times);
        times.retain(|time| *time < before_ms);
        times.sort_unstable();
        times.dedup();
        Stored { times, recorded, quiet }
    }
}

/// When a group was to be judged in these times (both included), by what is stored.
fn planned(group: &RuleGroup, source: &StoreSource<'_>, (from_ms, to_ms): (i64, i64)) -> Vec<i64> {
    if matches!(group.when, When::Grid { .. }) {
        let past = Past { from_ms, to_ms, judged_ms: None };
        return judgement_times(group, source, past).unwrap_or_default();
    }
    // That a series ends is known only to whoever sees it begin.
    let seen_ms = from_ms.saturating_sub(RESTORE_LOST_MS);
    let expressions = group.rules.iter().flat_map(|rule| rule.judge.expressions());
    let found = expressions.map(|expr| sample_times(expr, source, seen_ms, to_ms).unwrap_or_default());
    found.flatten().filter(|time| *time >= from_ms && group.is_open(*time)).collect()
}

/// Answers the queries of templates.
fn queries(snapshot: Snapshot, at_ms: i64, subquery_step_ms: i64, judgement: &Judgement) -> QueryFunction {
    let judgement = judgement.clone();
    Arc::new(move |text| {
        let interrupt = || judgement.stopped().map(|_| ErrorKind::Timeout);
        let options = Options { subquery_step_ms, interrupt: &interrupt, ..Options::default() };
        text_vector(text, &StoreSource::for_rules(&snapshot), at_ms, &options)
    })
}

/// When a rule was judged, by the runs of its check (ms since the epoch).
struct Judged {
    /// From when on it is judged again: after it last had no alert. One that starts earlier, as its group does, comes to the same.
    from_ms: i64,
    /// When it was judged since.
    times: Vec<i64>,
    /// When it was judged for the last time.
    last_ms: i64,
    /// When it last had no alert.
    quiet_ms: Option<i64>,
}

/// What the runs of a group's rules say.
struct Stored {
    /// When they are judged again (ms since the epoch), ascending.
    times: Vec<i64>,
    /// The stretch of which the runs say when they were judged (ms since the epoch, both ends included).
    recorded: Option<(i64, i64)>,
    /// For rules by their number, when they last had no alert (ms since the epoch).
    quiet: Vec<(usize, i64)>,
}

impl Judged {
    /// The same of two rules.
    fn and(mut self, other: Judged) -> Judged {
        self.times.extend(other.times);
        let (from_ms, last_ms) = (self.from_ms.min(other.from_ms), self.last_ms.max(other.last_ms));
        Judged { from_ms, last_ms, quiet_ms: None, ..self }
    }

    /// The same so much later.
    fn later(mut self, by_ms: i64) -> Judged {
        self.times.iter_mut().for_each(|time| *time = time.saturating_add(by_ms));
        let (from_ms, last_ms) = (self.from_ms.saturating_add(by_ms), self.last_ms.saturating_add(by_ms));
        let quiet_ms = self.quiet_ms.map(|quiet_ms| quiet_ms.saturating_add(by_ms));
        Judged { from_ms, last_ms, quiet_ms, ..self }
    }
}

/// When a rule was judged, by the runs of its check; none if it never was.
fn judged(snapshot: &Snapshot, check: &str) -> Option<Judged> {
    let mut judged: Option<Judged> = None;
    let arrived = snapshot.arrived_rev(check).filter_map(Result::ok);
    let runs = arrived.map(|arrived| arrived.run).filter(|run| is_judged(run.reason));
    for run in runs.take(RESTORE_RUNS_MAX) {
        let time_ms = run.time_ms;
        let known = judged.get_or_insert(Judged {
            from_ms: time_ms,
            times: Vec::new(),
            last_ms: time_ms,
            quiet_ms: None,
        });
        known.last_ms = known.last_ms.max(time_ms);
        match has_alerts(&run) {
            Some(true) => {
                known.times.push(time_ms);
                known.from_ms = known.from_ms.min(time_ms);
            }
            // It could not be judged.
            None if run.partial => {}
            // It has no alerts at all, or it never has.
            Some(false) | None => {
                known.quiet_ms = Some(time_ms);
                known.from_ms = time_ms.saturating_add(1);
                break;
            }
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
