//! Runs of Nagios and Icinga: those of which only changes of state are known, and those whose perfdata is.

use std::collections::HashMap;

use custos_compat::nagios::{LogLine, LogSaid, LogState, Options, Perfdata, PerfdataLine};
use custos_store::{Metric, Provenance, Reason, Run, Standing, State};

use crate::observe::stored_metric;

/// The check of what is of a host itself.
const HOST_CHECK: &str = "host";

/// The states of a log while it is read, line after line.
#[derive(Debug, Default)]
pub struct PastStates {
    checks: HashMap<String, Past>,
}

/// Where a check stands within the log.
#[derive(Clone, Copy, Debug)]
struct Past {
    state: State,
    since_ms: i64,
    hard_state: State,
    flapping: bool,
}

impl PastStates {
    /// The run that a line tells of, and its check; none if it is of flapping alone.
    pub fn run(&mut self, line: LogLine) -> Option<(String, Run)> {
        let check = line.service.unwrap_or_else(|| HOST_CHECK.to_owned());
        let time_ms = line.time_s.checked_mul(1000)?;
        match line.said {
            LogSaid::Flapping(flapping) => {
                let at_first =
                    Past { state: State::Ok, since_ms: time_ms, hard_state: State::Ok, flapping: false };
                let past = Past { flapping, ..self.checks.get(&check).copied().unwrap_or(at_first) };
                self.checks.insert(check, past);
                None
            }
            LogSaid::State(LogState { state, hard, attempt, text, .. }) => {
                let standing = self.standing(&check, State::from_code(state)?, (hard, attempt), time_ms);
                Some((check, Run { text, ..of_state(time_ms, State::from_code(state)?, standing) }))
            }
        }
    }

    /// The run of a line of a perfdata file, its check, and how many values of its perfdata are none. A run whose state the file does not
    /// have counts for its metrics only.
    pub fn perfdata_run(&mut self, line: PerfdataLine) -> Option<(String, Run, u64)> {
        let check = line.service.unwrap_or_else(|| HOST_CHECK.to_owned());
        let time_ms = line.time_s.checked_mul(1000)?;
        let parsed = Perfdata::parse(&line.perfdata, &Options::default());
        let mut metrics: Vec<Metric> = Vec::new();
        let mut dropped = parsed.warnings.tokens_dropped() as u64;
        for metric in parsed.metrics.into_iter().map(stored_metric) {
            match metrics.iter().any(|one| one.label == metric.label) {
                true => dropped += 1,
                false => metrics.push(metric),
            }
        }
        let run = match line.state.and_then(State::from_code) {
            Some(state) => {
                let standing = self.standing(&check, state, (line.hard.unwrap_or(true), 1), time_ms);
                of_state(time_ms, state, standing)
            }
            None => Run {
                time_ms,
                state: State::Unknown,
                plugin_state: State::Unknown,
                reason: Reason::Imported,
                provenance: Provenance::Submitted,
                ..Run::default()
            },
        };
        let duration_us = line.duration_us.unwrap_or_default();
        Some((check, Run { duration_us, text: line.text, metrics, ..run }, dropped))
    }

    /// Where a check stands after a result.
    fn standing(
        &mut self,
        check: &str,
        state: State,
        (hard, attempt): (bool, u32),
        time_ms: i64,
    ) -> Standing {
        let before = self.checks.get(check).copied();
        let since_ms =
            before.filter(|before| before.state == state).map_or(time_ms, |before| before.since_ms);
        let hard_state = if hard { state } else { before.map_or(State::Ok, |before| before.hard_state) };
        let flapping = before.is_some_and(|before| before.flapping);
        self.checks.insert(check.to_owned(), Past { state, since_ms, hard_state, flapping });
        Standing { hard, attempt, hard_state, since_ms, flapping, flap_history: 0 }
    }
}

/// A run whose state is known.
fn of_state(time_ms: i64, state: State, standing: Standing) -> Run {
    Run {
        time_ms,
        state,
        plugin_state: state,
        reason: Reason::Exited,
        exit_code: Some(state as u8),
        standing,
        provenance: Provenance::Submitted,
        ..Run::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(past: &mut PastStates, line: &str) -> Run {
        past.run(LogLine::parse(line).unwrap()).unwrap().1
    }

    #[test]
    fn a_log_tells_since_when_a_state_holds_and_what_is_confirmed() {
        let mut past = PastStates::default();
        let first = run(&mut past, "[10] CURRENT SERVICE STATE: web1;load;OK;HARD;1;fine");
        assert_eq!((first.state, first.standing.hard, first.standing.since_ms), (State::Ok, true, 10_000));
        let soft = run(&mut past, "[20] SERVICE ALERT: web1;load;CRITICAL;SOFT;1;bad");
        assert_eq!((soft.standing.hard, soft.standing.hard_state), (false, State::Ok));
        let hard = run(&mut past, "[30] SERVICE ALERT: web1;load;CRITICAL;HARD;3;bad");
        assert_eq!((hard.standing.hard_state, hard.standing.since_ms), (State::Critical, 20_000));
        let flapping = LogLine::parse("[40] SERVICE FLAPPING ALERT: web1;load;STARTED; x").unwrap();
        assert_eq!(past.run(flapping), None);
        let again = run(&mut past, "[50] SERVICE ALERT: web1;load;OK;HARD;3;fine");
        assert!(again.standing.flapping && again.reason == Reason::Exited);
        let host = past.run(LogLine::parse("[60] HOST ALERT: web1;DOWN;HARD;1;x").unwrap()).unwrap();
        assert_eq!((host.0.as_str(), host.1.state), ("host", State::Critical));
    }

    #[test]
    fn a_run_without_a_state_counts_for_its_metrics() {
        let line = "[SERVICEPERFDATA]\t10\tweb1\tload\t0.5\t0\tOK\tload1=1.5;5;10 load1=2 x=";
        let (check, run, dropped) =
            PastStates::default().perfdata_run(PerfdataLine::parse(line).unwrap()).unwrap();
        assert_eq!((check.as_str(), run.reason, run.duration_us), ("load", Reason::Imported, 500_000));
        assert_eq!((run.metrics.len(), run.text.as_str()), (1, "OK"));
        assert!(dropped >= 1, "{dropped}");
    }
}
