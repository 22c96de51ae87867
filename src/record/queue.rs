//! The way from whoever records to the thread that writes: a backlog under a lock that is held for moments only.
//!
//! Invariant: no disk operation happens under the lock, so recording never waits for the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use custos_store::Run;

use super::backlog::{Backlog, Named};
use crate::limits::RECORD_HURRY_RUNS;
use crate::lock::locked;

/// Runs on their way to the store.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    backlog: Backlog,
    /// Somebody waits for what one of the runs says, or there are many.
    hurry: bool,
    finish: bool,
    waits: Waits,
}

/// What the writing thread waits for. It is woken for nothing else, as a wake-up costs more than what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waits {
    /// It does not wait.
    #[default]
    Not,
    ForRuns,
    ForHurry,
    ForFinish,
}

/// What is to be done after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is no run to write.
    Nothing,
    /// There are runs to write.
    Runs,
    /// Everything that is there is to be stored, as it is the end.
    Finish,
}

impl Queue {
    /// Adds a run. `asked`: somebody waits for what it says.
    pub(super) fn push(&self, check: Arc<str>, run: Arc<Run>, asked: bool) {
        let mut inner = locked(&self.inner);
        inner.backlog.push(check, run);
        inner.hurry |= asked || inner.backlog.len() > RECORD_HURRY_RUNS;
        self.wake_if_awaited(inner);
    }

    /// Asks the writing thread to store what is there and to end.
    pub(super) fn finish(&self) {
        let mut inner = locked(&self.inner);
        (inner.finish, inner.hurry) = (true, true);
        self.wake_if_awaited(inner);
    }

    fn wake_if_awaited(&self, mut inner: MutexGuard<'_, Inner>) {
        let awaited = match inner.waits {
            Waits::Not => false,
            Waits::ForRuns => inner.finish || !inner.backlog.is_empty(),
            Waits::ForHurry => inner.hurry,
            Waits::ForFinish => inner.finish,
        };
        if awaited {
            inner.waits = Waits::Not;
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// Waits at most so long for a run.
    pub(super) fn wait_for_runs(&self, at_most: Duration) -> Turn {
        self.wait(Waits::ForRuns, at_most, |inner| !inner.backlog.is_empty())
    }

    /// Waits at most so long for a reason to hurry, while runs gather.
    pub(super) fn wait_for_hurry(&self, at_most: Duration) -> Turn {
        self.wait(Waits::ForHurry, at_most, |inner| inner.hurry)
    }

    /// Waits that long, whatever runs come.
    pub(super) fn wait_for_finish(&self, at_most: Duration) -> Turn {
        self.wait(Waits::ForFinish, at_most, |_| false)
    }

    fn wait(&self, waits: Waits, at_most: Duration, until: impl Fn(&Inner) -> bool) -> Turn {
        let mut inner = locked(&self.inner);
        inner.waits = waits;
        let waited = self.wake.wait_timeout_while(inner, at_most, |inner| !inner.finish && !until(inner));
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inner.waits = Waits::Not;
        match inner.finish {
            true => Turn::Finish,
            false if inner.backlog.is_empty() => Turn::Nothing,
            false => Turn::Runs,
        }
    }

    /// Takes out what is to be written next, see [`Backlog::take`].
    pub(super) fn take(&self, max: usize) -> Vec<Named> {
        let mut inner = locked(&self.inner);
        let batch = inner.backlog.take(max);
        inner.hurry &= !inner.backlog.is_empty();
        batch
    }

    /// The batch is done with, see [`Backlog::settle`].
    pub(super) fn settle(&self, unwritten: Vec<Named>, refused: u64) {
        locked(&self.inner).backlog.settle(unwritten, refused);
    }

    /// Runs that are not stored yet, and those that were dropped.
    pub(super) fn counts(&self) -> (u64, u64) {
        let inner = locked(&self.inner);
        (inner.backlog.len() as u64, inner.backlog.dropped())
    }
}
