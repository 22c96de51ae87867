//! A rule whose check has thresholds, or wants a problem confirmed: what is told of it follows from the state of its check, too.

use std::collections::BTreeMap;

use custos_promql::{Labels, Source};
use custos_query::ReadContext;
use custos_store::{Run, Snapshot, State};

use super::interval::{AlertInterval, Backtest, Span};
use super::normal::NormalPast;
use super::of_rules::Stage;
use super::stretches::{each_stretch, options, span_of};
use super::thresholds::{said, worse_peak};
use crate::config::Check;
use crate::evaluate::{Counting, Pending, PreviousState, Taken, judge_run, stand};
use crate::rules::{
    ActiveAlert, External, JudgedAt, Recorded, RuleGroup, RunningRule, Unseen, When, Worse, is_failure, told,
};

/// Whether the definition of a rule's check says more than the rule does.
pub fn says_more(check: &Check) -> bool {
    !check.thresholds.is_empty() || check.max_check_attempts > 1
}

/// What the check that is the only rule of a group would have been told of, thresholds and attempts included. `asked` and
/// `external` are as for [`backtest_rules`](super::backtest_rules).
///
/// # Errors
/// What keeps it from being judged.
pub fn backtest_rule_check(
    check: &Check,
    group: &RuleGroup,
    snapshot: &Snapshot,
    asked: Option<Span>,
    external: &External,
) -> Result<Backtest, String> {
    let (Some(rule), Some(span)) = (group.rules.first(), span_of(snapshot, asked)) else {
        return Ok(Backtest::default());
    };
    // What cannot be read is left out, as in the judging of rules.
    let normal = NormalPast::read(snapshot, check, &mut ReadContext::new(&mut |_| {}));
    let normal = normal.map_err(|error| error.to_string())?;
    let has_deadlines = matches!(group.when, When::Samples { .. });
    let mut following = Following {
        check,
        stage: Stage { group, snapshot, external },
        running: RunningRule::new(rule.clone()),
        worse: Worse::of(&rule.judge),
        pending: Pending::default(),
        normal,
        before: None,
        problem_since_ms: None,
        open: BTreeMap::new(),
        found: Backtest::default(),
    };
    let mut recorded = Recorded::default();
    let not_observed = each_stretch(group, snapshot, span, |source, stretch| {
        recorded.follow(stretch.recorded);
        following.found.judged += stretch.times.len() as u64;
        for at_ms in stretch.times.iter().copied() {
            let is_due = |due_ms: &i64| {
                has_deadlines && *due_ms < at_ms && !recorded.has(*due_ms) && group.is_open(*due_ms)
            };
            while let Some(due_ms) = following.running.next_deadline_ms().filter(is_due) {
                if !following.judge(source, due_ms) {
                    // It stays due, and is decided at the next time.
                    break;
                }
            }
            following.judge(source, at_ms);
        }
        Ok(())
    })?;
    let Following { found, open, .. } = following;
    let mut backtest = Backtest { span: Some(span), not_observed, ..found };
    backtest.intervals.extend(open.into_values());
    backtest.intervals.sort_by_key(|interval| interval.since_ms);
    Ok(backtest)
}

/// The check on its way.
struct Following<'a> {
    check: &'a Check,
    stage: Stage<'a>,
    running: RunningRule,
    worse: Worse,
    pending: Pending,
    normal: NormalPast,
    before: Option<PreviousState>,
    /// Since when the check has not been OK (ms since the epoch).
    problem_since_ms: Option<i64>,
    /// What is told, by its labels.
    open: BTreeMap<Labels, AlertInterval>,
    found: Backtest,
}

impl Following<'_> {
    /// Judges at a time; false if that failed.
    fn judge(&mut self, source: &dyn Source, at_ms: i64) -> bool {
        let at = JudgedAt { at_ms, query_ms: at_ms.saturating_sub(self.stage.group.query_offset_ms) };
        let source = Unseen::new(source, self.stage.group, 0, at.query_ms);
        let judged = self.running.judge(&source, at, &options(), &self.stage.context(at_ms));
        let mut run = judged.run;
        let time_us = run.time_ms.saturating_mul(1000);
        let taken = Taken { slot_us: time_us, started_us: time_us, uptime: None };
        self.normal.set(run.time_ms, &mut self.pending);
        judge_run(self.check, &mut self.pending, taken, &mut run);
        stand(Counting::from(self.check), self.before, &mut run);
        self.before = Some(PreviousState { state: run.state, standing: run.standing });
        match run.state {
            State::Ok => self.problem_since_ms = None,
            _ => {
                self.problem_since_ms.get_or_insert(at_ms);
            }
        }
        if let Some(why) = judged.failure {
            self.found.failed.get_or_insert((0, why)).0 += 1;
        }
        // Of what could not be judged the alerts are as they were.
        if is_failure(&run) && run.partial {
            return false;
        }
        self.follow(at_ms, &run, &judged.alerts);
        !is_failure(&run)
    }

    /// Begins what is told now, goes on with what was, and ends what no longer is.
    fn follow(&mut self, at_ms: i64, run: &Run, alerts: &[ActiveAlert]) {
        let is_ok_told = self.running.rule().elements_are_alerts();
        let told = told(run, alerts, is_ok_told);
        let mut now = BTreeMap::new();
        for alert in &told.alerts {
            let mut interval = self.known(&alert.labels, at_ms, alert.active_since_ms);
            interval.state = interval.state.worst(alert.state);
            let is_worse = interval.peak.is_none_or(|(known, _)| self.worse.is_worse(alert.value, known));
            if is_worse && alert.kept_since_ms.is_none() {
                interval.peak = Some((alert.value, at_ms));
            }
            if interval.said.is_empty() {
                interval.said = self.running.words(alert);
            }
            now.insert(alert.labels.clone(), interval);
        }
        if told.itself {
            let labels = Labels::new([("check", self.check.name.as_str())]);
            let mut interval = self.known(&labels, at_ms, self.problem_since_ms.unwrap_or(at_ms));
            interval.state = interval.state.worst(run.state);
            interval.peak = worse_peak(self.check, run, interval.peak);
            if interval.said.is_empty() {
                interval.said = said(&run.judgement, &run.text);
            }
            now.insert(labels, interval);
        }
        let over = std::mem::replace(&mut self.open, now);
        let ended = over.into_values().map(|over| AlertInterval { until_ms: Some(at_ms), ..over });
        self.found.intervals.extend(ended);
    }

    /// What is told by these labels as it was so far, or as it begins.
    fn known(&mut self, labels: &Labels, at_ms: i64, pending_since_ms: i64) -> AlertInterval {
        self.open.remove(labels).unwrap_or_else(|| AlertInterval {
            check: self.check.name.clone(),
            pending_since_ms,
            since_ms: at_ms,
            until_ms: None,
            state: State::Ok,
            labels: labels.clone(),
            peak: None,
            said: String::new(),
        })
    }
}
