//! Passive check results: each becomes a run of its check, and is judged and recorded like any other.

use std::sync::Arc;
use std::time::Duration;

use custos_store::{Instance, Provenance, Reason, Run, State};

use super::answer::{Answer, verdict_output};
use super::check_state::CheckState;
use super::checks::CheckId;
use super::core::Agent;
use super::effect::Effect;
use crate::clock::Moment;
use crate::config::{Command, UNMATCHED_CHECK};
use crate::evaluate::{Report, instance_name};
use crate::limits::INSTANCES_EXPIRED_PER_RUN;
use crate::observe::{PassiveResult, Printed, state_metric};
use crate::text::human;

/// Instances that a text names when several expire at once.
const EXPIRED_NAMED: usize = 3;

impl Agent {
    /// Records passive results. A result of a check that is not defined any more is dropped with it.
    pub(super) fn passive(&mut self, results: Vec<PassiveResult>, now: Moment, effects: &mut Vec<Effect>) {
        for result in results {
            let id = if *result.check == *UNMATCHED_CHECK {
                self.on_demand(UNMATCHED_CHECK)
            } else {
                let defined = |id: &CheckId| self.checks[*id].is_defined() && self.checks[*id].is_passive();
                let Some(id) = self.checks.id(&result.check).filter(defined) else { continue };
                id
            };
            let run = to_run(&mut self.checks[id], result);
            self.record_apart(id, run, now, effects);
        }
    }

    /// Records that instances expired, because they were not reported for too long.
    pub(super) fn expire(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let passive = self.checks.iter().filter(|(_, check)| check.is_defined() && check.is_passive());
        for id in passive.map(|(id, _)| id).collect::<Vec<CheckId>>() {
            for run in expired(&mut self.checks[id], now) {
                self.record_apart(id, run, now, effects);
            }
        }
    }
}

/// The run of a passive result, with the instances of its check brought up to date.
fn to_run(check: &mut CheckState, result: PassiveResult) -> Run {
    let PassiveResult {
        at, state, instance: labels, text, details, mut metrics, duration_us, origin, ..
    } = result;
    let worst = match state {
        Some(state) => {
            check.instances.report(Report { labels: &labels, state, text: &text, at_ms: at.wall_ms })
        }
        None => check.instances.repeat(&labels, at.wall_ms),
    };
    if labels.is_empty() {
        return Run { long_text: details, duration_us, ..run(check, worst, at, text, origin, metrics) };
    }
    metrics.extend(state.map(|state| state_metric(&labels, state)));
    let summary = check.instances.summary(&labels, &text);
    let long_text = details + &check.instances.list();
    Run { long_text, duration_us, ..run(check, worst, at, summary, origin, metrics) }
}

/// The runs that report which instances of a check expired.
fn expired(check: &mut CheckState, now: Moment) -> Vec<Run> {
    let Command::Trap(rule) = &check.definition.command else { return Vec::new() };
    let Some(after) = rule.expires else { return Vec::new() };
    let mut runs = Vec::new();
    loop {
        let over = check.instances.expire(after, now.wall_ms, INSTANCES_EXPIRED_PER_RUN);
        let Some(first) = over.first() else { return runs };
        let text = over_text(&over, after);
        let keyed = over.iter().filter(|instance| !instance.labels.is_empty());
        let metrics = keyed.map(|instance| state_metric(&instance.labels, State::Ok)).collect();
        let long_text = if first.labels.is_empty() { String::new() } else { check.instances.list() };
        let summary = check.instances.summary(&first.labels, &text);
        let worst = check.instances.worst();
        runs.push(Run { long_text, ..run(check, worst, now, summary, "expired".to_owned(), metrics) });
    }
}

fn over_text(over: &[Arc<Instance>], after: Duration) -> String {
    let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    let after = human::duration_ms(after_ms);
    match over {
        [one] if one.labels.is_empty() => format!("not reported for {after}, so it counts as over"),
        [one] => format!("{}: not reported for {after}, so it counts as over", instance_name(&one.labels)),
        more => {
            let names: Vec<String> =
                more.iter().take(EXPIRED_NAMED).map(|instance| instance_name(&instance.labels)).collect();
            let rest = match more.len() - names.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            let count = more.len();
            format!(
                "{count} instances were not reported for {after}, so they count as over: {}{rest}",
                names.join("; ")
            )
        }
    }
}

/// A run that is not of a plugin.
pub(super) fn run(
    check: &CheckState,
    state: State,
    at: Moment,
    text: String,
    origin: String,
    metrics: Vec<custos_store::Metric>,
) -> Run {
    Run {
        time_ms: at.wall_ms,
        state,
        plugin_state: state,
        reason: Reason::Exited,
        exit_code: Some(state.code()),
        text,
        origin,
        metrics,
        instances: check.instances.set().clone(),
        partial: true,
        provenance: Provenance::Submitted,
        ..Run::default()
    }
}

/// The answer of a passive check, for which nothing can be run: its last run, without the metrics, which were measured
/// then and not now. `reports` names what it is that is reported, and the state before that was.
pub fn answer((reports, state): (&str, State), last: Option<&Run>) -> Answer {
    let Some(run) = last else {
        let output = format!("{} - no {reports} yet\n", State::name(state));
        return Answer::Known { state, output: output.into_bytes() };
    };
    let text =
        if run.long_text.is_empty() { run.text.clone() } else { format!("{}\n{}", run.text, run.long_text) };
    // A `|` would begin perfdata.
    let printed = Printed::ByPlugin { stdout: text.replace('|', "/").into_bytes(), stderr: Vec::new() };
    Answer::Known { state: run.state, output: verdict_output(&printed, run) }
}
