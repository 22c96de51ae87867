//! What an expression comes to, for all steps.

use crate::labels::Labels;
use crate::source::{ENDED, is_ended};

/// What an expression comes to.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A number for each step.
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
    Text(String),
}

/// A series with a value, or none, for each step.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) labels: Labels,
    /// The name of the metric is dropped at the end: something was computed.
    pub(super) drops_name: bool,
    /// [`ENDED`] where there is none.
    pub(super) values: Vec<f64>,
}

impl Row {
    /// A row without any value yet.
    pub(super) fn empty(labels: Labels, steps: usize) -> Row {
        Row { labels, drops_name: false, values: vec![ENDED; steps] }
    }

    pub(super) fn get(&self, step: usize) -> Option<f64> {
        Some(self.values[step]).filter(|value| !is_ended(*value))
    }

    /// Whether it has no value at all.
    pub(super) fn is_empty(&self) -> bool {
        // All of a few at once, which takes no jump for each of them.
        self.values.chunks(64).all(|few| few.iter().fold(true, |all, value| all & is_ended(*value)))
    }

    /// Applies a function to each value.
    pub(super) fn map(&mut self, function: impl Fn(f64) -> f64) {
        for value in &mut self.values {
            if !is_ended(*value) {
                *value = function(*value);
            }
        }
        self.drops_name = true;
    }
}
