//! The agent's check of itself, from the health of its parts and its workload, and the answers to requests for it.

use std::sync::Arc;

use custos_store::{Run, State};

use super::answer::{Answer, verdict_output};
use super::cached::{LastAnswer, cached};
use super::check_state::CheckState;
use super::core::Agent;
use super::effect::Effect;
use super::health::{Health, Work};
use super::passive;
use crate::clock::Moment;
use crate::config::{AGENT_CHECK, Serving, Stale, UNMATCHED_CHECK};
use crate::limits::{AGENT_CHECK_AGE_MAX, AGENT_CHECK_INTERVAL, OVERLOAD_CHECKS_NAMED};
use crate::observe::Printed;

/// The answer to a request for one of the agent's own checks, which nothing can be run for: its last run, from the agent or
/// from the store. A report of the agent on itself that is older than [`AGENT_CHECK_AGE_MAX`] says nothing of now, so the
/// answer is UNKNOWN.
pub fn own_answer(name: &str, last: Option<&Run>, now_ms: i64) -> Answer {
    if name == UNMATCHED_CHECK {
        return passive::answer(("trap", State::Ok), last);
    }
    let never = || Answer::Known {
        state: State::Unknown,
        output: b"UNKNOWN: the agent has not reported on itself yet\n".to_vec(),
    };
    let Some(run) = last else { return never() };
    let age_ms = u64::try_from(now_ms.saturating_sub(run.time_ms)).unwrap_or(0);
    let report = LastAnswer {
        output: verdict_output(&Printed::FromRun, run),
        state: run.state,
        ended_us: 0,
        interval: AGENT_CHECK_INTERVAL,
    };
    let serving = Serving::Cached { max_age: AGENT_CHECK_AGE_MAX, stale: Stale::Unknown };
    cached(serving, Some(&report), age_ms.saturating_mul(1000)).unwrap_or_else(never)
}

impl Agent {
    /// Records the agent's health as a run of its own check.
    pub(super) fn health(&mut self, health: &Health, now: Moment, effects: &mut Vec<Effect>) {
        let id = self.on_demand(AGENT_CHECK);
        let run = health.to_run(&self.work(now), now);
        self.record_apart(id, run, now, effects);
    }

    fn work(&self, now: Moment) -> Work {
        let active = || self.checks.iter().map(|(_, check)| check).filter(|check| !check.ended);
        let figures = self.load.figures(now);
        let mut costly: Vec<(Arc<str>, f64)> = Vec::new();
        if figures.is_overload() {
            let cost = |check: &CheckState| check.run_us as f64 / 1e6 * check.wanted_per_s(now);
            costly.extend(
                active().map(|check| (Arc::clone(&check.name), cost(check))).filter(|(_, c)| *c > 0.0),
            );
            costly.sort_by(|a, b| b.1.total_cmp(&a.1));
            costly.truncate(OVERLOAD_CHECKS_NAMED);
        }
        Work {
            running: self.executions.in_slots(),
            waiting: self.waiting.len(),
            wanted_per_s: active().map(|check| check.wanted_per_s(now)).sum(),
            forgotten: self.checks.forgotten(),
            figures,
            costly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(name: &str, last: Option<&Run>, age_ms: i64) -> (u8, String) {
        let answer = own_answer(name, last, 1_000_000 + age_ms);
        (answer.state().code(), String::from_utf8(answer.output()).unwrap())
    }

    #[test]
    fn a_report_answers_with_its_age_until_it_is_old() {
        let report = Run {
            time_ms: 1_000_000,
            state: State::Warning,
            plugin_state: State::Warning,
            text: "slow".to_owned(),
            metrics: vec![custos_store::Metric::new("plugins_running", custos_store::Value::from(1_i64))],
            ..Run::default()
        };
        let of_agent = |age_ms| answered(AGENT_CHECK, Some(&report), age_ms);
        assert_eq!(of_agent(9_000), (1, "slow | 'plugins_running'=1\n".to_owned()));
        assert_eq!(of_agent(-5_000).0, 1, "clocks of two processes differ");
        assert_eq!(of_agent(12_000), (1, "slow (12 s ago) | 'plugins_running'=1\n".to_owned()));
        let old = "UNKNOWN: the last run is 3600 s old, older than the 30 s allowed\n";
        assert_eq!(of_agent(3_600_000), (3, old.to_owned()));
        let never = "UNKNOWN: the agent has not reported on itself yet\n";
        assert_eq!(answered(AGENT_CHECK, None, 0), (3, never.to_owned()));
        // The last trap is all that there is to answer by, however old.
        assert_eq!(answered(UNMATCHED_CHECK, Some(&report), 3_600_000), (1, "slow\n".to_owned()));
        assert_eq!(answered(UNMATCHED_CHECK, None, 0), (0, "OK - no trap yet\n".to_owned()));
    }
}
