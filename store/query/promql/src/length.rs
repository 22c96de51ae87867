//! What lengths of time come to.

use crate::ast::{Length, LengthKind, LengthOperator};
use crate::error::{Error, Result};

/// Longest length in seconds: what fits into 64 bits of nanoseconds, as in Prometheus.
pub(crate) const SECONDS_MAX: f64 = 9_223_372_036.854_775;

impl Length {
    /// Milliseconds, in a query with this step and range (ms).
    ///
    /// # Errors
    /// A length that is out of range, or divided by zero.
    pub(crate) fn ms(&self, step_ms: i64, range_ms: i64) -> Result<i64> {
        let seconds = self.seconds(step_ms, range_ms)?;
        if !seconds.is_finite() {
            return Err(Error::execution(self.span, "duration is NaN or infinite"));
        }
        if seconds.abs() > SECONDS_MAX {
            return Err(Error::execution(self.span, "duration is out of range"));
        }
        Ok(match self.kind {
            LengthKind::Seconds(..) => (seconds * 1e3).round() as i64,
            _ => (seconds * 1e3) as i64,
        })
    }

    /// Milliseconds, at least one.
    ///
    /// # Errors
    /// As [`Self::ms`], and a length that is not positive.
    pub(crate) fn positive_ms(&self, step_ms: i64, range_ms: i64) -> Result<i64> {
        match self.ms(step_ms, range_ms)? {
            ms if ms > 0 => Ok(ms),
            _ if self.seconds(step_ms, range_ms)? > 0.0 => Ok(1),
            _ => Err(Error::execution(self.span, "duration must be greater than 0")),
        }
    }

    /// Whether it is nothing, as written.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self.kind, LengthKind::Seconds(seconds, _) if seconds == 0.0)
    }

    fn seconds(&self, step_ms: i64, range_ms: i64) -> Result<f64> {
        Ok(match &self.kind {
            LengthKind::Seconds(seconds, _) => *seconds,
            LengthKind::Step => step_ms as f64 / 1e3,
            LengthKind::Range => range_ms as f64 / 1e3,
            LengthKind::Negative(length) => -length.seconds(step_ms, range_ms)?,
            LengthKind::Binary(operator, left, right) => {
                let (left, right) = (left.seconds(step_ms, range_ms)?, right.seconds(step_ms, range_ms)?);
                match operator {
                    LengthOperator::Add => left + right,
                    LengthOperator::Sub => left - right,
                    LengthOperator::Mul => left * right,
                    LengthOperator::Div if right == 0.0 => {
                        return Err(Error::execution(self.span, "division by zero"));
                    }
                    LengthOperator::Div => left / right,
                    LengthOperator::Mod if right == 0.0 => {
                        return Err(Error::execution(self.span, "modulo by zero"));
                    }
                    LengthOperator::Mod => left % right,
                    LengthOperator::Pow => left.powf(right),
                    LengthOperator::MinOf => left.min(right),
                    LengthOperator::MaxOf => left.max(right),
                }
            }
        })
    }
}
