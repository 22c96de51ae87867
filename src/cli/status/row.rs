//! One check as `custos status` shows it: from the store, with what the running agent knows beyond it.

use custos_query::Stand;
use custos_store::{Reader, Reason, State};
use serde::Serialize;

use crate::agent::{LastRun, Row, stood_after};
use crate::cli::read::chain;
use crate::config::Check;
use crate::evaluate::is_judged;
use crate::limits::{RUNS_AHEAD_MIN, STATUS_LATE_MAX};

/// A line of the status.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StatusRow {
    pub(super) check: String,
    /// `OK`, `WARNING`, `CRITICAL`, `UNKNOWN`, or `PENDING` before the first run.
    pub(super) state: &'static str,
    /// `HARD` or `SOFT`.
    pub(super) state_type: &'static str,
    /// The last hard state.
    pub(super) hard_state: &'static str,
    pub(super) attempt: u32,
    pub(super) max_check_attempts: Option<u32>,
    pub(super) since_ms: Option<i64>,
    pub(super) flapping: bool,
    /// When the last run started; slots that were missed or skipped are none.
    pub(super) last_run_ms: Option<i64>,
    pub(super) reason: Option<&'static str>,
    pub(super) duration_ms: Option<f64>,
    /// First line of the output of the last run whose result is known.
    pub(super) text: String,
    /// What became of the slots since, where they have no result.
    pub(super) since_then: Option<String>,
    pub(super) judgement: String,
    pub(super) origin: String,
    /// When it runs next; none if no agent is running, or if it runs only when asked.
    pub(super) next_run_ms: Option<i64>,
    pub(super) running: bool,
    /// The name of its period while that is closed.
    pub(super) outside_period: Option<String>,
    /// When that opens again; none if not within a year.
    pub(super) outside_until_ms: Option<i64>,
    /// How far ahead of now the latest time among its runs is, if that is far enough to be a wrong clock.
    pub(super) ahead_ms: Option<i64>,
    #[serde(skip)]
    pub(super) severity: Option<State>,
    #[serde(skip)]
    pub(super) hard_severity: State,
    /// Whether a running agent has it and is not late to run it.
    #[serde(skip)]
    pub(super) is_awaited: bool,
}

impl StatusRow {
    /// A check that has never run.
    pub(super) fn pending(name: &str) -> StatusRow {
        StatusRow {
            check: name.to_owned(),
            state: "PENDING",
            state_type: "HARD",
            hard_state: "PENDING",
            attempt: 0,
            max_check_attempts: None,
            since_ms: None,
            flapping: false,
            last_run_ms: None,
            reason: None,
            duration_ms: None,
            text: String::new(),
            since_then: None,
            judgement: String::new(),
            origin: String::new(),
            next_run_ms: None,
            running: false,
            outside_period: None,
            outside_until_ms: None,
            ahead_ms: None,
            severity: None,
            hard_severity: State::Ok,
            is_awaited: false,
        }
    }

    /// What it counts as in the exit status: its hard state. A check that has never run is well only while an agent is
    /// there to run it in time; otherwise nothing is known of it.
    pub(super) fn verdict(&self) -> State {
        if self.severity.is_none() && !self.is_awaited { State::Unknown } else { self.hard_severity }
    }

    /// A check as the store knows it, now or at a time of the past.
    pub(super) fn from_store(store: &Reader, name: &str, at_ms: Option<i64>) -> StatusRow {
        let stand = match at_ms {
            Some(at_ms) => Stand::at(store, name, at_ms),
            None => Stand::now(store, name),
        };
        let mut row = StatusRow::pending(name);
        let Stand { judged, last } = match stand {
            Ok(stand) => stand,
            Err(error) => {
                row.text = format!("its runs cannot be read: {}", chain(&error));
                (row.state, row.severity) = (State::Unknown.name(), Some(State::Unknown));
                (row.hard_state, row.hard_severity) = (row.state, State::Unknown);
                return row;
            }
        };
        if let Some(run) = &judged {
            row.judge(&LastRun::from(run));
            row.last(&LastRun::from(run));
        } else if let Some(run) = &last
            && let Some(before) = stood_after(run)
        {
            // So many slots without a result that what the last one said is not looked for any further.
            let text = String::new();
            row.judge(&LastRun { state: before.state.code(), text, ..LastRun::from(run) });
        }
        if let Some(run) = &last {
            row.last(&LastRun::from(run));
        }
        row
    }

    /// Adds what the running agent knows. It knows best which run is the last: times may be wrong, and what could not be
    /// stored yet is not in the store.
    pub(super) fn add_live(&mut self, live: &Row, now_ms: i64) {
        let late_ms = live.next_ms.map_or(0, |next_ms| now_ms.saturating_sub(next_ms));
        self.is_awaited = live.running || late_ms <= STATUS_LATE_MAX.as_millis() as i64;
        (self.next_run_ms, self.running) = (live.next_ms, live.running);
        self.max_check_attempts = Some(live.max_check_attempts);
        let Some(last) = &live.last else { return };
        if Reason::from_code(last.reason).is_some_and(is_judged) {
            self.judge(last);
        }
        self.last(last);
    }

