//! A vector that grows at its end, and whose clones share what they have in common.
//!
//! Items lie in blocks of `N`. A clone copies pointers to blocks; whoever changes a block that a clone has too copies
//! that block first. So an image of a log can be handed to readers while it goes on growing.

use std::sync::Arc;

/// See the head of this file. `N` is a power of two.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<T, const N: usize> {
    /// All but the last have `N` items; none is empty.
    blocks: Vec<Arc<Vec<T>>>,
}

impl<T, const N: usize> Default for Blocks<T, N> {
    fn default() -> Blocks<T, N> {
        const { assert!(N.is_power_of_two()) };
        Blocks { blocks: Vec::new() }
    }
}

impl<T, const N: usize> Blocks<T, N> {
    pub(crate) fn len(&self) -> usize {
        match self.blocks.split_last() {
            Some((last, full)) => full.len() * N + last.len(),
            None => 0,
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.blocks.get(index / N)?.get(index % N)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// The items from an index on.
    pub(crate) fn iter_from(&self, index: usize) -> impl Iterator<Item = &T> {
        let blocks = self.blocks.get(index / N..).unwrap_or_default();
        let first = blocks.first().and_then(|block| block.get(index % N..)).unwrap_or_default();
        first.iter().chain(blocks.iter().skip(1).flat_map(|block| block.iter()))
    }

    /// How many items at the start fulfil a condition that no item after them does.
    pub(crate) fn partition_point(&self, mut holds: impl FnMut(&T) -> bool) -> usize {
        let full = self.blocks.partition_point(|block| block.last().is_some_and(&mut holds));
        match self.blocks.get(full) {
            Some(block) => full * N + block.partition_point(&mut holds),
            None => self.len(),
        }
    }
}

impl<T: Clone, const N: usize> Blocks<T, N> {
    pub(crate) fn push(&mut self, item: T) {
        match self.blocks.last_mut().filter(|block| block.len() < N) {
            None => self.blocks.push(Arc::new(vec![item])),
            Some(block) => match Arc::get_mut(block) {
                Some(block) => block.push(item),
                None => {
                    // A copy that has room for more, as more will follow.
                    let mut copy = Vec::with_capacity((block.len() * 2).min(N));
                    copy.extend_from_slice(block);
                    copy.push(item);
                    *block = Arc::new(copy);
                }
            },
        }
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        Arc::make_mut(self.blocks.get_mut(index / N)?).get_mut(index % N)
    }

    /// Drops all items from an index on.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.blocks.truncate(len.div_ceil(N));
        if let Some(last) = self.blocks.get_mut(len / N) {
            Arc::make_mut(last).truncate(len % N);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_clone_stays_as_it_was(
            steps in prop::collection::vec((0..3_usize, 0..40_usize), 1..40),
        ) {
            let mut blocks: Blocks<usize, 8> = Blocks::default();
            let mut model: Vec<usize> = Vec::new();
            let mut clones = Vec::new();
            for (step, n) in steps {
                match step {
                    0 => (0..n).for_each(|_| {
                        blocks.push(model.len() * 2);
                        model.push(model.len() * 2);
                    }),
                    1 if n < model.len() => {
                        *blocks.get_mut(n).unwrap() += 1;
                        model[n] += 1;
                    }
                    2 if n.is_multiple_of(5) => {
                        blocks.truncate(model.len() - n.min(model.len()));
                        model.truncate(model.len() - n.min(model.len()));
                    }
                    _ => clones.push((blocks.clone(), model.clone())),
                }
                clones.push((blocks.clone(), model.clone()));
            }
            for (blocks, model) in clones {
                prop_assert_eq!(blocks.len(), model.len());
                prop_assert!(blocks.iter().eq(&model) && blocks.iter().rev().eq(model.iter().rev()));
                for at in 0..model.len() + 9 {
                    prop_assert_eq!(blocks.get(at), model.get(at));
                    prop_assert!(blocks.iter_from(at).eq(model.get(at..).unwrap_or_default()));
                }
                for bound in [0, 7, 30, 1000].into_iter().filter(|_| model.is_sorted()) {
                    let holds = |item: &usize| *item < bound;
                    prop_assert_eq!(blocks.partition_point(holds), model.partition_point(holds));
                }
            }
        }
    }
}
