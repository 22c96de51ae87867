//! What is to be judged, and what that came to: what passes between the agent and the thread that judges.

use std::sync::Arc;

use custos_store::Run;

use super::active::ActiveAlert;

/// A group that is to be judged. Every run that was recorded before it counts, and none that is recorded after it. Each order
/// is answered, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgeOrder {
    /// The name of the group, see [`RuleGroup`](super::RuleGroup).
    pub group: Arc<str>,
    /// As of when (ms since the epoch): no sample that is later is seen.
    pub at_ms: i64,
    /// Why now.
    pub because: Because,
}

/// Why a group is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// Runs of these times (ms since the epoch) were recorded that may have samples of series that are selected. If no
    /// series that is selected has a sample or its end at one of these times, nothing is judged, and the answer has no rules.
    Samples(Vec<i64>),
    /// The time has come.
    Time,
}

/// What the rules of a group came to.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedGroup {
    /// The order that this answers.
    pub order: JudgeOrder,
    /// Its rules, in their order; none if nothing was judged.
    pub rules: Vec<JudgedRule>,
    /// The next time at which something of them is due although no sample comes (ms since the epoch), later than the order's.
    pub deadline_ms: Option<i64>,
}

/// What a rule came to.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRule {
    /// The name of its check.
    pub check: Arc<str>,
    /// The run of its check, without what only the agent knows: where the check stands, whether it flaps. Partial if the
    /// rule could not be judged, so that no series ends by that.
    pub run: Run,
    /// The alerts that are pending or fire, by their labels.
    pub alerts: Vec<ActiveAlert>,
    /// Why the rule could not be judged. Its alerts are then as before, unless there were more than may be.
    pub failure: Option<String>,
}