    /// Adds whether there are runs with times that lie ahead.
    pub(super) fn add_ahead(&mut self, latest_ms: i64, now_ms: i64) {
        let ahead_ms = latest_ms.saturating_sub(now_ms);
        self.ahead_ms = (ahead_ms >= RUNS_AHEAD_MIN.as_millis() as i64).then_some(ahead_ms);
    }

    /// Whether it is anything but OK; a check that has not run yet is not.
    pub(super) fn is_problem(&self) -> bool {
        self.severity.is_some_and(|state| state != State::Ok)
    }

    /// Adds whether the check is outside of its period now.
    pub(super) fn add_period(&mut self, check: &Check, now_ms: i64) {
        let Some(period) = &check.check_period else { return };
        let standing = period.at(now_ms);
        if !standing.open {
            self.outside_period = Some(period.name.clone());
            self.outside_until_ms = standing.until_ms;
        }
    }

    fn judge(&mut self, run: &LastRun) {
        let state = State::from_code(run.state).unwrap_or(State::Unknown);
        let hard_state = State::from_code(run.hard_state).unwrap_or(State::Unknown);
        (self.state, self.severity) = (state.name(), Some(state));
        (self.hard_state, self.hard_severity) = (hard_state.name(), hard_state);
        self.state_type = if run.hard { "HARD" } else { "SOFT" };
        self.attempt = run.attempt;
        // What was imported may not say.
        self.since_ms = Some(run.since_ms).filter(|since_ms| *since_ms != 0);
        self.flapping = run.flapping;
        self.text.clone_from(&run.text);
        self.judgement.clone_from(&run.judgement);
        self.origin.clone_from(&run.origin);
    }

    fn last(&mut self, run: &LastRun) {
        let reason = Reason::from_code(run.reason);
        self.reason = reason.map(Reason::name);
        if !matches!(reason, Some(Reason::Missed | Reason::Skipped)) {
            self.last_run_ms = Some(run.time_ms);
            self.duration_ms = Some(run.duration_us as f64 / 1000.0);
        }
        self.since_then = (!reason.is_some_and(is_judged)).then(|| run.text.clone());
    }

    /// By which rows are sorted, worst first: state, then hard before soft, then name.
    pub(super) fn rank(&self) -> (u8, bool, String) {
        let severity = match self.severity {
            Some(state) => 2 * (3 - state.severity()),
            None => 5,
        };
        (severity, self.state_type == "SOFT", self.check.clone())
    }
}

#[cfg(test)]
mod tests {
    use custos_store::Run;

    use super::*;

    #[test]
    fn a_check_that_never_ran_is_well_only_while_an_agent_is_in_time_to_run_it() {
        let late_ms = STATUS_LATE_MAX.as_millis() as i64;
        let verdict = |next_ms: Option<i64>, running: bool, now_ms: i64| {
            let mut row = StatusRow::pending("x");
            row.add_live(
                &Row { check: "x".to_owned(), next_ms, running, max_check_attempts: 3, last: None },
                now_ms,
            );
            row.verdict()
        };
        assert_eq!(StatusRow::pending("x").verdict(), State::Unknown, "no agent has it");
        assert_eq!(verdict(Some(1000), false, 0), State::Ok);
        assert_eq!(verdict(Some(1000), false, 1000 + late_ms), State::Ok);
        assert_eq!(verdict(Some(1000), false, 1001 + late_ms), State::Unknown, "it is overdue");
        assert_eq!(verdict(Some(1000), true, 1001 + late_ms), State::Ok, "it is running");
        assert_eq!(verdict(None, false, 0), State::Ok, "it waits for traps or requests");
    }

    #[test]
    fn the_agent_knows_which_run_is_the_last_whatever_the_times_say() {
        let mut row = StatusRow::pending("x");
        let ahead = Run { time_ms: 7_200_000, text: "fine".to_owned(), ..Run::default() };
        row.judge(&LastRun::from(&ahead));
        row.last(&LastRun::from(&ahead));
        let broken =
            Run { time_ms: 5000, state: State::Critical, text: "broken".to_owned(), ..Run::default() };
        let mut live = Row {
            check: "x".to_owned(),
            next_ms: Some(6000),
            running: false,
            max_check_attempts: 3,
            last: Some(LastRun::from(&broken)),
        };
        row.add_live(&live, 5500);
        assert_eq!((row.state, row.text.as_str(), row.last_run_ms), ("CRITICAL", "broken", Some(5000)));
        // A slot without a run leaves the state as it was.
        let missed =
            Run { time_ms: 6000, reason: Reason::Missed, text: "missed".to_owned(), ..Run::default() };
        live.last = Some(LastRun::from(&missed));
        row.add_live(&live, 5500);
        assert_eq!((row.state, row.since_then.as_deref()), ("CRITICAL", Some("missed")));
        assert_eq!((row.last_run_ms, row.reason), (Some(5000), Some("missed")));
    }
}
