//! Soft and hard states, attempts and flapping: the state of a check after one more result.
//!
//! Attempts are numbered as Nagios numbers them (a hard problem stays at its maximum); an OK is hard at once, as in
//! Icinga. A change of severity while soft does not restart the count; while hard it is a hard change at once. A hard
//! problem of a volatile check alerts again on every result that is not OK: `since_ms` is set anew each time, by which
//! `stored_change` tells a repeat from a problem that goes on.

use custos_query::{Change, ChangeKind, PreviousState, change_kind};
use custos_store::{Standing, State};

use super::flapping;
use crate::config::Check;

/// How a check's results are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counting {
    /// Results in a row that confirm a problem, from 1.
    pub max_check_attempts: u32,
    /// Whether each result that is not OK is a problem of its own once problems are confirmed.
    pub volatile: bool,
    /// Low and high flapping limits in per cent, or none to leave flapping alone; its history is kept all the same.
    pub flap_limits: Option<(f64, f64)>,
}

impl From<&Check> for Counting {
    fn from(check: &Check) -> Counting {
        Counting {
            max_check_attempts: check.max_check_attempts,
            volatile: check.volatile,
            flap_limits: check.flapping,
        }
    }
}

/// Advances a standing by one result at `time_ms`.
///
/// `before` is `None` for a check that never ran, which counts as having been OK.
pub fn advance(
    before: Option<PreviousState>,
    state: State,
    time_ms: i64,
    counting: Counting,
) -> (Standing, Option<Change>) {
    let first = before.is_none();
    let PreviousState { state: from, standing: was } = before.unwrap_or(PreviousState {
        state: State::Ok,
        standing: Standing { hard: true, attempt: 1, since_ms: time_ms, ..Standing::default() },
    });
    let was_problem = from != State::Ok;
    let max_check_attempts = counting.max_check_attempts.max(1);

    let (hard, attempt) = if state == State::Ok {
        (true, 1)
    } else if was_problem && was.hard {
        (true, max_check_attempts)
    } else {
        let attempt = if was_problem { was.attempt.saturating_add(1) } else { 1 };
        (attempt >= max_check_attempts, attempt.min(max_check_attempts))
    };
    let again = counting.volatile && was_problem && was.hard && state != State::Ok;
    let kind = change_kind(from, was.hard, state, hard, again);

    let counts_for_flapping = hard || kind == Some(ChangeKind::SoftRecovery);
    let flap_history =
        if counts_for_flapping { flapping::push(was.flap_history, state) } else { was.flap_history };
    let flapping = counting
        .flap_limits
        .is_some_and(|limits| flapping::is_flapping(was.flapping, flapping::percent(flap_history), limits));

    let standing = Standing {
        hard,
        attempt,
        hard_state: if hard { state } else { was.hard_state },
        since_ms: if state != from || first || again { time_ms } else { was.since_ms },
        flapping,
        flap_history,
    };
    (standing, kind.map(|kind| Change { kind, from, to: state }))
}

#[cfg(test)]
mod tests {
    use custos_query::stored_change;

    use super::*;
    use ChangeKind::{Hard, HardRecovery, Soft, SoftRecovery};

    const COUNTING: Counting =
        Counting { max_check_attempts: 3, volatile: false, flap_limits: Some((20.0, 30.0)) };

    /// Steps results through a check with three attempts: `(state, hard, attempt, change)` after each.
    fn trace(results: &[u8]) -> Vec<(u8, bool, u32, Option<ChangeKind>)> {
        trace_by(COUNTING, results)
    }

    fn trace_by(counting: Counting, results: &[u8]) -> Vec<(u8, bool, u32, Option<ChangeKind>)> {
        let mut before = None;
        let mut steps = Vec::new();
        for (time_ms, code) in results.iter().enumerate() {
            let state = State::from_code(*code).unwrap();
            let (standing, change) = advance(before, state, time_ms as i64, counting);
            assert_eq!(stored_change(before, state, &standing), change);
            before = Some(PreviousState { state, standing });
            steps.push((*code, standing.hard, standing.attempt, change.map(|c| c.kind)));
        }
        steps
    }

    #[test]
    fn a_problem_is_soft_until_the_last_attempt() {
        assert_eq!(
            trace(&[0, 2, 2, 2, 2, 0]),
            [
                (0, true, 1, None),
                (2, false, 1, Some(Soft)),
                (2, false, 2, None),
                (2, true, 3, Some(Hard)),
                (2, true, 3, None),
                (0, true, 1, Some(HardRecovery)),
            ]
        );
    }

    #[test]
    fn severity_does_not_restart_the_count() {
        assert_eq!(
            trace(&[0, 1, 2, 2]),
            [
                (0, true, 1, None),
                (1, false, 1, Some(Soft)),
                (2, false, 2, Some(Soft)),
                (2, true, 3, Some(Hard))
            ]
        );
    }

    #[test]
    fn a_soft_problem_recovers_at_once() {
        assert_eq!(trace(&[0, 1, 1, 0])[3], (0, true, 1, Some(SoftRecovery)));
    }

    #[test]
    fn a_hard_problem_changes_severity_hard() {
        assert_eq!(trace(&[0, 1, 1, 1, 2])[4], (2, true, 3, Some(Hard)));
    }

    #[test]
    fn each_result_of_a_hard_volatile_problem_is_a_change() {
        let volatile = Counting { volatile: true, max_check_attempts: 2, ..COUNTING };
        let changes: Vec<_> =
            trace_by(volatile, &[0, 2, 2, 2, 1, 1, 0, 0]).iter().map(|step| step.3).collect();
        assert_eq!(
            changes,
            [None, Some(Soft), Some(Hard), Some(Hard), Some(Hard), Some(Hard), Some(HardRecovery), None]
        );
    }

    #[test]
    fn one_attempt_is_hard_at_once() {
        let (standing, change) =
            advance(None, State::Critical, 5, Counting { max_check_attempts: 1, ..COUNTING });
        assert!(standing.hard);
        assert_eq!((standing.attempt, standing.hard_state, standing.since_ms), (1, State::Critical, 5));
        assert_eq!(change.map(|c| c.kind), Some(Hard));
    }

    #[test]
    fn since_is_when_the_state_began() {
        let (one, _) = advance(None, State::Warning, 10, COUNTING);
        let before = PreviousState { state: State::Warning, standing: one };
        let (two, _) = advance(Some(before), State::Warning, 20, COUNTING);
        assert_eq!(two.since_ms, 10);
        assert_eq!(two.hard_state, State::Ok);
    }

    #[test]
    fn soft_problems_do_not_count_for_flapping() {
        let (standing, _) = advance(None, State::Warning, 0, COUNTING);
        assert_eq!(standing.flap_history, 0);
    }
}
