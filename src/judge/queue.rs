//! The queue between the event loop and the judging thread: recorded runs and orders in one sequence.
//!
//! A run by itself wakes nobody, as a wake-up costs more than taking it in. An order does.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use custos_store::Run;

use crate::limits::{JUDGE_QUEUE_HURRY, JUDGE_QUEUE_MAX};
use crate::lock::locked;
use crate::rules::{External, JudgeOrder, RuleGroup};

/// What the judging thread is given.
#[derive(Debug)]
pub(super) enum Input {
    /// A run was recorded.
    Recorded(Arc<str>, Arc<Run>),
    /// A group is to be judged.
    Order(JudgeOrder),
    /// These groups are in force from now on, and their templates say this of the host.
    Groups(Vec<Arc<RuleGroup>>, External),
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: VecDeque<Input>,
    /// Whether the thread waits.
    is_idle: bool,
    /// Runs that found no room.
    lost: u64,
    is_ended: bool,
}

impl Queue {
    /// Adds a run. One for which there is no room is lost, and counted.
    pub(super) fn record(&self, check: Arc<str>, run: Arc<Run>) {
        let mut inner = locked(&self.inner);
        if inner.waiting.len() >= JUDGE_QUEUE_MAX {
            inner.lost += 1;
            return;
        }
        inner.waiting.push_back(Input::Recorded(check, run));
        let wakes = inner.is_idle && inner.waiting.len() >= JUDGE_QUEUE_HURRY;
        self.release(inner, wakes);
    }

    /// Adds something else. There is always room for it: of each group one order waits at most.
    pub(super) fn put(&self, input: Input) {
        let mut inner = locked(&self.inner);
        inner.waiting.push_back(input);
        let wakes = inner.is_idle;
        self.release(inner, wakes);
    }

    fn release(&self, mut inner: std::sync::MutexGuard<'_, Inner>, wakes: bool) {
        if wakes {
            inner.is_idle = false;
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// Has the thread end.
    pub(super) fn end(&self) {
        locked(&self.inner).is_ended = true;
        self.wake.notify_one();
    }

    /// Whether the thread is to end.
    pub(super) fn is_ended(&self) -> bool {
        locked(&self.inner).is_ended
    }

    /// All that waits, once that is worth it; none at the end. And how many runs were lost since.
    pub(super) fn take(&self) -> Option<(VecDeque<Input>, u64)> {
        let mut inner = locked(&self.inner);
        let is_hurried = |inner: &Inner| {
            let is_run = |input: &Input| matches!(input, Input::Recorded(..));
            inner.waiting.len() >= JUDGE_QUEUE_HURRY || !inner.waiting.iter().all(is_run)
        };
        while !inner.is_ended && !is_hurried(&inner) {
            inner.is_idle = true;
            inner = self.wake.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        inner.is_idle = false;
        if inner.is_ended {
            return None;
        }
        Some((std::mem::take(&mut inner.waiting), std::mem::take(&mut inner.lost)))
    }

    /// How many inputs wait.
    pub(super) fn len(&self) -> usize {
        locked(&self.inner).waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Because, JudgeOrder};

    fn order(at_ms: i64) -> Input {
        Input::Order(JudgeOrder { group: Arc::from("g"), at_ms, because: Because::Time })
    }

    #[test]
    fn runs_wait_for_an_order_and_all_come_in_their_order() {
        let queue = Queue::default();
        queue.record(Arc::from("a"), Arc::default());
        queue.put(order(5));
        queue.record(Arc::from("b"), Arc::default());
        let (taken, lost) = queue.take().unwrap();
        let names: Vec<String> = taken
            .iter()
            .map(|input| match input {
                Input::Recorded(check, _) => check.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!((names[0].as_str(), names[2].as_str(), names.len(), lost), ("a", "b", 3, 0));
        assert!(names[1].contains("at_ms: 5"));
        queue.end();
        assert!(queue.take().is_none());
    }

    #[test]
    fn runs_beyond_the_bound_are_counted_and_orders_are_not_refused() {
        let queue = Queue::default();
        for _ in 0..JUDGE_QUEUE_MAX + 3 {
            queue.record(Arc::from("a"), Arc::default());
        }
        queue.put(order(1));
        let (taken, lost) = queue.take().unwrap();
        assert_eq!((taken.len(), lost), (JUDGE_QUEUE_MAX + 1, 3));
    }
}
