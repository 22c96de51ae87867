//! The mean of values whose sum may be larger than any number that there is.

/// What is divided by once a sum has no room: a power of two, so that nothing is rounded by it, and as many values as can be counted have room
/// then.
const SCALE: f64 = 18_446_744_073_709_551_616.0;

/// Values on their way to their mean. It is exact up to the rounding of a sum, and finite if they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    sum: f64,
    /// Whether the sum is that of all values divided by [`SCALE`].
    is_scaled: bool,
    count: u64,
}

impl Mean {
    /// Of so many finite values with this sum, which is finite, too.
    pub fn of(sum: f64, count: u64) -> Mean {
        Mean { sum, is_scaled: false, count }
    }

    /// Takes in a finite value.
    pub fn add(&mut self, value: f64) {
        self.join(Mean::of(value, 1));
    }

    /// Takes in all values of another.
    pub fn join(&mut self, other: Mean) {
        self.count = self.count.saturating_add(other.count);
        let sum = self.sum + other.sum;
        if sum.is_finite() && !self.is_scaled && !other.is_scaled {
            self.sum = sum;
            return;
        }
        self.sum = self.scaled() + other.scaled();
        self.is_scaled = true;
    }

    /// How many values these are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// The mean; not a number if there is no value.
    pub fn value(self) -> f64 {
        let mean = self.sum / self.count as f64;
        // What rounding adds to the greatest number that there is must not make it infinite.
        if self.is_scaled { (mean * SCALE).clamp(f64::MIN, f64::MAX) } else { mean }
    }

    fn scaled(self) -> f64 {
        if self.is_scaled { self.sum } else { self.sum / SCALE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Mean {
        let mut mean = Mean::default();
        values.iter().for_each(|value| mean.add(*value));
        mean
    }

    #[test]
    fn a_mean_is_as_exact_as_a_sum() {
        assert_eq!((of(&[1.0, 2.0, 6.0]).value(), of(&[1.0, 2.0, 6.0]).count()), (3.0, 3));
        assert_eq!(of(&[0.1; 3]).value(), (0.1 + 0.1 + 0.1) / 3.0);
        assert!(of(&[]).value().is_nan());
    }

    #[test]
    fn values_without_a_sum_have_a_mean() {
        assert_eq!(of(&[1e308; 7]).value(), 1e308);
        assert_eq!(of(&[-1e308; 7]).value(), -1e308);
        assert_eq!(of(&[f64::MAX; 3]).value(), f64::MAX);
        assert_eq!(of(&[1e308, 1e308, -1e308, -1e308]).value(), 0.0);
        let mut joined = of(&[1e308; 3]);
        joined.join(of(&[1e308]));
        joined.join(of(&[1e308; 4]));
        assert_eq!((joined.value(), joined.count()), (1e308, 8));
    }
}
