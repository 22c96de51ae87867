//! What values have in common.

use crate::value::Value;

/// What the values of a series in some rows have in common. Rows without a value do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Values.
    pub count: u64,
    /// The least one; NaN is left out; +infinity if there is no other.
    pub min: f64,
    /// The greatest one; NaN is left out; -infinity if there is no other, which is less than the least then.
    pub max: f64,
    /// The sum, subject to rounding; NaN if one of them is, or if there are infinities of both signs.
    pub sum: f64,
    /// The earliest value.
    pub first: Option<Value>,
    /// The latest value.
    pub last: Option<Value>,
}

impl Statistics {
    /// Of no values.
    pub const NONE: Statistics = Statistics {
        count: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        first: None,
        last: None,
    };

    /// Takes in later values.
    pub fn add(&mut self, later: &Statistics) {
        self.count += later.count;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
    }
}
