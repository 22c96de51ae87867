//! What the agent does with passive results: each becomes a run of its check, on the path of every other run.

use std::sync::Arc;

use custos_store::{Reason, Run, State};

use super::answer::{Answer, verdict_output};
use super::core::Agent;
use super::effect::Effect;
use super::entry::Entry;
use super::line::implicit_check;
use crate::clock::Moment;
use crate::config::{Command, UNMATCHED_CHECK};
use crate::observe::{PassiveResult, Printed, state_metric};
use crate::snmp::traps::Keys;

impl Agent {
    /// Records passive results. A result of a check that is not defined any more is dropped with it.
    pub(super) fn passive(&mut self, results: Vec<PassiveResult>, now: Moment, effects: &mut Vec<Effect>) {
        for result in results {
            let index = match self.by_name.get(&*result.check) {
                Some(index) => *index,
                None if *result.check == *UNMATCHED_CHECK => {
                    self.add(Entry::on_demand(Arc::new(implicit_check(UNMATCHED_CHECK))))
                }
                None => continue,
            };
            let entry = &mut self.entries[index];
            if entry.removed || !(entry.is_told() || *entry.name == *UNMATCHED_CHECK) {
                continue;
            }
            let run = to_run(entry, result);
            self.judge_and_record(index, run, now.mono_us, effects);
        }
    }

    pub(super) fn expire(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        for index in 0..self.entries.len() {
            if !self.entries[index].removed {
                for run in expired(&mut self.entries[index], now) {
                    self.judge_and_record(index, run, now.mono_us, effects);
                }
            }
        }
    }
}

/// The run of a passive result, with the keys of its check brought up to date.
fn to_run(entry: &mut Entry, result: PassiveResult) -> Run {
    let PassiveResult { at, state, instance, text, details, mut metrics, duration_us, origin, .. } = result;
    let name = (!instance.is_empty()).then(|| Keys::name(&instance));
    let before = entry.before.map_or(State::Ok, |before| before.state);
    let Some(name) = name else {
        let state = state.unwrap_or(before);
        return run(at, state, text, details, origin, duration_us, metrics);
    };
    if let Some(state) = state {
        entry.keys.set(&name, state, &text, at.wall_ms);
        metrics.push(state_metric(&instance, state));
    }
    let summary = entry.keys.summary(&name, &text);
    let long_text = details + &entry.keys.list(Some(&name), &text, at.wall_ms);
    run(at, entry.keys.worst(), summary, long_text, origin, duration_us, metrics)
}

/// The runs that record which problems are over because nobody reports them any more.
fn expired(entry: &mut Entry, now: Moment) -> Vec<Run> {
    let Command::Trap(rule) = &entry.check.command else { return Vec::new() };
    let Some(after) = rule.expires else { return Vec::new() };
    let mut runs = Vec::new();
    if rule.key.is_empty() {
        let last_ms = entry.last.as_ref().map_or(i64::MAX, |run| run.time_ms);
        let problem = entry.before.is_some_and(|before| before.state != State::Ok);
        if problem
            && u128::try_from(now.wall_ms.saturating_sub(last_ms)).is_ok_and(|ms| ms >= after.as_millis())
        {
            let text = over(after);
            runs.push(run(now, State::Ok, text, String::new(), "expired".to_owned(), 0, Vec::new()));
        }
        return runs;
    }
    for name in entry.keys.expired(after, now.wall_ms) {
        let text = format!("{name}: {}", over(after));
        entry.keys.set(&name, State::Ok, &text, now.wall_ms);
        let summary = entry.keys.summary(&name, &text);
        let long_text = entry.keys.list(Some(&name), &text, now.wall_ms);
        runs.push(run(now, entry.keys.worst(), summary, long_text, "expired".to_owned(), 0, Vec::new()));
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
