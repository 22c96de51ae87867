//! The queue between the event loop and the recorder thread: a backlog under a lock that is held only for moments.
//!
//! Invariant: no disk operation happens under the lock, so recording never waits for the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use custos_store::Run;

use super::backlog::{Backlog, Named};
use super::pending_note::{NoteKept, NoteText, PendingNote};
use crate::limits::{RECORD_HURRY_RUNS, RECORD_NOTES_MAX};
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
    /// Notes that are to be written, the newest of each name.
    notes: BTreeMap<String, PendingNote>,
    /// Whether to write at once: somebody waits for one of the runs or notes, or there are many runs.
    hurry: bool,
    finish: bool,
    waits: Waits,
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.notes.is_empty()
    }

    /// The note of this name, which now says that; none if there is no room for it.
    fn put_note(&mut self, name: String, text: NoteText) -> Option<&mut PendingNote> {
        if self.notes.len() >= RECORD_NOTES_MAX && !self.notes.contains_key(&name) {
            return None;
        }
        let note = self.notes.entry(name).or_default();
        note.replace(text);
        Some(note)
    }
}

/// What the recorder thread waits for. Nothing else wakes it, as a wake-up costs more than the write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waits {
    /// It does not wait.
    #[default]
    Not,
    ForRuns,
    ForHurry,
    ForFinish,
}

/// What to do after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is nothing to write.
    Nothing,
    /// There are runs or notes to write.
    Runs,
    /// The agent ends: store everything that is there.
    Finish,
}

impl Queue {
    /// Adds a run. `asked`: a request waits for its answer.
    pub(super) fn push(&self, check: Arc<str>, run: Arc<Run>, asked: bool) {
        let mut inner = locked(&self.inner);
        inner.backlog.push(check, run);
        inner.hurry |= asked || inner.backlog.len() > RECORD_HURRY_RUNS;
        self.wake_if_awaited(inner);
    }

    /// Adds a note, in place of one of that name that was not written yet. Returns whether there was room for it.
    pub(super) fn push_note(&self, name: String, text: NoteText) -> bool {
        let mut inner = locked(&self.inner);
        let fits = inner.put_note(name, text).is_some();
        self.wake_if_awaited(inner);
        fits
    }

    /// Adds a note likewise, to be written at once, and has the caller wait for it.
    pub(super) fn push_awaited_note(&self, name: String, text: NoteText) -> NoteKept {
        let mut inner = locked(&self.inner);
        let kept = inner.put_note(name, text).map(PendingNote::wait);
        inner.hurry |= kept.is_some();
        self.wake_if_awaited(inner);
        kept.unwrap_or_else(NoteKept::given_up)
    }

    /// Tells whoever waits for a note why it is not written yet. It is written when that is possible.
    pub(super) fn refuse_notes(&self, why: &str) {
        let refused = Err(why.to_owned());
        locked(&self.inner)
            .notes
            .values_mut()
            .filter(|note| note.is_awaited())
            .for_each(|note| note.settle(&refused));
    }

    /// Takes out the notes that are to be written.
    pub(super) fn take_notes(&self) -> BTreeMap<String, PendingNote> {
        std::mem::take(&mut locked(&self.inner).notes)
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
            Waits::ForRuns => inner.finish || !inner.is_empty(),
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
        self.wait(Waits::ForRuns, at_most, |inner| !inner.is_empty())
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
            false if inner.is_empty() => Turn::Nothing,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_too_many_is_refused_unless_it_replaces_one() {
        let queue = Queue::default();
        let push = |name: usize, text: &str| queue.push_note(name.to_string(), text.to_owned().into());
        assert!((0..RECORD_NOTES_MAX).all(|name| push(name, "old")));
        assert!(!push(RECORD_NOTES_MAX, "new") && push(7, "new"));
        let mut notes = queue.take_notes();
        assert_eq!(notes.len(), RECORD_NOTES_MAX);
        assert_eq!(notes.remove("7").unwrap().text.made(), "new");
        assert!(push(RECORD_NOTES_MAX, "new"));
    }
}
