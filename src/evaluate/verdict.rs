//! The verdict on a run: the worst of the plugin's own state and the thresholds, and what that makes of the check.

use custos_query::{Change, PreviousState, is_judged};
use custos_store::Run;

use super::standing::{Counting, advance};
use super::taken::Taken;
use super::threshold::{Pending, judge};
use crate::config::Check;

/// Completes a run (its `plugin_state` and metrics are given) with its verdict and standing.
///
/// A slot that passed without a run, or a run whose result is not known, is not judged: the check keeps its
/// state.
pub fn evaluate(
    check: &Check,
    before: Option<PreviousState>,
    pending: &mut Pending,
    taken: Taken,
    run: &mut Run,
) -> Option<Change> {
    judge_run(check, pending, taken, run);
    stand(Counting::from(check), before, run)
}

/// The first half of [`evaluate`]: the verdict on a run, by the definition of the check that ran.
pub fn judge_run(check: &Check, pending: &mut Pending, taken: Taken, run: &mut Run) {
    if !is_judged(run.reason) {
        return;
    }
    let (limit_state, judgement) = judge(check, &run.metrics, run.time_ms, pending, taken);
    run.state = run.plugin_state.worst(limit_state);
    if !judgement.is_empty() {
        // Remarks on the output stay, a line each, ahead of what the limits found.
        let remarked = !run.judgement.is_empty();
        run.judgement.push_str(if remarked { "\n" } else { "" });
        run.judgement.push_str(&judgement);
    }
}

/// The second half of [`evaluate`]: the state of the check after a run that has its verdict.
pub fn stand(counting: Counting, before: Option<PreviousState>, run: &mut Run) -> Option<Change> {
    if !is_judged(run.reason) {
        run.standing = before.map(|before| before.standing).unwrap_or_default();
        return None;
    }
    let (standing, change) = advance(before, run.state, run.time_ms, counting);
    run.standing = standing;
    change
}
