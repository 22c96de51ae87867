//! Steps of a sequence that have happened, as templates see them.

use std::sync::Arc;

use custos_promql::Labels;

/// A step that has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct HappenedStep {
    /// The name of the step.
    pub name: Arc<str>,
    /// When (ms since the epoch).
    pub at_ms: i64,
    /// The value of its element; none of a step that waited for something that did not come.
    pub value: Option<f64>,
    /// The labels of its element.
    pub labels: Labels,
}

/// The steps of a match so far, in their order. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Happened(Option<Arc<[HappenedStep]>>);

impl Happened {
    /// The steps.
    pub fn steps(&self) -> &[HappenedStep] {
        self.0.as_deref().unwrap_or_default()
    }

    /// With one more.
    #[must_use]
    pub(super) fn then(&self, step: HappenedStep) -> Happened {
        Happened(Some(self.steps().iter().cloned().chain([step]).collect()))
    }

    /// The value of the last step that has one.
    pub(super) fn value(&self) -> f64 {
        self.steps().iter().rev().find_map(|step| step.value).unwrap_or(1.0)
    }
}
