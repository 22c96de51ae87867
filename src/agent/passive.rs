//! What the agent does with passive results: each becomes a run of its check, on the path of every other run.

use custos_store::{Provenance, Reason, Run, State};

use super::answer::{Answer, verdict_output};
use super::check_state::CheckState;
use super::checks::CheckId;
use super::core::Agent;
use super::effect::Effect;
use crate::clock::Moment;
use crate::config::{Command, UNMATCHED_CHECK};
use crate::observe::{PassiveResult, Printed, state_metric};
use crate::snmp::traps::Keys;

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
            self.judge_and_record(id, run, now.mono_us, effects);
        }
    }

    /// Records which problems are over because nothing reports them any more.
    pub(super) fn expire(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let passive = self.checks.iter().filter(|(_, check)| check.is_defined() && check.is_passive());
        for id in passive.map(|(id, _)| id).collect::<Vec<CheckId>>() {
            for run in expired(&mut self.checks[id], now) {
                self.judge_and_record(id, run, now.mono_us, effects);
            }
        }
    }
}

/// The run of a passive result, with the keys of its check brought up to date.
fn to_run(check: &mut CheckState, result: PassiveResult) -> Run {
    let PassiveResult { at, state, instance, text, details, mut metrics, duration_us, origin, .. } = result;
    let name = (!instance.is_empty()).then(|| Keys::name(&instance));
    let before = check.previous.map_or(State::Ok, |previous| previous.state);
    let Some(name) = name else {
        let state = state.unwrap_or(before);
        return run(at, state, text, details, origin, duration_us, metrics);
    };
    if let Some(state) = state {
        check.keys.set(&name, state, &text, at.wall_ms);
        metrics.push(state_metric(&instance, state));
    }
    let summary = check.keys.summary(&name, &text);
    let long_text = details + &check.keys.list(Some(&name), &text, at.wall_ms);
    run(at, check.keys.worst(), summary, long_text, origin, duration_us, metrics)
}

/// The runs that say which problems of a check are over.
fn expired(check: &mut CheckState, now: Moment) -> Vec<Run> {
    let Command::Trap(rule) = &check.definition.command else { return Vec::new() };
    let Some(after) = rule.expires else { return Vec::new() };
    let mut runs = Vec::new();
    if rule.key.is_empty() {
        let last_ms = check.last.as_ref().map_or(i64::MAX, |run| run.time_ms);
        let problem = check.previous.is_some_and(|previous| previous.state != State::Ok);
        if problem
            && u128::try_from(now.wall_ms.saturating_sub(last_ms)).is_ok_and(|ms| ms >= after.as_millis())
        {
            let text = over(after);
            runs.push(run(now, State::Ok, text, String::new(), "expired".to_owned(), 0, Vec::new()));
        }
        return runs;
    }
    for name in check.keys.expired(after, now.wall_ms) {
        let text = format!("{name}: {}", over(after));
        check.keys.set(&name, State::Ok, &text, now.wall_ms);
        let summary = check.keys.summary(&name, &text);
        let long_text = check.keys.list(Some(&name), &text, now.wall_ms);
        runs.push(run(now, check.keys.worst(), summary, long_text, "expired".to_owned(), 0, Vec::new()));
    }
    runs
}

fn over(after: std::time::Duration) -> String {
    let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    format!("not reported for {}, so it counts as over", crate::text::human::duration_ms(after_ms))
}

fn run(
    at: Moment,
    state: State,
    text: String,
    long_text: String,
    origin: String,
    duration_us: u64,
    metrics: Vec<custos_store::Metric>,
) -> Run {
    Run {
        time_ms: at.wall_ms,
        duration_us,
        state,
        plugin_state: state,
        reason: Reason::Exited,
        exit_code: Some(state.code()),
        text,
        long_text,
        origin,
        metrics,
        partial: true,
        provenance: Provenance::Submitted,
        ..Run::default()
    }
}

/// The answer of a passive check, for which nothing can be run: its last run, without the metrics, which were measured
/// then and not now.
pub fn answer(last: Option<&Run>) -> Answer {
    let Some(run) = last else {
        return Answer::Known { state: State::Ok, output: b"OK - no trap yet\n".to_vec() };
    };
    let text =
        if run.long_text.is_empty() { run.text.clone() } else { format!("{}\n{}", run.text, run.long_text) };
    // A `|` would begin perfdata.
    let printed = Printed::ByPlugin { stdout: text.replace('|', "/").into_bytes(), stderr: Vec::new() };
    Answer::Known { state: run.state, output: verdict_output(&printed, run) }
}
