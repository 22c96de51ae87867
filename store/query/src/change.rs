//! What a result changed: the one rule by which the agent alerts and by which history tells events.

use custos_store::{Reason, Standing, State};

/// What was known of a check before a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousState {
    /// The state of the last judged run.
    pub state: State,
    /// Where the check stood after it.
    pub standing: Standing,
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
}

/// Kinds of change, as an operator tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A problem began or changed and is not confirmed.
    Soft,
    /// A problem was confirmed, or a confirmed one changed its severity, or occurred again and is volatile.
    Hard,
    /// A problem went away before it was confirmed.
    SoftRecovery,
    /// A confirmed problem went away.
    HardRecovery,
}

/// What a stored result changed, by the standings that were stored with it and with the one before: the same as was
/// found when the result came. A check without a result before counts as having been OK.
pub fn stored_change(before: Option<PreviousState>, state: State, standing: &Standing) -> Option<Change> {
    let (from, was_hard) = before.map_or((State::Ok, true), |before| (before.state, before.standing.hard));
    let again = before.is_some_and(|before| before.standing.since_ms != standing.since_ms);
    change_kind(from, was_hard, state, standing.hard, again).map(|kind| Change { kind, from, to: state })
}

/// The kind of change from one state to another, each soft or hard. `again` says that the later state began anew, which
/// that of a volatile check does with every result.
pub fn change_kind(from: State, was_hard: bool, to: State, hard: bool, again: bool) -> Option<ChangeKind> {
    let was_problem = from != State::Ok;
    match (to, hard) {
        (State::Ok, _) if !was_problem => None,
        (State::Ok, _) if was_hard => Some(ChangeKind::HardRecovery),
        (State::Ok, _) => Some(ChangeKind::SoftRecovery),
        _ if was_problem && was_hard => (to != from || again).then_some(ChangeKind::Hard),
        (_, true) => Some(ChangeKind::Hard),
        (_, false) => (to != from).then_some(ChangeKind::Soft),
    }
}

/// Whether a run with this reason says anything about the state of its check.
pub fn is_judged(reason: Reason) -> bool {
    !reason.is_unobserved()
}
