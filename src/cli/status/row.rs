//! One check as `custos status` shows it: from the store, with what the running agent knows beyond it.

use custos_query::{Stand, verdict_text};
use custos_store::{Reason, Snapshot, State};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::agent::{LastRun, Row, stood_after};
use crate::cli::read::chain;
use crate::config::Check;
use crate::evaluate::is_judged;
use crate::limits::{RUNS_AHEAD_MIN, STATUS_LATE_MAX};
use crate::notify::{Held, Remark};
use crate::text::local_time::local_time;
use crate::text::printable;

/// A line of the status.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct StatusRow {
    pub(in crate::cli) check: String,
    /// `OK`, `WARNING`, `CRITICAL`, `UNKNOWN`, or `PENDING` before the first run.
    pub(in crate::cli) state: &'static str,
    /// `HARD` or `SOFT`.
    pub(in crate::cli) state_type: &'static str,
    /// The last hard state.
    pub(in crate::cli) hard_state: &'static str,
    pub(in crate::cli) attempt: u32,
    pub(in crate::cli) max_check_attempts: Option<u32>,
    pub(in crate::cli) since_ms: Option<i64>,
    pub(in crate::cli) flapping: bool,
    /// When the last run started; slots that were missed or skipped are none.
    pub(in crate::cli) last_run_ms: Option<i64>,
    pub(in crate::cli) reason: Option<&'static str>,
    pub(in crate::cli) duration_ms: Option<f64>,
    /// First line of the output of the last run whose result is known.
    pub(in crate::cli) text: String,
    /// What became of the slots since, where they have no result.
    pub(in crate::cli) since_then: Option<String>,
    pub(in crate::cli) judgement: String,
    pub(in crate::cli) origin: String,
    /// When it runs next; none if no agent is running, or if it runs only when asked.
    pub(in crate::cli) next_run_ms: Option<i64>,
    pub(in crate::cli) running: bool,
    /// Since when it runs, if the agent says.
    #[serde(skip)]
    pub(in crate::cli) running_since_ms: Option<i64>,
    /// The name of its period while that is closed.
    pub(in crate::cli) outside_period: Option<String>,
    /// When that opens again; none if not within a year.
    pub(in crate::cli) outside_until_ms: Option<i64>,
    /// How far ahead of now the latest time among its runs is, if that is far enough to be a wrong clock.
    pub(in crate::cli) ahead_ms: Option<i64>,
    /// What people did so that nobody is told of it.
    #[serde(flatten)]
    pub(in crate::cli) held: Held,
    #[serde(skip)]
    pub(in crate::cli) severity: Option<State>,
    #[serde(skip)]
    pub(in crate::cli) hard_severity: State,
    /// Whether a running agent has it and is not late to run it.
    #[serde(skip)]
    pub(in crate::cli) is_awaited: bool,
}

