//! An ordinary check over its stored runs, by the functions that judge now.

use custos_promql::Labels;
use custos_store::{Bounds, Reason, Run, State};

use super::interval::{AlertInterval, Backtest, Span, Stood};
use super::normal::NormalPast;
use crate::config::{Check, Threshold};
use crate::evaluate::{Counting, Pending, PreviousState, Taken, advance, is_judged, judge};

/// What a check would have said over its runs, which come by time. `until_ms` is where the backtest ends (ms since the
/// epoch); after the last run, if not given. `normal` is for thresholds that follow that.
pub fn backtest_check(
    check: &Check,
    runs: impl Iterator<Item = Run>,
    until_ms: Option<i64>,
    normal: NormalPast,
) -> Backtest {
    let mut judging = Judging {
        check,
        counting: Counting::from(check),
        pending: Pending::default(),
        normal,
        before: None,
        problem_since_ms: None,
        open: None,
        stands: None,
        dark_since_ms: None,
        found: Backtest::default(),
    };
    let mut times: Option<(i64, i64)> = None;
    for run in runs {
        times = Some((times.map_or(run.time_ms, |(first_ms, _)| first_ms), end_ms(&run)));
        judging.take(&run);
    }
    let Some((since_ms, last_ms)) = times else { return Backtest::default() };
    let until_ms = until_ms.unwrap_or(last_ms).max(since_ms);
    judging.end_dark(until_ms);
    judging.stand(None, until_ms);
    let mut found = judging.found;
    found.intervals.extend(judging.open);
    found.span = Some(Span { since_ms, until_ms });
    found
}

/// The time after what a run stands for.
fn end_ms(run: &Run) -> i64 {
    let stands_for_ms = if run.reason == Reason::Missed { run.duration_us / 1000 } else { 0 };
    run.time_ms.saturating_add(i64::try_from(stands_for_ms).unwrap_or(i64::MAX)).saturating_add(1)
}

/// A check on its way through its runs.
struct Judging<'c> {
    check: &'c Check,
    counting: Counting,
    pending: Pending,
    normal: NormalPast,
    before: Option<PreviousState>,
    /// Since when the check has not been OK (ms since the epoch).
    problem_since_ms: Option<i64>,
    /// The alert that fires.
    open: Option<AlertInterval>,
    /// The confirmed state of a problem, and since when (ms since the epoch).
    stands: Option<(State, i64)>,
    /// Since when nobody looked (ms since the epoch).
    dark_since_ms: Option<i64>,
    found: Backtest,
}

