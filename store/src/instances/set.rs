//! The set of a check's instances: immutable where it is shared, cheap to clone, cheap to change a little.
//!
//! A sorted list of sorted blocks, all of them shared. Changing one instance copies its block and the list of blocks,
//! unless this set is the only one that has them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::changes::Changes;
use super::instance::{Block, Instance};
use crate::error::{Error, Result};
use crate::limits::{INSTANCES_BYTES_MAX, INSTANCES_MAX};
use crate::state::State;

/// Instances in a block.
const BLOCK_MAX: usize = 64;
/// Instances that a new block begins with, so that there is room for more.
const BLOCK_NEW: usize = 48;
/// A block with fewer is joined to its neighbour if both together have no more than [`BLOCK_NEW`].
const BLOCK_MIN: usize = 16;

#[derive(Clone, Default)]
struct Content {
    /// In order of the labels; none is empty.
    blocks: Vec<Arc<Block>>,
    len: usize,
    bytes: usize,
    by_state: [usize; State::ALL.len()],
}

/// The instances of a check after a run, by their labels.
///
/// Cloning copies a pointer. A clone that is changed shares with the original what was not changed.
///
/// ```
/// use custos_store::{Instance, Instances, State};
/// let label = |value: &str| vec![("ifName".to_owned(), value.to_owned())];
/// let up = Instances::new([Instance::new(label("eth0")), Instance::new(label("eth1"))])?;
/// let mut down = up.clone();
/// down.insert(Instance { state: State::Critical, ..Instance::new(label("eth1")) })?;
/// assert_eq!((up.worst(), down.worst(), down.len()), (State::Ok, State::Critical, 2));
/// let changes: Vec<_> = down.changes_since(&up).filter_map(|change| change.after).collect();
/// assert_eq!(changes[0].labels, label("eth1"));
/// # Ok::<(), custos_store::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Instances {
    content: Option<Arc<Content>>,
}

/// Whether a set of that size respects the limits.
pub(super) fn check_size(len: usize, bytes: usize) -> Result<()> {
    let refuse = |what, found, limit| Err(Error::InstanceRefused { what, found, limit });
    if len > INSTANCES_MAX {
        return refuse("instances of a run", len, INSTANCES_MAX);
    }
    if bytes > INSTANCES_BYTES_MAX {
        return refuse("bytes in the instances of a run", bytes, INSTANCES_BYTES_MAX);
    }
    Ok(())
}

impl Content {
    /// Counts an instance in.
    fn count(&mut self, instance: &Instance) {
        self.len += 1;
        self.bytes += instance.bytes();
        self.by_state[usize::from(instance.state.code())] += 1;
    }

    /// Counts an instance out.
    fn discount(&mut self, instance: &Instance) {
        self.len -= 1;
        self.bytes -= instance.bytes();
        self.by_state[usize::from(instance.state.code())] -= 1;
    }

    /// Counts an instance as changed, by its state and bytes.
    fn recount(&mut self, was: (State, usize), is: (State, usize)) {
        self.bytes = self.bytes - was.1 + is.1;
        self.by_state[usize::from(was.0.code())] -= 1;
        self.by_state[usize::from(is.0.code())] += 1;
    }

    /// Block and index within it of the instance before which there are so many.
    fn nth(&self, index: usize) -> Option<(usize, usize)> {
        let mut left = index;
        for (at, block) in self.blocks.iter().enumerate() {
            if left < block.len() {
                return Some((at, left));
            }
            left -= block.len();
        }
        None
    }

    /// Block and index within it of an instance with these labels, or where it would be.
    fn find(&self, labels: &[(String, String)]) -> std::result::Result<(usize, usize), (usize, usize)> {
        let of = |instance: &Arc<Instance>| instance.labels.as_slice().cmp(labels);
        let before = |block: &Arc<Block>| block.last().is_some_and(|last| of(last) == Ordering::Less);
        let block = self.blocks.partition_point(before);
        match self.blocks.get(block) {
            Some(found) => found.binary_search_by(of).map(|at| (block, at)).map_err(|at| (block, at)),
            None => Err((block.saturating_sub(1), self.blocks.last().map_or(0, |last| last.len()))),
        }
    }

    fn put(&mut self, (block, at): (usize, usize), instance: Arc<Instance>) {
        let Some(shared) = self.blocks.get_mut(block) else {
            self.blocks.push(Arc::new(vec![instance]));
            return;
        };
        let own = Arc::make_mut(shared);
        own.insert(at, instance);
        if own.len() > BLOCK_MAX {
            let rest = own.split_off(BLOCK_MAX / 2);
            self.blocks.insert(block + 1, Arc::new(rest));
        }
    }

    fn take(&mut self, (block, at): (usize, usize)) -> Arc<Instance> {
        let own = Arc::make_mut(&mut self.blocks[block]);
        let instance = own.remove(at);
        let len = own.len();
        if len == 0 {
            self.blocks.remove(block);
        } else if len < BLOCK_MIN
            && self.blocks.get(block + 1).is_some_and(|next| len + next.len() <= BLOCK_NEW)
        {
            let next = self.blocks.remove(block + 1);
            Arc::make_mut(&mut self.blocks[block]).extend(next.iter().cloned());
        }
        instance
    }
}

