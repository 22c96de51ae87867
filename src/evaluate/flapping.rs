//! Flap detection as Nagios Core's code does it (`base/flapping.c`), not as its manual says.
//!
//! The last 21 states that count give 20 possible transitions; a transition weighs 0.75 when it is the oldest and
//! 1.25 when it is the newest, and the percentage is the sum of the weights over 20. Hard results and soft
//! recoveries count, soft problems do not.

use custos_store::State;

/// States that are remembered.
pub const FLAP_STATES: u32 = 21;

const TRANSITIONS: u32 = FLAP_STATES - 1;
const MASK: u64 = (1 << (2 * FLAP_STATES)) - 1;

/// Adds a state that counts to a history: two bits a state, newest lowest. A new history is 0: all OK.
pub(super) fn push(history: u64, state: State) -> u64 {
    ((history << 2) | u64::from(state.code())) & MASK
}

/// Percentage of state change in a history, 0 to 100.
pub fn percent(history: u64) -> f64 {
    let mut sum = 0.0;
    // From the oldest on, as there, so that sums are rounded alike.
    for age in (0..TRANSITIONS).rev() {
        let newer = (history >> (2 * age)) & 3;
        let older = (history >> (2 * (age + 1))) & 3;
        if newer != older {
            let from_oldest = f64::from(TRANSITIONS - 1 - age);
            sum += 0.75 + from_oldest * 0.5 / f64::from(TRANSITIONS - 1);
        }
    }
    100.0 * sum / f64::from(TRANSITIONS)
}

/// Whether a check flaps: from `high` per cent on, until it falls to `low`, which wins where both are the same.
pub(super) fn is_flapping(before: bool, percent: f64, (low, high): (f64, f64)) -> bool {
    percent > low && (before || percent >= high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(states: &[u8]) -> u64 {
        states.iter().fold(0, |history, code| push(history, State::from_code(*code).unwrap()))
    }

    /// Figures from running Nagios Core's function.
    #[test]
    fn percentages_are_those_of_nagios() {
        assert!((percent(after(&[2])) - 6.25).abs() < 1e-9);
        let alternating: Vec<f64> = (1..=6)
            .map(|n| percent(after(&[2, 0, 2, 0, 2, 0][..n])))
            .map(|p| (p * 100.0).round() / 100.0)
            .collect();
        assert_eq!(alternating, [6.25, 12.37, 18.36, 24.21, 29.93, 35.53]);
        let mut oldest = vec![2];
        oldest.extend([2; 19]);
        assert!((percent(after(&oldest)) - 3.75).abs() < 1e-9);
        let all: Vec<u8> = (0..21).map(|n| if n % 2 == 0 { 2 } else { 0 }).collect();
        assert!((percent(after(&all)) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn flapping_starts_high_and_stops_low() {
        let limits = (20.0, 30.0);
        let mut history = 0;
        let mut flapping = false;
        let mut seen = Vec::new();
        for n in 0..12 {
            history = push(history, if n % 2 == 0 { State::Critical } else { State::Ok });
            flapping = is_flapping(flapping, percent(history), limits);
            seen.push(flapping);
        }
        assert_eq!(seen.iter().position(|f| *f), Some(5));
        let mut stopped = None;
        for n in 1..=21 {
            history = push(history, State::Ok);
            flapping = is_flapping(flapping, percent(history), limits);
            if !flapping && stopped.is_none() {
                stopped = Some(n);
            }
        }
        assert_eq!(stopped, Some(16));
    }
}
