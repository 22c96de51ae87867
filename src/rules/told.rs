//! Which alerts of a rule are told of, by how its check stands.

use custos_store::{Run, State};

use super::active::ActiveAlert;
use super::outcome::NOT_JUDGED;

/// What is told of a rule after a run of its check.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'a> {
    /// The alerts that are told.
    pub alerts: Vec<&'a ActiveAlert>,
    /// Whether the check itself is told: none of these alerts accounts for its state.
    pub itself: bool,
}

/// Whether a run says that its rule could not be judged.
pub fn is_failure(run: &Run) -> bool {
    run.text.starts_with(NOT_JUDGED)
}

/// What is told by the run of a rule's check, which has its verdict and standing, and by the alerts behind it. Alerts that stand
/// for a problem are told once that is hard; `tells_ok` says whether the others are, which is
/// [`RuleCheck::elements_are_alerts`](super::RuleCheck::elements_are_alerts).
pub fn told<'a>(run: &Run, alerts: &'a [ActiveAlert], tells_ok: bool) -> Told<'a> {
    let is_problem = run.standing.hard && run.state != State::Ok;
    let is_told = |state: State| if state == State::Ok { tells_ok } else { is_problem };
    let alerts: Vec<&ActiveAlert> =
        alerts.iter().filter(|alert| alert.fires() && is_told(alert.state)).collect();
    let worst = alerts.iter().fold(State::Ok, |worst, alert| worst.worst(alert.state));
    let itself = is_problem && (is_failure(run) || run.state.severity() > worst.severity());
    Told { alerts, itself }
}