impl Judging<'_> {
    fn take(&mut self, run: &Run) {
        if run.reason.is_unobserved() {
            self.dark_since_ms.get_or_insert(run.time_ms);
        } else {
            self.end_dark(run.time_ms);
        }
        if !is_judged(run.reason) {
            return;
        }
        self.found.judged += 1;
        let late_us = i64::try_from(run.lateness_us.unwrap_or(0)).unwrap_or(i64::MAX);
        let started_us = run.time_ms.saturating_mul(1000);
        let taken = Taken { slot_us: started_us.saturating_sub(late_us), started_us, uptime: None };
        self.normal.set(run.time_ms, &mut self.pending);
        let (limit_state, judgement) = judge(self.check, &run.metrics, run.time_ms, &mut self.pending, taken);
        let state = run.plugin_state.worst(limit_state);
        let (standing, _) = advance(self.before, state, run.time_ms, self.counting);
        self.before = Some(PreviousState { state, standing });
        if state == State::Ok || standing.hard {
            self.stand(Some(state).filter(|state| *state != State::Ok), run.time_ms);
        }
        if state == State::Ok {
            self.problem_since_ms = None;
            if let Some(over) = self.open.take() {
                self.found.intervals.push(AlertInterval { until_ms: Some(run.time_ms), ..over });
            }
            return;
        }
        let pending_since_ms = *self.problem_since_ms.get_or_insert(run.time_ms);
        if standing.hard {
            self.fire(run, state, pending_since_ms, &judgement);
        }
    }

    /// Begins an alert, or goes on with it.
    fn fire(&mut self, run: &Run, state: State, pending_since_ms: i64, judgement: &str) {
        let open = self.open.get_or_insert_with(|| AlertInterval {
            check: self.check.name.clone(),
            pending_since_ms,
            since_ms: run.time_ms,
            until_ms: None,
            state,
            labels: Labels::new([("check", &self.check.name)]),
            peak: None,
            said: said(judgement, &run.text),
        });
        open.state = open.state.worst(state);
        open.peak = worse_peak(self.check, run, open.peak);
    }

    /// Stands so from now on; none where all is well.
    fn stand(&mut self, state: Option<State>, now_ms: i64) {
        if self.stands.map(|(state, _)| state) == state {
            return;
        }
        let before = std::mem::replace(&mut self.stands, state.map(|state| (state, now_ms)));
        if let Some((state, since_ms)) = before {
            self.found.stands(Stood { span: Span { since_ms, until_ms: now_ms }, state });
        }
    }

    /// Ends a stretch in which nobody looked.
    fn end_dark(&mut self, until_ms: i64) {
        if let Some(since_ms) = self.dark_since_ms.take().filter(|since_ms| *since_ms < until_ms) {
            self.found.not_observed.push(Span { since_ms, until_ms });
        }
    }
}

/// What was said: by the thresholds, and by the plugin.
pub(super) fn said(judgement: &str, text: &str) -> String {
    match (judgement.is_empty(), text.is_empty()) {
        (true, _) => text.to_owned(),
        (_, true) => judgement.to_owned(),
        _ => format!("{judgement}; {text}"),
    }
}

/// The worst value with a run: the one that is known so far with its time, unless the run has one that is farther beyond.
pub(super) fn worse_peak(check: &Check, run: &Run, known: Option<(f64, i64)>) -> Option<(f64, i64)> {
    let Some((value, excess)) = farthest(check, run) else { return known };
    let known_excess = known.and_then(|(known, _)| excess_of(check, run, known));
    if known_excess.is_none_or(|known| excess > known) { Some((value, run.time_ms)) } else { known }
}

/// The value that is farthest beyond a range of a threshold, and by how much. Values of counters that are judged by their rate
/// are none.
fn farthest(check: &Check, run: &Run) -> Option<(f64, f64)> {
    let judged = check.thresholds.iter().filter(|threshold| !threshold.rate).flat_map(|threshold| {
        let of = run.metrics.iter().filter(|metric| threshold.is_for(&metric.label));
        of.filter_map(|metric| {
            let value = metric.value?.to_f64();
            Some((value, excess(threshold, value)?))
        })
    });
    judged.max_by(|one, other| one.1.total_cmp(&other.1))
}

/// By how much a value would be beyond the ranges of the thresholds that judge a run.
fn excess_of(check: &Check, run: &Run, value: f64) -> Option<f64> {
    let of_run = check.thresholds.iter().filter(|threshold| {
        !threshold.rate && run.metrics.iter().any(|metric| threshold.is_for(&metric.label))
    });
    of_run.filter_map(|threshold| excess(threshold, value)).max_by(f64::total_cmp)
}

/// By how much a value is beyond the range that is crossed first; none if it is not.
fn excess(threshold: &Threshold, value: f64) -> Option<f64> {
    let ranges = [&threshold.warning, &threshold.critical].into_iter().flatten();
    ranges.filter_map(|range| beyond(&range.bounds, value)).max_by(f64::total_cmp)
}

fn beyond(bounds: &Bounds, value: f64) -> Option<f64> {
    let (above, below) = (value - bounds.end, bounds.start - value);
    let outside = above.max(below);
    match bounds.inside {
        false => (outside > 0.0).then_some(outside),
        true => (outside <= 0.0).then_some(-outside),
    }
}
