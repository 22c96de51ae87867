//! Samples sorted into buckets of equal length: irregular times and missed slots are nothing special there.

/// Samples of a series by buckets of time. A value that is not finite is like none.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    start_ms: i64,
    width_ms: i64,
    pub(crate) counts: Vec<u32>,
    pub(crate) sums: Vec<f64>,
    pub(crate) least: Vec<f64>,
    pub(crate) greatest: Vec<f64>,
}

/// Sum, least and greatest of some values, of which there is at least one.
fn fold(values: &[f64]) -> (f64, f64, f64) {
    // Four by four, which processors do at once.
    let (mut sums, mut least, mut greatest) = ([0.0; 4], [f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    let (whole, rest) = values.as_chunks::<4>();
    for four in whole {
        for lane in 0..4 {
            sums[lane] += four[lane];
            least[lane] = if four[lane] < least[lane] { four[lane] } else { least[lane] };
            greatest[lane] = if four[lane] > greatest[lane] { four[lane] } else { greatest[lane] };
        }
    }
    let mut sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for value in rest {
        sum += value;
        least[0] = least[0].min(*value);
        greatest[0] = greatest[0].max(*value);
    }
    let least = least[0].min(least[1]).min(least[2].min(least[3]));
    let greatest = greatest[0].max(greatest[1]).max(greatest[2].max(greatest[3]));
    (sum, least, greatest)
}

impl Buckets {
    /// So many empty buckets from a time on (ms), each of a width (ms, at least 1).
    pub fn new(start_ms: i64, width_ms: i64, len: usize) -> Buckets {
        Buckets {
            start_ms,
            width_ms: width_ms.max(1),
            counts: vec![0; len],
            sums: vec![0.0; len],
            least: vec![f64::INFINITY; len],
            greatest: vec![f64::NEG_INFINITY; len],
        }
    }

    /// Makes them as many empty buckets from another time on, in the memory that they have.
    pub fn clear(&mut self, start_ms: i64) {
        self.start_ms = start_ms;
        self.counts.fill(0);
        self.sums.fill(0.0);
        self.least.fill(f64::INFINITY);
        self.greatest.fill(f64::NEG_INFINITY);
    }

    /// Number of buckets.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// `true` if there is no bucket.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The time of the first bucket (ms).
    pub fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// The width of each bucket (ms).
    pub fn width_ms(&self) -> i64 {
        self.width_ms
    }

    /// The mean of a bucket, if it has a sample.
    pub fn mean(&self, index: usize) -> Option<f64> {
        (self.counts[index] > 0).then(|| self.sums[index] / f64::from(self.counts[index]))
    }

    /// Least and greatest value of a bucket, if it has a sample.
    pub fn range(&self, index: usize) -> Option<(f64, f64)> {
        (self.counts[index] > 0).then(|| (self.least[index], self.greatest[index]))
    }

    /// Samples in all buckets.
    pub fn samples(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The bucket of a time, if it is within.
    fn index(&self, time_ms: i64) -> Option<usize> {
        let offset = time_ms.checked_sub(self.start_ms).filter(|offset| *offset >= 0)?;
        usize::try_from(offset / self.width_ms).ok().filter(|index| *index < self.len())
    }

    /// Adds a sample. One before or after all buckets is left out.
    pub fn add(&mut self, time_ms: i64, value: f64) {
        if let Some(index) = self.index(time_ms).filter(|_| value.is_finite()) {
            self.put(index, 1, value, value, value);
        }
    }

    fn put(&mut self, index: usize, count: u32, sum: f64, least: f64, greatest: f64) {
        self.counts[index] += count;
        self.sums[index] += sum;
        self.least[index] = self.least[index].min(least);
        self.greatest[index] = self.greatest[index].max(greatest);
    }

    /// Adds samples that lie a step apart (ms, at least 1).
    pub fn add_grid(&mut self, first_ms: i64, step_ms: i64, values: &[f64]) {
        self.by_bucket(first_ms, step_ms, values.len(), |buckets, index, rows| {
            let values = &values[rows];
            let (sum, least, greatest) = fold(values);
            if sum.is_finite() {
                buckets.put(index, values.len() as u32, sum, least, greatest);
            } else {
                values.iter().filter(|value| value.is_finite()).for_each(|value| {
                    buckets.put(index, 1, *value, *value, *value);
                });
            }
        });
    }

    /// Adds so many samples of one value that lie a step apart (ms, at least 1).
    pub fn add_constant(&mut self, first_ms: i64, step_ms: i64, count: usize, value: f64) {
        if value.is_finite() {
            self.by_bucket(first_ms, step_ms, count, |buckets, index, rows| {
                buckets.put(index, rows.len() as u32, value * rows.len() as f64, value, value);
            });
        }
    }

    /// Calls `add` with each bucket and those of the rows that it has.
    fn by_bucket(
        &mut self,
        first_ms: i64,
        step_ms: i64,
        rows: usize,
        add: impl Fn(&mut Buckets, usize, std::ops::Range<usize>),
    ) {
        let step = i128::from(step_ms.max(1));
        let row_at = |time: i128| -> usize {
            let rows_before = (time - i128::from(first_ms) + step - 1).div_euclid(step);
            usize::try_from(rows_before.max(0)).unwrap_or(usize::MAX).min(rows)
        };
        let start = |index: usize| i128::from(self.start_ms) + index as i128 * i128::from(self.width_ms);
        let mut at = row_at(i128::from(self.start_ms));
        if at == rows {
            return;
        }
        let time = i128::from(first_ms) + at as i128 * step;
        let first = (time - i128::from(self.start_ms)) / i128::from(self.width_ms);
        let Some(first) = usize::try_from(first).ok().filter(|first| *first < self.len()) else { return };
        let whole = self.width_ms % step_ms.max(1) == 0;
        let each = usize::try_from(self.width_ms / step_ms.max(1)).unwrap_or(usize::MAX);
        let mut end = row_at(start(first + 1));
        for index in first..self.len() {
            if at < end {
                add(self, index, at..end);
            }
            at = end;
            if at == rows {
                return;
            }
            end = match whole {
                true => at.saturating_add(each).min(rows),
                false => row_at(i128::from(self.start_ms) + (index as i128 + 2) * i128::from(self.width_ms)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_grid_is_sorted_in_as_its_samples_are(
            start in -500_i64..500,
            width in 1_i64..70,
            len in 1_usize..40,
            first in -800_i64..800,
            step in 1_i64..50,
            values in prop::collection::vec(prop_oneof![9 => -9.0..9.0_f64, 1 => Just(f64::NAN)], 0..90),
        ) {
            let mut one_by_one = Buckets::new(start, width, len);
            for (row, value) in values.iter().enumerate() {
                one_by_one.add(first + row as i64 * step, *value);
            }
            let mut at_once = Buckets::new(start, width, len);
            at_once.add_grid(first, step, &values);
            prop_assert_eq!(&at_once.counts, &one_by_one.counts);
            for index in 0..len {
                prop_assert_eq!(at_once.range(index), one_by_one.range(index));
                let (one, other) = (at_once.mean(index), one_by_one.mean(index));
                prop_assert!(one.zip(other).is_none_or(|(one, other)| (one - other).abs() < 1e-9));
            }
            let mut constant = Buckets::new(start, width, len);
            constant.add_constant(first, step, values.len(), 2.5);
            let mut same = Buckets::new(start, width, len);
            same.add_grid(first, step, &vec![2.5; values.len()]);
            prop_assert_eq!(constant, same);
        }
    }

    #[test]
    fn times_at_the_ends_of_all_time_are_no_trouble() {
        let mut buckets = Buckets::new(i64::MAX - 10, 4, 3);
        buckets.add_grid(i64::MAX - 20, i64::MAX, &[1.0, 2.0, 3.0]);
        buckets.add(i64::MIN, 1.0);
        buckets.add(i64::MAX, 1.0);
        assert_eq!(buckets.samples(), 1);
    }
}