impl StatusRow {
    /// A check that has never run.
    pub(in crate::cli) fn pending(name: &str) -> StatusRow {
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
            running_since_ms: None,
            outside_period: None,
            outside_until_ms: None,
            ahead_ms: None,
            held: Held::default(),
            severity: None,
            hard_severity: State::Ok,
            is_awaited: false,
        }
    }

    /// What it counts as in the exit status: its hard state. A check that has never run is well only while an agent is
    /// there to run it in time; otherwise nothing is known of it.
    pub(in crate::cli) fn verdict(&self) -> State {
        if self.severity.is_none() && !self.is_awaited { State::Unknown } else { self.hard_severity }
    }

    /// A check as the store knows it, now or at a time of the past.
    pub(in crate::cli) fn from_store(store: &Snapshot, name: &str, at_ms: Option<i64>) -> StatusRow {
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
    pub(in crate::cli) fn add_live(&mut self, live: &Row, now_ms: i64) {
        self.add_schedule(live, now_ms);
        if let Some(last) = &live.last {
            self.take(last);
        }
    }

    /// Adds what the running agent knows of the runs to come.
    pub(in crate::cli) fn add_schedule(&mut self, live: &Row, now_ms: i64) {
        let late_ms = live.next_ms.map_or(0, |next_ms| now_ms.saturating_sub(next_ms));
        self.is_awaited = live.running || late_ms <= STATUS_LATE_MAX.as_millis() as i64;
        (self.next_run_ms, self.running) = (live.next_ms, live.running);
        self.running_since_ms = live.running_since_ms;
        self.max_check_attempts = Some(live.max_check_attempts);
    }

    /// Takes in a run that came after all that it knows.
    pub(in crate::cli) fn take(&mut self, run: &LastRun) {
        if Reason::from_code(run.reason).is_some_and(is_judged) {
            self.judge(run);
        }
        self.last(run);
    }

    /// Adds whether there are runs with times that lie ahead.
    pub(in crate::cli) fn add_ahead(&mut self, latest_ms: i64, now_ms: i64) {
        let ahead_ms = latest_ms.saturating_sub(now_ms);
        self.ahead_ms = (ahead_ms >= RUNS_AHEAD_MIN.as_millis() as i64).then_some(ahead_ms);
    }

    /// Whether it is anything but OK; a check that has not run yet is not.
    pub(in crate::cli) fn is_problem(&self) -> bool {
        self.severity.is_some_and(|state| state != State::Ok)
    }

    /// Adds whether the check is outside of its period now.
    pub(in crate::cli) fn add_period(&mut self, check: &Check, now_ms: i64) {
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

    /// The text, with what the thresholds say, and behind it what else is to be known; safe to show.
    pub(in crate::cli) fn said(&self, zone: &TimeZone) -> String {
        let state = State::ALL.into_iter().find(|state| state.name() == self.state).unwrap_or_default();
        let mut said = printable(&verdict_text(state, &self.judgement, &self.text)).into_owned();
        if let Some(since_then) = &self.since_then {
            said = format!("{said} [{}]", printable(since_then));
        }
        if let Some(period) = &self.outside_period {
            let until = match self.outside_until_ms {
                Some(ms) => format!(" until {}", local_time(ms, zone)),
                None => ", which does not open within a year".to_owned(),
            };
            said = format!("{said} [outside its period {}{until}]", printable(period));
        }
        said.trim_start().to_owned()
    }

    /// The same in a word, for the list: `silenced`, `acked`, or of how many of its instances that was done.
    pub(in crate::cli) fn held_word(&self) -> Option<String> {
        let acks = &self.held.acknowledged;
        if acks.iter().any(|ack| ack.of.is_empty()) {
            return Some("acked".to_owned());
        }
        if !self.held.silenced.is_empty() {
            return Some("silenced".to_owned());
        }
        (!acks.is_empty()).then(|| format!("acked {}", acks.len()))
    }

    /// What people did so that nobody is told of it, a line each, safe to show.
    pub(in crate::cli) fn held_lines(&self, zone: &TimeZone) -> Vec<String> {
        let by = |remark: &Remark| match remark.comment.as_str() {
            "" => format!("by {}", remark.author),
            comment => format!("by {}: {comment}", remark.author),
        };
        let acknowledged = self.held.acknowledged.iter().map(|ack| {
            let of = if ack.of.is_empty() { String::new() } else { format!(" {{{}}}", ack.of) };
            format!("acknowledged{of} since {} {}", local_time(ack.at_ms, zone), by(&ack.remark))
        });
        let silenced = self.held.silenced.iter().map(|silence| {
            let until = local_time(silence.until_ms, zone);
            format!("silenced until {until} {} (silence {})", by(&silence.remark), silence.id)
        });
        acknowledged.chain(silenced).map(|line| printable(&line).into_owned()).collect()
    }

    /// By which rows are sorted, worst first: state, then hard before soft, then name.
    pub(in crate::cli) fn rank(&self) -> (u8, bool, String) {
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
                &Row {
                    check: "x".to_owned(),
                    next_ms,
                    running,
                    running_since_ms: None,
                    max_check_attempts: 3,
                    last: None,
                },
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
            running_since_ms: None,
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
