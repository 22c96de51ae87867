//! An alerting rule over many times at once. Between the times at which something can change nothing is done.

use std::collections::BTreeMap;

use custos_promql::{Labels, TimedRow, is_ended};

use super::peak::{Ended, Peak, Worse};
use crate::rules::alert::{Alerts, Change, Element, Failure, Stage, Timing};

/// Steps that are looked at together.
const STEPS_AT_ONCE: usize = 64;

/// The alerts of a rule, and what the fold knows of them beside.
#[derive(Clone, Debug)]
pub(super) struct Folding {
    pub(super) alerts: Alerts,
    peaks: BTreeMap<Labels, Peak>,
    timing: Timing,
    worse: Worse,
    /// Whether the labels of an alert are the same for each value.
    has_fixed_labels: bool,
}

/// The elements of alerts that what an expression returned is at a time (ms since the epoch), or why it cannot be said.
pub(super) type Elements<'a> = dyn Fn(i64, Vec<(Labels, f64)>) -> Result<Vec<Element>, String> + 'a;

/// What a rule came to at times that follow each other.
pub(super) struct Stretch<'a> {
    /// When (ms since the epoch), ascending.
    pub(super) times: &'a [i64],
    pub(super) rows: &'a [TimedRow],
    /// The elements of alerts that these rows are at a time.
    pub(super) elements: &'a Elements<'a>,
}

/// What became of alerts at a time.
pub(super) enum Outcome {
    /// These changes, and how bad those became that ended.
    Changes(Vec<Change>, Vec<Ended>),
    /// It failed.
    Failure(Failure),
    /// It could not be judged, and nothing has changed.
    NotJudged(String),
}

impl Folding {
    pub(super) fn new(timing: Timing, worse: Worse, has_fixed_labels: bool) -> Folding {
        Folding { alerts: Alerts::default(), peaks: BTreeMap::new(), timing, worse, has_fixed_labels }
    }

    /// Goes on with alerts that are there already, with their values as the worst so far.
    pub(super) fn go_on(&mut self, alerts: Alerts) {
        let peak = |alert: &crate::rules::alert::Alert| Peak {
            value: alert.element.value,
            at_ms: alert.active_since_ms,
        };
        self.peaks = alerts.iter().map(|alert| (alert.element.identity.clone(), peak(alert))).collect();
        self.alerts = alerts;
    }

    /// The worst that an alert has been so far.
    pub(super) fn peak(&self, identity: &Labels) -> Option<Peak> {
        self.peaks.get(identity).copied()
    }

    /// Takes in what a rule came to at some times.
    pub(super) fn over(&mut self, stretch: &Stretch<'_>, each: &mut dyn FnMut(i64, &Folding, Outcome)) {
        let changing = self.changing(stretch);
        let mut next_changing = changing.iter().copied().peekable();
        let mut step = 0;
        while step < stretch.times.len() {
            while next_changing.next_if(|at| *at <= step).is_some() {}
            let present: Vec<&TimedRow> =
                stretch.rows.iter().filter(|row| !is_ended(row.values[step])).collect();
            let names = self.take(stretch, step, &present, each);
            let until = next_changing.peek().copied().unwrap_or(stretch.times.len());
            let due = self.due(stretch.times, step);
            let next = until.min(due).max(step + 1);
            self.note_worst(stretch.times, step..next.min(stretch.times.len()), &present, &names);
            step = next;
        }
    }

    /// The steps at which another set of rows has a value than at the one before, and, where labels depend on values, those at
    /// which any has.
    fn changing(&self, stretch: &Stretch<'_>) -> Vec<usize> {
        let mut steps = Vec::new();
        for row in stretch.rows {
            let mut was_present = false;
            for (few, first) in row.values.chunks(STEPS_AT_ONCE).zip((0..).step_by(STEPS_AT_ONCE)) {
                // All of a few at once, which takes no jump for each of them.
                let present = few.iter().map(|value| usize::from(!is_ended(*value))).sum::<usize>();
                let is_same = match was_present {
                    false => present == 0,
                    true => present == few.len() && self.has_fixed_labels,
                };
                if is_same {
                    continue;
                }
                for (value, step) in few.iter().zip(first..) {
                    let is_present = !is_ended(*value);
                    if is_present != was_present || is_present && !self.has_fixed_labels {
                        steps.push(step);
                    }
                    was_present = is_present;
                }
            }
        }
        if stretch.rows.len() > 1 {
            steps.sort_unstable();
            steps.dedup();
        }
        steps
    }

