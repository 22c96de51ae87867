//! Samples that follow each other.

use crate::source::Samples;

/// The samples within one window, or a stretch of one; at least one.
#[derive(Clone, Copy)]
pub(super) struct Slice<'s> {
    pub(super) times: &'s [i64],
    pub(super) values: &'s [f64],
    /// The same as integers, where floats are not exact.
    pub(super) integers: Option<&'s [i64]>,
}

impl Samples {
    /// The samples from one index up to another.
    pub(super) fn slice(&self, from: usize, to: usize) -> Slice<'_> {
        Slice {
            times: &self.times[from..to],
            values: &self.values[from..to],
            integers: self.integers.as_ref().map(|integers| &integers[from..to]),
        }
    }
}
