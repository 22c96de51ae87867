//! A naive second opinion: soft and hard states computed from the plain list of verdicts, and slots counted one by one.

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

/// A run as the world saw it recorded, with the slots it stands for on the monotonic clock.
#[derive(Clone, Debug)]
pub struct Seen {
    pub run: Run,
    pub first_slot_us: i64,
    pub slots: u64,
    pub max_attempts: u32,
}

/// Compares every judged run with the second opinion.
pub fn check_states(name: &str, seen: &[Seen]) {
    let mut recent: Vec<State> = Vec::new();
    let mut soft_limit = None;
    for (nth, one) in seen.iter().enumerate() {
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

/// A check that never retries: every slot between its first and its last is exactly one run or one missed slot.
pub fn check_slots(name: &str, interval_us: i64, seen: &[Seen]) {
    let mut slots: Vec<(i64, u64)> = seen
        .iter()
        .filter(|one| one.run.lateness_us.is_some() || one.run.reason == Reason::Missed)
        .map(|one| (one.first_slot_us, one.slots))
        .collect();
    slots.sort_unstable();
    for pair in slots.windows(2) {
        let expected = pair[0].0 + pair[0].1 as i64 * interval_us;
        // Missed stretches are kept in milliseconds.
        let off = (pair[1].0 - expected).abs();
        assert!(off <= 2_000, "{name}: after {:?} comes {:?}, {off} µs off", pair[0], pair[1]);
    }
}