    /// Judges at one step. The labels of the alerts of rows that are present, by their order.
    fn take(
        &mut self,
        stretch: &Stretch<'_>,
        step: usize,
        present: &[&TimedRow],
        each: &mut dyn FnMut(i64, &Folding, Outcome),
    ) -> Vec<Labels> {
        let at_ms = stretch.times[step];
        let returned = present.iter().map(|row| (row.labels.clone(), row.values[step])).collect();
        let elements = match (stretch.elements)(at_ms, returned) {
            Ok(elements) => elements,
            Err(why) => {
                each(at_ms, self, Outcome::NotJudged(why));
                return Vec::new();
            }
        };
        let names: Vec<Labels> = elements.iter().map(|element| element.identity.clone()).collect();
        self.take_elements(at_ms, elements, each);
        names
    }

    /// Judges at one time by what it came to.
    pub(super) fn take_elements(
        &mut self,
        at_ms: i64,
        elements: Vec<Element>,
        each: &mut dyn FnMut(i64, &Folding, Outcome),
    ) {
        match self.alerts.take(at_ms, elements, self.timing) {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => {
                let ended = self.ended(at_ms, &changes);
                each(at_ms, self, Outcome::Changes(changes, ended));
            }
            Err(failure) => {
                if matches!(failure, Failure::Limit { .. }) {
                    self.peaks.clear();
                }
                each(at_ms, self, Outcome::Failure(failure));
            }
        }
    }

    /// The alerts that are gone after these changes, with how bad they became.
    fn ended(&mut self, at_ms: i64, changes: &[Change]) -> Vec<Ended> {
        let gone = changes.iter().filter_map(|change| match change {
            Change::Dropped(alert) | Change::Resolved(alert) => Some(alert),
            Change::Pending(_) | Change::Firing(_) => None,
        });
        gone.map(|alert| {
            let own = Peak { value: alert.element.value, at_ms };
            let peak = self.peaks.remove(&alert.element.identity).unwrap_or(own);
            Ended { alert: alert.clone(), peak }
        })
        .collect()
    }

    /// The first step after one at which an alert may change although the same rows have values.
    fn due(&self, times: &[i64], step: usize) -> usize {
        let due_ms = self.alerts.iter().filter_map(|alert| match (alert.stage, alert.kept_since_ms) {
            (Stage::Pending, _) => Some(alert.active_since_ms.saturating_add(self.timing.for_ms)),
            (Stage::Firing, Some(kept_ms)) => Some(kept_ms.saturating_add(self.timing.keep_firing_ms)),
            (Stage::Firing, None) => None,
        });
        let Some(due_ms) = due_ms.min() else { return times.len() };
        step + times[step..].partition_point(|time| *time < due_ms)
    }

    /// Notes the worst values of rows over some steps.
    fn note_worst(
        &mut self,
        times: &[i64],
        steps: std::ops::Range<usize>,
        present: &[&TimedRow],
        names: &[Labels],
    ) {
        for (row, name) in present.iter().zip(names) {
            // They do not hear of newer values while nothing changes.
            if !self.alerts.set_value(name, row.values[steps.end - 1]) {
                continue;
            }
            let mut worst = steps.start;
            for step in steps.clone() {
                if self.worse.is_worse(row.values[step], row.values[worst]) {
                    worst = step;
                }
            }
            let of_steps = Peak { value: row.values[worst], at_ms: times[worst] };
            let known = self.peaks.entry(name.clone()).or_insert(of_steps);
            if self.worse.is_worse(of_steps.value, known.value) {
                *known = of_steps;
            }
        }
    }
}
