//! A part of the history of a series, made ready to be searched.

use crate::bucket::Buckets;
use crate::limits::{BRIDGED_MAX, EMPTY_ONE_IN};

/// Buckets with short gaps bridged, and running sums over them. What is before and after the part is not known to it, so gaps at
/// its ends are not bridged.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// What was taken away from every value, so that 32 bits are enough.
    pub(crate) centre: f64,
    /// Means less the centre; 0 where there is none.
    pub(crate) means: Vec<f32>,
    /// The same with all bits: least, mean, greatest.
    pub(crate) curves: [Vec<f64>; 3],
    /// Which buckets have no sample.
    is_empty: Vec<bool>,
    /// For each bucket and the end: how many before it had no sample.
    pub(crate) empty: Vec<u32>,
    /// For each bucket and the end: how many before it have no value, as they are part of a longer gap.
    pub(crate) holes: Vec<u32>,
    /// For each bucket and the end: the sum of the means before it, and of their squares.
    pub(crate) sums: Vec<f64>,
    pub(crate) squares: Vec<f64>,
}

impl Block {
    /// The buckets, ready to be searched.
    pub fn new(buckets: &Buckets) -> Block {
        let mut block = Block::default();
        block.fill(buckets);
        block
    }

    /// Makes it one of other buckets, in the memory that it has.
    pub fn fill(&mut self, buckets: &Buckets) {
        let len = buckets.len();
        self.is_empty.clear();
        self.is_empty.extend(buckets.counts.iter().map(|count| *count == 0));
        let any_empty = self.is_empty.contains(&true);
        for (curve, values) in self.curves.iter_mut().zip([&buckets.least, &buckets.sums, &buckets.greatest])
        {
            curve.clear();
            curve.extend_from_slice(values);
        }
        // Dividing by 0 gives what is no number, as it should.
        let counts = self.curves[1].iter_mut().zip(&buckets.counts);
        counts.for_each(|(mean, count)| *mean /= f64::from(*count));
        if any_empty {
            for curve in &mut self.curves {
                let values = curve.iter_mut().zip(&self.is_empty).filter(|(_, empty)| **empty);
                values.for_each(|(value, _)| *value = f64::NAN);
                bridge(curve, &self.is_empty, BRIDGED_MAX);
            }
        }
        let known = self.curves[1].iter().filter(|mean| !mean.is_nan());
        let count = known.clone().count().max(1) as f64;
        self.centre = known.map(|mean| mean / count).sum::<f64>();
        let centre = self.centre;
        self.means.clear();
        self.means.extend(self.curves[1].iter().map(|mean| (mean - centre) as f32));
        for lists in [&mut self.empty, &mut self.holes] {
            lists.clear();
            lists.resize(len + 1, 0);
        }
        if any_empty {
            let (mut empty, mut holes) = (0, 0);
            for index in 0..len {
                let is_hole = self.curves[1][index].is_nan();
                if is_hole {
                    self.means[index] = 0.0;
                }
                empty += u32::from(self.is_empty[index]);
                holes += u32::from(is_hole);
                (self.empty[index + 1], self.holes[index + 1]) = (empty, holes);
            }
        }
        for lists in [&mut self.sums, &mut self.squares] {
            lists.clear();
            lists.push(0.0);
        }
        let (mut sum, mut squares) = (0.0, 0.0);
        for mean in &self.curves[1] {
            let value = if mean.is_nan() { 0.0 } else { mean - centre };
            sum += value;
            squares += value * value;
            self.sums.push(sum);
            self.squares.push(squares);
        }
    }

    /// Number of buckets.
    pub fn len(&self) -> usize {
        self.means.len()
    }

    /// `true` if there is no bucket.
    pub fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// Buckets of a window that had no sample.
    pub(crate) fn empty_in(&self, start: usize, len: usize) -> usize {
        (self.empty[start + len] - self.empty[start]) as usize
    }

    /// Whether too many buckets of a window had no sample.
    pub(crate) fn is_left_out(&self, start: usize, len: usize) -> bool {
        self.empty_in(start, len) * EMPTY_ONE_IN > len
    }

    /// Whether some buckets of a window have no value.
    pub(crate) fn has_holes(&self, start: usize, len: usize) -> bool {
        self.holes[start + len] > self.holes[start]
    }
}

/// Draws straight lines over gaps of at most so many buckets that have a value on either side.
pub(crate) fn bridge(curve: &mut [f64], is_empty: &[bool], longest: usize) {
    let mut at = 0;
    while at < curve.len() {
        if !is_empty[at] {
            at += 1;
            continue;
        }
        let end = is_empty[at..].iter().position(|empty| !empty).map_or(curve.len(), |len| at + len);
        let len = end - at;
        if at > 0 && end < curve.len() && len <= longest {
            let (before, after) = (curve[at - 1], curve[end]);
            for (index, value) in curve[at..end].iter_mut().enumerate() {
                let part = (index + 1) as f64 / (len + 1) as f64;
                *value = before + (after - before) * part;
            }
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gaps_are_bridged_and_long_ones_are_holes() {
        let mut buckets = Buckets::new(0, 10, 10);
        for (index, value) in [(1, 1.0), (3, 3.0), (6, 9.0)] {
            buckets.add(index * 10, value);
        }
        let block = Block::new(&buckets);
        let values: Vec<f64> = block.curves[1].clone();
        assert!(values[0].is_nan() && values[7].is_nan());
        assert_eq!(values[1..7], [1.0, 2.0, 3.0, 5.0, 7.0, 9.0]);
        assert_eq!((block.empty_in(0, 10), block.empty_in(1, 6)), (7, 3));
        assert!(block.has_holes(0, 2) && !block.has_holes(1, 6));
        assert!(block.is_left_out(1, 6) && !block.is_left_out(1, 1));
    }
}
