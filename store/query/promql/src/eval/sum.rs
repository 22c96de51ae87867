//! Sums and means that lose nothing to rounding on their way.

/// A sum with Neumaier's compensation: what each addition rounds away is added up beside it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// A sum of one value.
    pub(super) fn of(value: f64) -> Sum {
        Sum { sum: value, lost: 0.0 }
    }

    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - sum) + value;
        } else {
            self.lost += (value - sum) + self.sum;
        }
        self.sum = sum;
    }

    pub(super) fn value(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

/// A mean: of the sum, as long as that is finite, and from there on from value to value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    count: f64,
    /// The sum, or the mean once the sum would be infinite.
    sum: Sum,
    is_mean: bool,
}

impl Mean {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.sum = Sum::of(value);
            return;
        }
        if !self.is_mean {
            let mut sum = self.sum;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.sum = sum;
                return;
            }
            self.is_mean = true;
            self.sum =
                Sum { sum: self.sum.sum / (self.count - 1.0), lost: self.sum.lost / (self.count - 1.0) };
        }
        let kept = (self.count - 1.0) / self.count;
        self.sum = Sum { sum: self.sum.sum * kept, lost: self.sum.lost * kept };
        self.sum.add(value / self.count);
    }

    pub(super) fn value(self) -> f64 {
        match self.is_mean {
            true => self.sum.sum + self.sum.lost,
            false => self.sum.sum / self.count + self.sum.lost / self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_away_comes_back() {
        let mut sum = Sum::default();
        for value in [1e100, 1.0, -1e100, 1.0] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 2.0);
        let mut sum = Sum::default();
        for value in [f64::MAX, f64::MAX, -f64::MAX] {
            sum.add(value);
        }
        assert_eq!(sum.value(), f64::INFINITY);
    }

    #[test]
    fn a_mean_does_not_overflow() {
        let mut mean = Mean::default();
        for _ in 0..4 {
            mean.add(f64::MAX);
        }
        assert!((mean.value() / f64::MAX - 1.0).abs() < 1e-15);
        let mut mean = Mean::default();
        for value in [1e100, 1.0, -1e100, 2.0] {
            mean.add(value);
        }
        assert_eq!(mean.value(), 0.75);
        let mut mean = Mean::default();
        mean.add(f64::INFINITY);
        mean.add(1.0);
        assert_eq!(mean.value(), f64::INFINITY);
    }
}
