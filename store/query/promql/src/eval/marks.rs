//! Samples of a series at which something happens, found once for all windows.

use crate::source::Samples;

/// The indexes of samples that differ from the one before in some way, and those of the window that was asked for last.
pub(super) struct Marks {
    indexes: Vec<u32>,
    from: usize,
    to: usize,
}

impl Marks {
    /// Where a value is less than the one before.
    pub(super) fn falls(samples: &Samples) -> Marks {
        match &samples.integers {
            Some(integers) => Marks::of(integers, |before, after| after < before),
            None => Marks::of(&samples.values, |before, after| after < before),
        }
    }

    /// Where a value is another than the one before.
    pub(super) fn changes(samples: &Samples) -> Marks {
        let differ = |before: f64, after: f64| before != after && !(before.is_nan() && after.is_nan());
        match &samples.integers {
            Some(integers) => Marks::of(integers, |before, after| before != after),
            None => Marks::of(&samples.values, differ),
        }
    }

    /// None at all.
    pub(super) fn none() -> Marks {
        Marks { indexes: Vec::new(), from: 0, to: 0 }
    }

    fn of<T: Copy>(values: &[T], is_marked: impl Fn(T, T) -> bool) -> Marks {
        let pairs = values.windows(2).zip(1_u32..);
        let marked = pairs.filter(|(pair, _)| is_marked(pair[0], pair[1])).map(|(_, index)| index);
        Marks { indexes: marked.collect(), from: 0, to: 0 }
    }

    /// Those between the first sample of a window, which does not count, and the one after its last. Windows only move on.
    pub(super) fn within(&mut self, (from, to): (usize, usize)) -> &[u32] {
        let passed = |at: usize, index: usize| {
            at + self.indexes[at..].iter().take_while(|mark| (**mark as usize) < index).count()
        };
        (self.from, self.to) = (passed(self.from, from + 1), passed(self.to, to));
        self.indexes.get(self.from..self.to).unwrap_or(&[])
    }
}
