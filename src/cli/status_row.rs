//! One check as `custos status` shows it: from the store, with what the running agent knows beyond it.

use custos_store::{Reader, Reason, Result, Run, State};
use serde::Serialize;

use crate::agent::{LastRun, Row, stood_after};
use crate::config::Check;
use crate::daemon::read_history;
use crate::evaluate::is_judged;

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
    /// When the last run started, or the last stretch without one.
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
    #[serde(skip)]
    pub(super) severity: Option<State>,
    #[serde(skip)]
    pub(super) hard_severity: State,
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
            severity: None,
            hard_severity: State::Ok,
        }
    }

    /// A check as the store knows it.
    pub(super) fn from_store(reader: &Reader, name: &str, check: Option<&Check>) -> Result<StatusRow> {
        let runs = read_history(reader, name, None)?.runs;
        let mut row = StatusRow::pending(name);
        row.max_check_attempts = check.map(|check| check.max_check_attempts);
        if let Some(run) = runs.iter().rfind(|run| is_judged(run.reason)) {
            row.judge(&LastRun::from(run));
        } else if let Some(run) = runs.last()
            && let Some(before) = stood_after(run)
        {
            // So many slots without a result that what the last one said is not looked for any further.
            let text = String::new();
            row.judge(&LastRun { state: before.state.code(), text, ..LastRun::from(run) });
        }
        if let Some(run) = runs.last() {
            row.last(&LastRun::from(run));
        }
        Ok(row)
    }

    /// Adds what the running agent knows. Its last run counts where the store has an older one.
    pub(super) fn add_live(&mut self, live: &Row) {
        (self.next_run_ms, self.running) = (live.next_ms, live.running);
        self.max_check_attempts = Some(live.max_check_attempts);
        let Some(last) = &live.last else { return };
        if self.last_run_ms.is_none_or(|ms| ms < last.time_ms) {
            if Reason::from_code(last.reason).is_some_and(is_judged) {
                self.judge(last);
            }
            self.last(last);
        }
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
        self.since_ms = Some(run.since_ms);
        self.flapping = run.flapping;
        self.text.clone_from(&run.text);
        self.judgement.clone_from(&run.judgement);
        self.origin.clone_from(&run.origin);
    }

    fn last(&mut self, run: &LastRun) {
        self.last_run_ms = Some(run.time_ms);
        self.reason = Reason::from_code(run.reason).map(Reason::name);
        self.duration_ms = Some(run.duration_us as f64 / 1000.0);
        let judged = Reason::from_code(run.reason).is_some_and(is_judged);
        self.since_then = (!judged).then(|| run.text.clone());
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

/// Whether a run came from a request rather than from the schedule.
pub(super) fn was_asked(run: &Run) -> bool {
    !run.origin.is_empty()
}
