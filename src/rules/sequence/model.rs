//! What a sequence says.

use std::sync::Arc;

use custos_promql::{Expr, Labels};

/// Steps that have to happen one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// Labels that the elements of all steps must agree in: each combination of their values has matches of its own.
    pub by: Vec<String>,
    /// From the beginning of the first step to the last one (ms), if that is bounded.
    pub within_ms: Option<i64>,
    /// What steps and `until` wait for; they name a condition by its index.
    pub conditions: Vec<Condition>,
    /// The steps, in their order; at least one.
    pub steps: Vec<Step>,
    /// While this condition holds nothing happens, and what is under way is dropped.
    pub until: Option<usize>,
    /// When the alert ends.
    pub recovery: Recovery,
    /// The checks that it names.
    pub checks: Vec<String>,
}

/// An expression that returns elements while something is so.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The expression as it is written.
    pub query: String,
    /// What that means.
    pub expr: Expr,
    /// How long an element must be returned before it counts (ms).
    pub for_ms: i64,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        // The tree follows from the text.
        (&self.query, self.for_ms) == (&other.query, other.for_ms)
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name in templates.
    pub name: Arc<str>,
    /// How long after the step before it may happen, or for the first step how long it may take (ms). Of one that waits for
    /// something that does not come, how long it waits.
    pub within_ms: Option<i64>,
    /// What has to happen.
    pub kind: StepKind,
    /// Conditions that must not hold between the step before and this one.
    pub guards: Vec<usize>,
}

/// What has to happen at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A condition begins to hold so many times, at different times.
    Times {
        /// The condition.
        condition: usize,
        /// How many times, from 1.
        times: usize,
    },
    /// Each of these conditions begins to hold, in any order, also at the same time.
    All(Vec<usize>),
    /// A condition does not hold for as long as the step waits.
    Not(usize),
}

/// When the alert of a match ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Once the last step is over: nothing of it is returned any more, or what did not come has come.
    Last,
    /// Once all steps are over.
    All,
    /// Once any step is over.
    Any,
    /// At the next judgement.
    AtOnce,
}

impl Sequence {
    /// The expressions, in the order in which [`super::SequenceState::take`] wants what they return.
    pub fn expressions(&self) -> impl ExactSizeIterator<Item = &Expr> {
        self.conditions.iter().map(|condition| &condition.expr)
    }

    /// The labels of an element that matches go by.
    pub(super) fn key(&self, labels: &Labels) -> Labels {
        Labels::new(self.by.iter().map(|name| (name, labels.get(name))))
    }

    /// Whether an element is for a key. One that lacks a label is for every value of it.
    pub(super) fn is_for(&self, labels: &Labels, key: &Labels) -> bool {
        self.by
            .iter()
            .map(|name| (labels.get(name), key.get(name)))
            .all(|(own, of)| own.is_empty() || own == of)
    }
}

impl StepKind {
    /// The conditions of the step.
    pub(super) fn conditions(&self) -> &[usize] {
        match self {
            StepKind::Times { condition, .. } | StepKind::Not(condition) => std::slice::from_ref(condition),
            StepKind::All(all) => all,
        }
    }
}
