//! Lists that several hold at once, and stretches of them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A stretch of a list, which is cut and cloned without copying what is in it.
pub struct Shared<T> {
    all: Arc<Vec<T>>,
    from: usize,
    to: usize,
}

impl<T> Shared<T> {
    /// A stretch of this one.
    ///
    /// # Panics
    /// If the stretch does not lie within this one, as with a slice.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Shared<T> {
        assert!(range.start <= range.end && range.end <= self.len(), "{range:?} of {}", self.len());
        let (from, to) = (self.from + range.start, self.from + range.end);
        Shared { all: Arc::clone(&self.all), from, to }
    }

    /// Whether both are the same stretch of the same list in memory.
    pub fn is_same(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.all, &other.all) && (self.from, self.to) == (other.from, other.to)
    }
}

impl<T: Clone> Shared<T> {
    /// A list of its own, copied only if others hold it, too, or more of it.
    pub fn into_vec(self) -> Vec<T> {
        if (self.from, self.to) != (0, self.all.len()) {
            return self.to_vec();
        }
        Arc::try_unwrap(self.all).unwrap_or_else(|all| all.to_vec())
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.all[self.from..self.to]
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(all: Vec<T>) -> Shared<T> {
        Shared { from: 0, to: all.len(), all: Arc::new(all) }
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Shared<T> {
        items.into_iter().collect::<Vec<T>>().into()
    }
}

impl<'s, T> IntoIterator for &'s Shared<T> {
    type Item = &'s T;
    type IntoIter = std::slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared { all: Arc::clone(&self.all), from: self.from, to: self.to }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Vec::new().into()
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        self.is_same(other) || **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_a_stretch_is_one_of_the_list() {
        let all: Shared<i32> = (0..10).collect();
        let part = all.part(2..8).part(1..3);
        assert_eq!(&*part, [3, 4]);
        assert!(part.is_same(&all.part(3..5)) && !part.is_same(&all.part(3..4)));
        assert!(!part.is_same(&[3, 4].into_iter().collect()) && part == [3, 4].into_iter().collect());
        assert_eq!((part.into_vec(), all.into_vec().len()), (vec![3, 4], 10));
    }
}
