//! Numbers of samples.

use std::fmt;

/// The number of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer, which is written exactly.
    Integer(i64),
    /// A float, written so that it reads back as the same one.
    Float(f64),
}

impl Number {
    /// Whether the formats have it: neither has infinities, nor what is no number.
    pub fn is_finite(self) -> bool {
        match self {
            Number::Integer(_) => true,
            Number::Float(float) => float.is_finite(),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(integer) => write!(out, "{integer}"),
            // With an exponent where it is long without.
            Number::Float(float) if *float != 0.0 && !(1e-7..1e17).contains(&float.abs()) => {
                write!(out, "{float:e}")
            }
            Number::Float(float) => write!(out, "{float}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_short_and_exact() {
        for (float, text) in [(0.5, "0.5"), (5.0, "5"), (-1e300, "-1e300"), (2.5e-10, "2.5e-10"), (0.0, "0")]
        {
            assert_eq!(Number::Float(float).to_string(), text);
        }
        assert_eq!(Number::Integer(i64::MIN).to_string(), "-9223372036854775808");
    }
}
