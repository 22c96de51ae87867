//! What a receiver does not get as it is stored.

use std::ops::AddAssign;

use custos_compat::line::Number;
use custos_compat::remote_write::is_exact;
use custos_store::Value;

/// Samples that are not delivered as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Integers beyond 2^53 that were rounded since the receiver takes floats only.
    pub rounded: u64,
    /// Samples that were taken for delivered and are not, since the protocol of the receiver has no way to say them.
    pub left_out: u64,
}

impl Changed {
    /// A value as lines have it. Receivers read it as a float.
    pub(super) fn number(&mut self, value: Value) -> Number {
        match value {
            Value::Float(float) => Number::Float(float),
            Value::Integer(integer) => {
                self.rounded += u64::from(!is_exact(integer));
                Number::Integer(integer)
            }
        }
    }

    /// A value as a float.
    pub(super) fn float(&mut self, value: Value) -> f64 {
        match value {
            Value::Float(float) => float,
            Value::Integer(integer) => {
                self.rounded += u64::from(!is_exact(integer));
                integer as f64
            }
        }
    }
}

impl AddAssign for Changed {
    fn add_assign(&mut self, other: Changed) {
        self.rounded += other.rounded;
        self.left_out += other.left_out;
    }
}
