//! The sets of a check over time, of which only the changes are stored: made when they are asked for.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::set::Instances;
use crate::bytes::Short;
use crate::limits::INSTANCE_SETS_RECENT;

/// How a set follows from the one before it.
pub(crate) trait Steps {
    /// The latest step at or before this one that does not depend on the one before it.
    fn base(&self, step: usize) -> usize;

    /// The set after a step, from the set after the step before.
    fn apply(&self, step: usize, before: Instances) -> Result<Instances, Short>;
}

/// The sets that were asked for lately. Going forward costs what has changed; going back, at times a replay from the
/// base.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    /// The step after the last of `sets`.
    end: usize,
    /// The sets after consecutive steps.
    sets: VecDeque<Instances>,
}

impl History {
    /// What the largest set that it remembers is charged for; the others share with it what they have in common.
    pub(crate) fn bytes(&self) -> usize {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.sets.iter().map(Instances::bytes).max().unwrap_or(0)
    }

    /// The set after a step.
    pub(crate) fn at(&self, steps: &impl Steps, step: usize) -> Result<Instances, Short> {
        // Whatever a panic left there was whole: sets are only ever pushed.
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recent.end - recent.sets.len();
        if let Some(set) = step.checked_sub(first).and_then(|at| recent.sets.get(at)) {
            return Ok(set.clone());
        }
        let base = steps.base(step);
        if step < recent.end || recent.end <= base {
            recent.sets.clear();
            recent.end = base;
        }
        // What is far before the set that was asked for is not remembered, so it is changed in place.
        let far = step - recent.end >= INSTANCE_SETS_RECENT;
        let last = if far { recent.sets.pop_back() } else { recent.sets.back().cloned() };
        if far {
            recent.sets.clear();
        }
        let mut set = last.unwrap_or_default();
        while recent.end <= step {
            set = steps.apply(recent.end, set).inspect_err(|Short| *recent = Recent::default())?;
            recent.end += 1;
            if step < recent.end - 1 + INSTANCE_SETS_RECENT {
                if recent.sets.len() == INSTANCE_SETS_RECENT {
                    recent.sets.pop_front();
                }
                recent.sets.push_back(set.clone());
            }
        }
        Ok(set)
    }
}
