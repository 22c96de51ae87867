//! Sums that keep what rounding takes away, in an order that does not matter.

/// A sum: what the first float rounds away is in the second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Exact {
    pub(super) sum: f64,
    pub(super) lost: f64,
}

/// The sum of two floats, and what it rounds away.
#[inline]
fn two_sum(one: f64, other: f64) -> (f64, f64) {
    let sum = one + other;
    let of_other = sum - one;
    (sum, (one - (sum - of_other)) + (other - of_other))
}

/// The upper half of a float's digits, so that products of halves are exact.
fn upper(value: f64) -> f64 {
    const SPLIT: f64 = 134_217_729.0; // 2^27 + 1
    let wide = SPLIT * value;
    wide - (wide - value)
}

/// The product of two floats, and what it rounds away.
fn two_product(one: f64, other: f64) -> (f64, f64) {
    let product = one * other;
    let (one_upper, other_upper) = (upper(one), upper(other));
    let (one_lower, other_lower) = (one - one_upper, other - other_upper);
    let lost = ((one_upper * other_upper - product) + one_upper * other_lower + one_lower * other_upper)
        + one_lower * other_lower;
    (product, lost)
}

impl Exact {
    /// Adds up what `of` makes of each item. In lanes, so that no addition waits for the one before.
    #[inline]
    pub(super) fn of<T: Copy>(items: &[T], of: impl Fn(T) -> f64) -> Exact {
        const LANES: usize = 4;
        if let [item] = items {
            return Exact { sum: 0.0 + of(*item), lost: 0.0 };
        }
        let mut lanes = [Exact::default(); LANES];
        let (whole, rest) = items.as_chunks::<LANES>();
        for items in whole {
            for (lane, item) in lanes.iter_mut().zip(items) {
                lane.add(of(*item));
            }
        }
        for (lane, item) in lanes.iter_mut().zip(rest) {
            lane.add(of(*item));
        }
        lanes.into_iter().fold(Exact::default(), Exact::plus)
    }

    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let (sum, lost) = two_sum(self.sum, value);
        self.sum = sum;
        self.lost += lost;
    }

    #[inline]
    pub(super) fn plus(self, other: Exact) -> Exact {
        let (sum, lost) = two_sum(self.sum, other.sum);
        Exact { sum, lost: self.lost + other.lost + lost }
    }

    #[inline]
    pub(super) fn minus(self, other: Exact) -> Exact {
        let (sum, lost) = two_sum(self.sum, -other.sum);
        Exact { sum, lost: (self.lost - other.lost) + lost }
    }

    pub(super) fn times(self, factor: f64) -> Exact {
        let (sum, lost) = two_product(self.sum, factor);
        Exact { sum, lost: self.lost * factor + lost }
    }

    pub(super) fn over(self, divisor: f64) -> Exact {
        let sum = self.sum / divisor;
        let (product, lost) = two_product(sum, divisor);
        Exact { sum, lost: ((self.sum - product) - lost + self.lost) / divisor }
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.lost
    }

    /// Whether nothing was infinite, no number, or too large on the way.
    pub(super) fn is_finite(self) -> bool {
        self.sum.is_finite() && self.lost.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_away_comes_back() {
        let sum = Exact::of(&[1e100, 1.0, -1e100, 1.0, 1e-30, 0.0, 5.0], |value| value);
        assert_eq!(sum.value(), 7.0);
        assert!(!Exact::of(&[f64::MAX, f64::MAX], |value| value).is_finite());
        let third = Exact { sum: 1.0, lost: 0.0 }.over(3.0);
        assert_eq!(third.times(3.0).value(), 1.0);
        let square = Exact { sum: 1e8 + 1.0, lost: 0.0 }.times(1e8 + 1.0);
        assert_eq!((square.sum - 1e16, square.lost), (2e8, 1.0));
    }
}
