//! A number as the store keeps it, and the bounds that a plugin reported beside it.

use std::fmt;

/// A 64-bit float, which may be infinite or NaN, or an integer that no 64-bit float equals.
///
/// Build one with [`Value::from`]; that keeps the representation canonical: an integer that a float can hold
/// is a `Float`, so equal numbers are equal values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Any float. Negative zero is stored as zero, and every NaN as [`f64::NAN`], so that no payload means anything.
    Float(f64),
    /// An integer beyond 2^53 that has no exact float, such as a 64-bit counter.
    Integer(i64),
}

impl Value {
    /// The number as a float, rounded to the nearest where it is an [`Value::Integer`].
    pub fn to_f64(self) -> f64 {
        match self {
            Value::Float(value) => value,
            Value::Integer(value) => value as f64,
        }
    }

    /// By how much the number is greater than another. Between integers the difference is taken before it is rounded, so
    /// that a counter far beyond 2^53 grows by what it grew by.
    pub fn minus(self, other: Value) -> f64 {
        match (self.whole(), other.whole()) {
            (Some(one), Some(other)) => (one - other) as f64,
            _ => self.to_f64() - other.to_f64(),
        }
    }

    /// The number as an integer; none if it has a fraction, or is so large that differences might overflow.
    fn whole(self) -> Option<i128> {
        match self {
            Value::Integer(value) => Some(i128::from(value)),
            Value::Float(value) => (value.fract() == 0.0 && value.abs() < WHOLE_MAX).then_some(value as i128),
        }
    }
}

/// Up to here the difference of two floats without fractions is taken as that of integers: 2^100.
const WHOLE_MAX: f64 = (1_u128 << 100) as f64;

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(canonical(value))
    }
}

/// The float that stands for all that mean the same: one NaN, one zero.
pub(crate) fn canonical(float: f64) -> f64 {
    if float.is_nan() { f64::NAN } else { float + 0.0 }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        let float = value as f64;
        // 2^63 as a float converts back to i64::MAX by saturation, so compare in i128.
        if float as i128 == i128::from(value) { Value::Float(float) } else { Value::Integer(value) }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Float(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
        }
    }
}

/// A warning or critical range as the plugin reported it, in the metric's base unit.
///
/// The Nagios plugin guideline's `[@]start:end`; which values alert is decided by `custos-compat`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Lower end; `-inf` for `~`.
    pub start: f64,
    /// Upper end; `+inf` for an open end.
    pub end: f64,
    /// `true` for the `@` form, which alerts inside the range rather than outside.
    pub inside: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_that_a_float_holds_is_a_float() {
        assert_eq!(Value::from(1_i64 << 53), Value::Float(9007199254740992.0));
        assert_eq!(Value::from((1_i64 << 53) + 1), Value::Integer(9007199254740993));
        assert_eq!(Value::from(i64::MAX), Value::Integer(i64::MAX));
        assert_eq!(Value::from(i64::MIN), Value::Float(i64::MIN as f64));
    }

    #[test]
    fn there_is_one_nan_and_one_zero() {
        let bits = |float: f64| match Value::from(float) {
            Value::Float(float) => float.to_bits(),
            Value::Integer(_) => unreachable!("a float is no integer"),
        };
        for nan in [0x7ff0_0000_0000_0002, 0xfff8_0000_0000_0000, 0x7ff8_0000_0000_0001] {
            assert_eq!(bits(f64::from_bits(nan)), f64::NAN.to_bits());
        }
        assert_eq!(bits(-0.0), 0);
        assert_eq!(bits(f64::NEG_INFINITY), f64::NEG_INFINITY.to_bits());
    }

    #[test]
    fn differences_of_integers_are_exact() {
        let two_53 = 1_i64 << 53;
        for (one, other) in [(two_53 + 3, two_53), (two_53 + 6, two_53 + 3), (i64::MAX, i64::MAX - 1)] {
            assert_eq!(Value::from(one).minus(Value::from(other)), (one - other) as f64);
        }
        assert_eq!(Value::from(i64::MAX).minus(Value::from(i64::MIN)), 2_f64.powi(64));
        assert_eq!(Value::from(1.5).minus(Value::from(two_53 + 1)), 1.5 - (two_53 + 1) as f64);
        assert_eq!(Value::from(f64::MAX).minus(Value::from(-f64::MAX)), f64::INFINITY);
    }
}
