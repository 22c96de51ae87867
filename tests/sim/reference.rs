//! A naive second opinion: soft and hard states computed from the plain list of verdicts.

use custos::evaluate::{PreviousState, is_judged, stored_change};
use custos_store::{Reason, Run, State};

/// Where a check stands, the slow and obvious way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinion {
    pub state: State,
    pub hard: bool,
    pub attempt: u32,
    pub hard_state: State,
}

/// Runs through all verdicts so far.
pub fn opinion(verdicts: &[State], max_attempts: u32) -> Opinion {
    let mut bad_in_a_row = 0;
    let mut hard_state = State::Ok;
    let mut confirmed = false;
    for verdict in verdicts {
        if *verdict == State::Ok {
            bad_in_a_row = 0;
            confirmed = false;
            hard_state = State::Ok;
        } else {
            bad_in_a_row += 1;
            confirmed |= bad_in_a_row >= max_attempts;
            if confirmed {
                hard_state = *verdict;
            }
        }
    }
    let state = *verdicts.last().unwrap_or(&State::Ok);
    Opinion {
        state,
        hard: bad_in_a_row == 0 || confirmed,
        attempt: if bad_in_a_row == 0 { 1 } else { bad_in_a_row.min(max_attempts) },
        hard_state,
    }
}

/// A run as the world saw it recorded, with the slots it stands for on the monotonic clock, and the settings of its
/// check by then.
#[derive(Clone, Debug)]
pub struct Seen {
    pub run: Run,
    pub recorded_us: i64,
    pub first_slot_us: i64,
    pub slots: u64,
    /// Changes whenever the slots of the check are placed anew.
    pub chain: u64,
    /// Runs before it were lost in a power cut, and it was not.
    pub after_loss: bool,
    pub max_attempts: u32,
    pub volatile: bool,
    pub interval_us: i64,
    pub retry_interval_us: i64,
}

/// Compares every judged run with the second opinion.
pub fn check_states(name: &str, seen: &[Seen]) {
    let mut recent: Vec<State> = Vec::new();
    let mut soft_limit = None;
    for (nth, one) in seen.iter().enumerate() {
        if one.after_loss {
            recent.clear();
        }
        if matches!(one.run.reason, Reason::Missed | Reason::NotFinished | Reason::Skipped) {
            continue;
        }
        // Another number of attempts starts another count: compare only while it is the same.
        if soft_limit.replace(one.max_attempts) != Some(one.max_attempts) {
            recent.clear();
        }
        recent.push(one.run.state);
        if let Some(ok) = recent.iter().rposition(|state| *state == State::Ok) {
            recent.drain(..ok);
            let opinion = opinion(&recent, one.max_attempts);
            let standing = one.run.standing;
            let ours = Opinion {
                state: one.run.state,
                hard: standing.hard,
                attempt: standing.attempt,
                hard_state: standing.hard_state,
            };
            assert_eq!(ours, opinion, "{name}: run {nth}, after {recent:?}");
        }
    }
}

/// Changes of state in a list of runs: of the state or of its type, and each further result of a confirmed
/// problem of a volatile check. What is stored must tell the same changes.
pub fn count_changes(name: &str, seen: &[Seen]) -> u64 {
    let mut before: Option<PreviousState> = None;
    let mut changes = 0;
    for one in seen {
        // What came between was told, but is lost with the runs.
        before = before.filter(|_| !one.after_loss);
        if !is_judged(one.run.reason) {
            continue;
        }
        let (state, standing) = (one.run.state, one.run.standing);
        let was = before.map_or((State::Ok, true), |before| (before.state, before.standing.hard));
        let again = one.volatile && state != State::Ok && was.0 != State::Ok && was.1;
        let changed = was != (state, standing.hard) || again;
        assert_eq!(
            stored_change(before, state, &standing).is_some(),
            changed,
            "{name} at {}",
            one.run.time_ms
        );
        changes += u64::from(changed);
        before = Some(PreviousState { state, standing });
    }
    changes
}
