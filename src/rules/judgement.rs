//! An order to judge rules, and the answer to it: what passes between the agent, which decides when, and whoever evaluates.

use std::sync::Arc;

use custos_promql::Labels;
use custos_store::Run;

use super::active::ActiveAlert;
use super::definition::{RuleCheck, RuleGroup};

/// An order to judge a group. Every run that was recorded before it counts, and none that is recorded after it. Each
/// order is answered by a [`Judgement`], one after the other.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which group.
    pub group: Arc<RuleGroup>,
    /// The time that its rules are judged at (ms since the epoch); never before the last one of the same group.
    pub at_ms: i64,
    /// Why now.
    pub because: Because,
}

/// Why a group is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// Runs of these times (ms since the epoch) were recorded that may have samples of series that are selected. If no
    /// series that is selected has a sample or its end at one of the times, nothing is judged, and the answer has no rules.
    Samples(Vec<i64>),
    /// The time has come.
    Time,
}

/// The answer to an [`Order`].
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Which group.
    pub group: Arc<RuleGroup>,
    /// The time that its rules were judged at (ms since the epoch).
    pub at_ms: i64,
    /// What each rule came to, in their order; empty if nothing was judged.
    pub rules: Vec<JudgedRule>,
}

/// What a rule came to.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRule {
    /// Which rule.
    pub rule: Arc<RuleCheck>,
    /// The run of its check, without where the check stands after it; [`super::run_of`] makes it.
    pub run: Run,
    /// Its alerts after the judgement.
    pub alerts: Vec<ActiveAlert>,
}

/// What the evaluation of a rule came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// The alerts after it; those that were there before if nothing was taken in.
    pub alerts: Vec<ActiveAlert>,
    /// The series that were recorded, each with its name.
    pub series: Vec<(Labels, f64)>,
    /// How long it took (µs).
    pub duration_us: u64,
}
