//! A check as the running agent shows it to `custos status`.

use serde::{Deserialize, Serialize};

use super::check_state::{Activity, CheckState};
use crate::clock::Moment;

/// What the agent knows of a check beyond what the store keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the check.
    pub check: String,
    /// When it is next due, in ms since the epoch; `None` if it runs only on request, or not within a year.
    pub next_ms: Option<i64>,
    /// Whether its job is under way.
    pub running: bool,
    /// Since when it is, in ms since the epoch; `None` if it is not, or waits for its turn.
    #[serde(default)]
    pub running_since_ms: Option<i64>,
    /// Attempts until a problem is hard.
    pub max_check_attempts: u32,
    /// The last run, for the time while it cannot be stored.
    pub last: Option<LastRun>,
}

/// A run in the few words that a status needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it started, in ms since the epoch.
    pub time_ms: i64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// State by number.
    pub state: u8,
    /// Reason by number.
    pub reason: u8,
    /// First line of its output.
    pub text: String,
    /// Remarks on the output, and the verdicts of thresholds.
    pub judgement: String,
    /// Who asked for it.
    pub origin: String,
    /// Whether the state is hard.
    pub hard: bool,
    /// The attempt.
    pub attempt: u32,
    /// The last hard state by number.
    pub hard_state: u8,
    /// When the state began, in ms since the epoch.
    pub since_ms: i64,
    /// Whether the check is flapping.
    pub flapping: bool,
}

impl Row {
    pub(super) fn of(check: &CheckState, now: Moment) -> Row {
        Row {
            check: check.name.to_string(),
            next_ms: check.next_due_us(now).map(|due_us| now.wall_at(due_us)),
            running: matches!(check.activity, Activity::Running),
            running_since_ms: None,
            max_check_attempts: check.definition.max_check_attempts,
            last: check.last.as_deref().map(LastRun::from),
        }
    }
}

impl From<&custos_store::Run> for LastRun {
    fn from(run: &custos_store::Run) -> LastRun {
        LastRun {
            time_ms: run.time_ms,
            duration_us: run.duration_us,
            state: run.state.code(),
            reason: run.reason.code(),
            text: run.text.clone(),
            judgement: run.judgement.clone(),
            origin: run.origin.clone(),
            hard: run.standing.hard,
            attempt: run.standing.attempt,
            hard_state: run.standing.hard_state.code(),
            since_ms: run.standing.since_ms,
            flapping: run.standing.flapping,
        }
    }
}