impl Instances {
    /// A set of these; of two with the same labels, the later one.
    ///
    /// # Errors
    /// [`Error::InstanceRefused`] if a limit is exceeded.
    pub fn new(instances: impl IntoIterator<Item = Instance>) -> Result<Instances> {
        let mut all: Vec<Arc<Instance>> = Vec::new();
        for mut instance in instances {
            instance.settle();
            instance.check()?;
            all.push(Arc::new(instance));
        }
        all.sort_by(|one, other| one.labels.cmp(&other.labels));
        // The sort is stable; of equals the last one stays.
        all.reverse();
        all.dedup_by(|one, other| one.labels == other.labels);
        all.reverse();
        let mut content = Content::default();
        all.iter().for_each(|instance| content.count(instance));
        content.blocks = all.chunks(BLOCK_NEW).map(|block| Arc::new(block.to_vec())).collect();
        check_size(content.len, content.bytes)?;
        Ok(Instances { content: (content.len > 0).then(|| Arc::new(content)) })
    }

    /// Adds an instance, in place of the one that has its labels. Labels are sorted and a text that is too long is
    /// cut. One that equals what is there already leaves the set as it is.
    ///
    /// # Errors
    /// [`Error::InstanceRefused`] if the labels or the set would be beyond a limit; the set is as it was then.
    pub fn insert(&mut self, instance: impl Into<Arc<Instance>>) -> Result<()> {
        let mut instance: Arc<Instance> = instance.into();
        if !instance.is_settled() {
            Arc::make_mut(&mut instance).settle();
        }
        instance.check()?;
        let old = self.get(&instance.labels).map(|old| old.bytes());
        let len = self.len() + usize::from(old.is_none());
        check_size(len, self.bytes() + instance.bytes() - old.unwrap_or(0))?;
        self.place(instance);
        Ok(())
    }

    /// Adds an instance that is settled, whatever the size of the set.
    pub(super) fn place(&mut self, instance: Arc<Instance>) {
        let content = self.content.get_or_insert_default();
        match content.find(&instance.labels) {
            Ok((block, at)) if content.blocks[block][at] == instance => {}
            Ok((block, at)) => {
                let content = Arc::make_mut(content);
                content.count(&instance);
                let old = std::mem::replace(&mut Arc::make_mut(&mut content.blocks[block])[at], instance);
                content.discount(&old);
            }
            Err(position) => {
                let content = Arc::make_mut(content);
                content.count(&instance);
                content.put(position, instance);
            }
        }
    }

    /// Takes the instance with these labels out, if it is there.
    pub fn remove(&mut self, labels: &[(String, String)]) -> Option<Arc<Instance>> {
        let position = self.content.as_ref()?.find(labels).ok()?;
        self.take(position)
    }

    fn take(&mut self, position: (usize, usize)) -> Option<Arc<Instance>> {
        let content = Arc::make_mut(self.content.as_mut()?);
        let instance = content.take(position);
        content.discount(&instance);
        if content.len == 0 {
            self.content = None;
        }
        Some(instance)
    }

    /// The instance with these labels, which must be sorted by name.
    pub fn get(&self, labels: &[(String, String)]) -> Option<&Arc<Instance>> {
        let content = self.content.as_ref()?;
        content.find(labels).ok().map(|(block, at)| &content.blocks[block][at])
    }

    /// Takes out the instance before which there are so many.
    pub(super) fn remove_nth(&mut self, index: usize) -> Option<Arc<Instance>> {
        let position = self.content.as_ref()?.nth(index)?;
        self.take(position)
    }

    /// Changes the instance before which there are so many, but for its labels, whatever the size of the set.
    pub(super) fn change_nth<T>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Instance) -> T,
    ) -> Option<T> {
        let content = self.content.as_mut()?;
        let (block, at) = content.nth(index)?;
        let content = Arc::make_mut(content);
        let shared = &mut Arc::make_mut(&mut content.blocks[block])[at];
        let was = (shared.state, shared.bytes());
        let instance = Arc::make_mut(shared);
        let result = change(instance);
        let is = (instance.state, instance.bytes());
        content.recount(was, is);
        Some(result)
    }

    /// All instances in order of their labels.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.blocks().iter().flat_map(|block| block.iter())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.len)
    }

    /// `true` if there are none. That needs no memory.
    pub fn is_empty(&self) -> bool {
        self.content.is_none()
    }

    /// The worst of their states by [`State::severity`]; OK if there are none. Known without looking at them.
    pub fn worst(&self) -> State {
        let here = State::ALL.into_iter().filter(|state| self.count(*state) > 0);
        here.fold(State::Ok, State::worst)
    }

    /// How many are in a state. Known without looking at them.
    pub fn count(&self, state: State) -> usize {
        self.content.as_ref().map_or(0, |content| content.by_state[usize::from(state.code())])
    }

    /// What they are charged for against [`INSTANCES_BYTES_MAX`].
    pub fn bytes(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.bytes)
    }

    /// What differs from another set, in order of the labels. If one was made from the other, only what was changed is
    /// looked at, and the list of blocks.
    pub fn changes_since<'a>(&'a self, before: &'a Instances) -> Changes<'a> {
        let (old, new) = (before.blocks(), self.blocks());
        if self.is(before) { Changes::new(&[], &[]) } else { Changes::new(old, new) }
    }

    /// `true` if both are one in memory.
    pub(crate) fn is(&self, other: &Instances) -> bool {
        match (&self.content, &other.content) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    fn blocks(&self) -> &[Arc<Block>] {
        self.content.as_ref().map_or(&[], |content| &content.blocks)
    }
}

impl PartialEq for Instances {
    fn eq(&self, other: &Instances) -> bool {
        self.is(other) || (self.len() == other.len() && self.changes_since(other).next().is_none())
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
