//! A check as a row shows it.

use custos_query::is_judged;
use custos_store::{Run, State};

use super::recent::Recent;
use crate::agent::{LastRun, Row};
use crate::cli::status::StatusRow;

/// A check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// How it stands.
    pub(super) row: StatusRow,
    /// What its last run took of processors (µs).
    pub(super) cpu_us: Option<u64>,
    /// Why nobody is told of it.
    pub(super) muted: Option<Muted>,
    /// The last minutes, once they were wanted.
    pub(super) recent: Option<Recent>,
    /// Whether it has run since the agent said when it would: when it runs next is not known.
    pub(super) has_run_since: bool,
}

/// Why nobody is told of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Muted {
    /// Somebody acknowledged it: who, when, why.
    Acked(String),
    /// It is silenced: until when, by whom, why.
    Silenced(String),
}

impl Check {
    pub(super) fn new(row: StatusRow) -> Check {
        Check { row, cpu_us: None, muted: None, recent: None, has_run_since: false }
    }

    /// Takes in a run that was stored after all that it knows.
    pub(super) fn take(&mut self, run: &Run) {
        // What was imported says nothing of how a check is now.
        if run.imported {
            return;
        }
        self.row.take(&LastRun::from(run));
        if is_judged(run.reason) {
            self.cpu_us = run.cpu_us;
        }
        if self.row.next_run_ms.is_some_and(|next_ms| next_ms <= run.time_ms) {
            self.forget_schedule();
            self.has_run_since = true;
        }
        if let Some(recent) = &mut self.recent {
            recent.take(run);
        }
        // Of a check that reports metrics from now on those are shown.
        if self.recent.as_ref().is_some_and(Recent::is_of_states) && !run.metrics.is_empty() {
            self.recent = None;
        }
    }

    /// Takes in what the agent says, of its runs only what the store does not have.
    pub(super) fn take_live(&mut self, live: &Row, now_ms: i64) {
        self.row.add_schedule(live, now_ms);
        self.has_run_since = false;
        let is_news = |last: &&LastRun| self.row.last_run_ms.is_none_or(|known_ms| last.time_ms > known_ms);
        if let Some(last) = live.last.as_ref().filter(is_news) {
            self.row.take(last);
        }
    }

    /// The agent is gone: nothing is known of runs to come.
    pub(super) fn forget_schedule(&mut self) {
        (self.row.next_run_ms, self.row.running) = (None, false);
        (self.row.running_since_ms, self.has_run_since) = (None, false);
    }

    /// By which the worst come first, and confirmed problems before others.
    pub(super) fn gravity(&self) -> (u8, bool) {
        let severity = self.row.severity.map_or(5, |state| 2 * (3 - state.severity()));
        (severity, self.row.state_type == "SOFT")
    }

    /// What there is to say of its state, in four columns: nobody is told of it, it flaps, or which attempt it is.
    pub(super) fn note(&self) -> String {
        let is_problem = self.row.severity.is_some_and(|state| state != State::Ok);
        match (&self.muted, self.row.max_check_attempts) {
            (Some(Muted::Acked(_)), _) => "ack".to_owned(),
            (Some(Muted::Silenced(_)), _) => "sil".to_owned(),
            _ if self.row.flapping => "flap".to_owned(),
            (None, Some(most)) if is_problem && self.row.state_type == "SOFT" => {
                let attempts = format!("{}/{most}", self.row.attempt);
                if attempts.len() > 4 { "soft".to_owned() } else { attempts }
            }
            (None, None) if is_problem && self.row.state_type == "SOFT" => "soft".to_owned(),
            _ => String::new(),
        }
    }
}
