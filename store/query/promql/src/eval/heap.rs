//! The greatest or least values of a group.
//!
//! Of equal values those are picked that Prometheus picks, which keeps them in a binary heap of Go's making: so the moves are
//! those of Go's `container/heap`.

use super::sort;

/// Up to so many of the best values with what they belong to, best first.
pub(super) fn best(
    present: impl Iterator<Item = (usize, f64)>,
    count: usize,
    descending: bool,
) -> Vec<(usize, f64)> {
    let mut heap = Heap { items: Vec::new(), descending };
    if count == 0 {
        return heap.items;
    }
    for item in present {
        if heap.items.len() < count {
            heap.items.push(item);
            heap.up(heap.items.len() - 1);
        } else if heap.is_better(item.1) {
            heap.items[0] = item;
            heap.down();
        }
    }
    heap.items.sort_by(|left, right| sort::values(left.1, right.1, descending));
    heap.items
}

/// The worst value is at the root, and NaN is worse than any.
struct Heap {
    items: Vec<(usize, f64)>,
    descending: bool,
}

impl Heap {
    fn is_worse(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.items[one].1, self.items[other].1);
        one.is_nan() || if self.descending { one < other } else { one > other }
    }

    /// Whether a value is better than the worst that was kept.
    fn is_better(&self, value: f64) -> bool {
        let worst = self.items[0].1;
        let beats = if self.descending { worst < value } else { worst > value };
        beats || worst.is_nan() && !value.is_nan()
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_worse(at, parent) {
                break;
            }
            self.items.swap(at, parent);
            at = parent;
        }
    }

    fn down(&mut self) {
        let mut at = 0;
        loop {
            let mut child = 2 * at + 1;
            if child >= self.items.len() {
                break;
            }
            if child + 1 < self.items.len() && self.is_worse(child + 1, child) {
                child += 1;
            }
            if !self.is_worse(child, at) {
                break;
            }
            self.items.swap(at, child);
            at = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(values: &[f64], count: usize, descending: bool) -> Vec<usize> {
        best(values.iter().copied().enumerate(), count, descending).into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn the_best_come_first_and_nan_last() {
        let values = [3.0, f64::NAN, 5.0, 1.0, 4.0];
        assert_eq!(picked(&values, 3, true), [2, 4, 0]);
        assert_eq!(picked(&values, 3, false), [3, 0, 4]);
        assert_eq!(picked(&values, 9, true), [2, 4, 0, 3, 1]);
        assert_eq!(picked(&values, 0, true), [0; 0]);
    }

    #[test]
    fn of_equal_values_those_are_picked_that_the_heap_of_go_keeps() {
        assert_eq!(picked(&[7.0, 7.0, 7.0], 1, true), [0]);
        // The first is at the root when 9 comes.
        assert_eq!(picked(&[7.0, 7.0, 9.0], 2, true), [2, 1]);
        assert_eq!(picked(&[f64::NAN, f64::NAN], 1, true), [0]);
    }
}
