//! What differs between two sets, found without looking at what they share.

use std::cmp::Ordering;
use std::sync::Arc;

use super::instance::{Block, Instance};

/// A difference between two sets of instances.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The instance as it was; absent if it is new.
    pub before: Option<&'a Arc<Instance>>,
    /// The instance as it is; absent if it is gone.
    pub after: Option<&'a Arc<Instance>>,
    /// How many instances of the set before come before this one.
    pub(super) index: usize,
}

/// Goes through a set, by blocks and within them.
#[derive(Clone, Debug)]
struct Walk<'a> {
    blocks: &'a [Arc<Block>],
    at: usize,
    passed: usize,
}

impl<'a> Walk<'a> {
    fn new(blocks: &'a [Arc<Block>]) -> Walk<'a> {
        Walk { blocks, at: 0, passed: 0 }
    }

    fn head(&self) -> Option<&'a Arc<Instance>> {
        self.blocks.first().map(|block| &block[self.at])
    }

    /// The block whose first instance is next.
    fn whole_block(&self) -> Option<&'a Arc<Block>> {
        self.blocks.first().filter(|_| self.at == 0)
    }

    fn step(&mut self) {
        self.at += 1;
        self.passed += 1;
        if self.blocks.first().is_some_and(|block| self.at >= block.len()) {
            self.at = 0;
            self.blocks = &self.blocks[1..];
        }
    }

    fn skip_block(&mut self) {
        if let Some((block, rest)) = self.blocks.split_first() {
            self.passed += block.len() - self.at;
            self.at = 0;
            self.blocks = rest;
        }
    }
}

/// Iterates over the differences between two sets, in order of the labels; see
/// [`Instances::changes_since`](super::Instances::changes_since).
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    before: Walk<'a>,
    after: Walk<'a>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(before: &'a [Arc<Block>], after: &'a [Arc<Block>]) -> Changes<'a> {
        Changes { before: Walk::new(before), after: Walk::new(after) }
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        loop {
            if let (Some(old), Some(new)) = (self.before.whole_block(), self.after.whole_block())
                && Arc::ptr_eq(old, new)
            {
                self.before.skip_block();
                self.after.skip_block();
                continue;
            }
            let (before, after) = (self.before.head(), self.after.head());
            let order = match (before, after) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) if Arc::ptr_eq(old, new) => {
                    self.before.step();
                    self.after.step();
                    continue;
                }
                (Some(old), Some(new)) => old.labels.cmp(&new.labels),
            };
            let index = self.before.passed;
            let (before, after) = match order {
                Ordering::Less => (before, None),
                Ordering::Greater => (None, after),
                Ordering::Equal => (before, after),
            };
            before.iter().for_each(|_| self.before.step());
            after.iter().for_each(|_| self.after.step());
            if before != after {
                return Some(Change { before, after, index });
            }
        }
    }
}
