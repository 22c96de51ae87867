//! The recorder: takes runs, reports the health of the store and the last position that is stored.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};
use custos_store::Run;
use tokio::sync::watch;

use super::health::StoreHealth;
use super::pending_note::{NoteKept, NoteText};
use super::shared::{Opening, Shared};
use super::writing::Writing;
use super::written::Written;
use crate::clock::{Moment, micros};
use crate::config::SyncPolicy;
use crate::limits::{RECORD_FINISH_MAX, RECORD_NOTES_MAX, RECORD_STALL};
use crate::lock::locked;

/// Hands runs to the store. Dropping it without [`Recorder::finish`] loses those that still wait.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    /// Ends when the store was opened, or that failed, for the first time.
    opened: Receiver<()>,
    /// Ends with the thread.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts recording into the store that `open` opens, on a thread of its own.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start(open: Opening, sync: SyncPolicy) -> std::io::Result<Recorder> {
        let shared = Arc::new(Shared::default());
        let writing = Writing::new(open, sync, Arc::clone(&shared));
        let (opened_sender, opened) = bounded(0);
        let (ended_sender, ended) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name("custos-record".to_owned()).spawn(move || {
            writing.serve(opened_sender);
            drop(ended_sender);
        })?;
        Ok(Recorder { shared, opened, ended, thread: Some(thread) })
    }

    /// Waits at most so long until it is known whether the store can be opened for writing. Whether or not it can,
    /// runs may be recorded.
    pub fn wait_until_opened(&self, at_most: Duration) {
        // Nothing is ever sent: the thread drops its end.
        let _ = self.opened.recv_timeout(at_most);
    }

    /// Hands over a run. Never waits for the store: runs beyond the queue's bounds are dropped, oldest first, and counted.
    pub fn record(&self, check: Arc<str>, run: Arc<Run>) {
        let asked = !run.origin.is_empty();
        self.shared.queue.push(check, run, asked);
    }

    /// Takes note of the latest time of what was stored before, in ms since the epoch.
    pub fn note_latest(&self, latest_ms: Option<i64>) {
        let mut state = locked(&self.shared.state);
        state.latest_ms = state.latest_ms.max(latest_ms);
    }

    /// Hands over a note: what a part of the agent must find again after a restart, see [`custos_store::Notes`]. Never waits
    /// for the store: a note that is not written yet gives way to a newer one of its name. One that the disk refuses is
    /// lost, and so is one for which too many wait; the log says which.
    pub fn note(&self, name: String, text: impl Into<NoteText>) {
        let named = name.clone();
        if !self.shared.queue.push_note(name, text.into()) {
            tracing::warn!("the note {named} is lost: {RECORD_NOTES_MAX} others wait for the store");
        }
    }

    /// Hands over a note likewise, to be written at once; the caller may wait until it is in the store.
    pub fn note_awaited(&self, name: String, text: impl Into<NoteText>) -> NoteKept {
        self.shared.queue.push_awaited_note(name, text.into())
    }

    /// The last position that is stored, and the last that is synced, now and whenever they change.
    pub fn written(&self) -> watch::Receiver<Written> {
        self.shared.written.subscribe()
    }

    /// Whether the store is this agent's: it was opened for writing, or only its disk keeps it from that.
    ///
    /// # Errors
    /// Why it is not, or not known to be: it is another's as long as that has its lock, or is being opened.
    pub fn is_ours(&self) -> Result<(), String> {
        let was_opened = self.shared.written.borrow().store.is_some();
        let state = locked(&self.shared.state);
        match &state.refusing {
            Some((why, _)) if !was_opened && state.anothers => Err(format!("failed to {why}")),
            None if !was_opened => Err("it is being opened".to_owned()),
            _ => Ok(()),
        }
    }

    /// The health of the store.
    pub fn health(&self, now: Moment) -> StoreHealth {
        let mut health = locked(&self.shared.state).clone();
        (health.waiting_runs, health.dropped_runs) = self.shared.queue.counts();
        let stalled = locked(&self.shared.busy_since)
            .filter(|since| now.mono_us.saturating_sub(since.mono_us) >= micros(RECORD_STALL));
        if let (Some(since), None) = (stalled, &health.refusing) {
            health.refusing =
                Some(("the disk does not finish what was asked of it".to_owned(), since.wall_ms));
        }
        health
    }

    /// Stores and syncs what waits, and closes the store. A store that takes too long for that is given up.
    pub fn finish(mut self, now: Moment) -> StoreHealth {
        self.shared.queue.finish();
        if self.ended.recv_timeout(RECORD_FINISH_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the store did not take the last runs in {} s", RECORD_FINISH_MAX.as_secs());
        } else if let Some(thread) = self.thread.take() {
            // It has ended; a panic in it has printed its message.
            let _ = thread.join();
        }
        self.health(now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use custos_store::disk::SimDisk;
    use custos_store::{Options, Position, State, Writer};

    use super::*;
    use crate::limits::RECORD_QUEUE_MAX_RUNS;

    /// Far more than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn on(disk: &SimDisk, sync: SyncPolicy) -> Recorder {
        let disk = disk.clone();
        let open = move || {
            let options = Options { background: false, ..Options::default() };
            Writer::open_on(Arc::new(disk.clone()), options)
        };
        Recorder::start(Box::new(open), sync).unwrap()
    }

    fn run(origin: &str) -> Arc<Run> {
        Arc::new(Run { origin: origin.to_owned(), ..Run::default() })
    }

    #[test]
    fn a_stalled_write_holds_up_nobody_who_records() {
        let disk = SimDisk::new();
        let recorder = on(&disk, SyncPolicy::Never);
        recorder.wait_until_opened(PATIENCE);
        disk.stall();
        recorder.record(Arc::from("first"), run(""));
        disk.wait_until_stalled();
        let (done, wait) = mpsc::channel();
        let recording = std::thread::spawn(move || {
            for _ in 0..RECORD_QUEUE_MAX_RUNS + 5 {
                recorder.record(Arc::from("more"), run(""));
            }
            done.send(()).unwrap();
            recorder
        });
        let blocked = wait.recv_timeout(PATIENCE).is_err();
        let before = disk.clone();
        if blocked {
            disk.resume();
        }
        let recorder = recording.join().unwrap();
        assert!(!blocked);
        // One run is being written, and as many as are allowed wait, itself included.
        let later = Moment { mono_us: u64::MAX, wall_ms: 0 };
        let health = recorder.health(later);
        assert_eq!((health.waiting_runs, health.dropped_runs), (RECORD_QUEUE_MAX_RUNS as u64, 6));
        assert!(health.refusing.is_some(), "a write that does not end must be noticed: {health:?}");
        before.resume();
        let health = recorder.finish(Moment::default());
        assert_eq!((health.waiting_runs, health.stored_runs), (0, RECORD_QUEUE_MAX_RUNS as u64));
        assert_eq!(health.refusing, None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn each_new_position_is_announced_when_stored_and_again_when_synced() {
        let disk = SimDisk::new();
        let recorder = on(&disk, SyncPolicy::Always);
        let mut written = recorder.written();
        let begun = *written.wait_for(|written| written.store.is_some()).await.unwrap();
        assert_eq!((begun.acknowledged, begun.synced), (Some(Position(0)), Some(Position(0))));
        recorder.record(Arc::from("a"), run("asked"));
        let first = Position(1);
        written.wait_for(|written| written.synced == Some(first)).await.unwrap();
        recorder.record(Arc::from("a"), run("asked"));
        let next = Position(first.0 + 1);
        let seen = *written.wait_for(|written| written.synced == Some(next)).await.unwrap();
        assert_eq!(seen.acknowledged, Some(next));
        // Stored runs and synced runs are announced separately.
        disk.fail_syncs(true);
        recorder.record(Arc::from("a"), run("asked"));
        let last = Position(next.0 + 1);
        let seen = *written.wait_for(|written| written.acknowledged == Some(last)).await.unwrap();
        assert_eq!(seen.synced, Some(next));
    }

    #[test]
    fn a_store_that_cannot_be_opened_is_tried_again() {
        let disk = SimDisk::new();
        let other = Writer::open_on(Arc::new(disk.clone()), Options::default()).unwrap();
        let recorder = on(&disk, SyncPolicy::Never);
        recorder.wait_until_opened(PATIENCE);
        recorder.record(Arc::from("a"), run(""));
        let health = recorder.health(Moment::default());
        assert!(health.refusing.is_some_and(|(why, _)| why.contains("is writing to it")));
        assert!(recorder.is_ours().unwrap_err().contains("is writing to it"));
        let mut written = recorder.written();
        drop(other);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(written.wait_for(|written| written.acknowledged == Some(Position(1)))).unwrap();
        assert_eq!(recorder.is_ours(), Ok(()));
        let health = recorder.finish(Moment::default());
        assert_eq!((health.refusing, health.waiting_runs, health.stored_runs), (None, 0, 1));
    }

    #[tokio::test]
    async fn a_note_that_cannot_be_kept_is_a_warning_until_another_is() {
        let disk = SimDisk::new();
        let recorder = on(&disk, SyncPolicy::Never);
        recorder.wait_until_opened(PATIENCE);
        let part = || recorder.health(Moment::default()).part(Moment::default());
        let too_large = "x".repeat(custos_store::limits::NOTE_BYTES_MAX + 1);
        let kept = recorder.note_awaited("n".to_owned(), too_large);
        assert!(kept.within(PATIENCE).await.unwrap_err().contains("it is too large"));
        assert_eq!(part().state(), State::Warning);
        assert_eq!(
            part().findings[0].text(),
            "a restart forgets what the agent noted: failed to keep the note \"n\": it is too large"
        );
        let kept = recorder.note_awaited("n".to_owned(), "x".to_owned());
        assert_eq!(kept.within(PATIENCE).await, Ok(()));
        assert_eq!(part().state(), State::Ok);
    }

    #[test]
    fn a_store_that_is_taken_away_is_noticed_and_what_it_had_is_saved() {
        let around = tempfile::tempdir().unwrap();
        let dir = around.path().join("store");
        let open = {
            let dir = dir.clone();
            move || Writer::open(&dir, Options { reserve_bytes: 0, ..Options::default() })
        };
        let recorder = Recorder::start(Box::new(open), SyncPolicy::Always).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut written = recorder.written();
        recorder.record(Arc::from("a"), run("asked"));
        let first = |written: &Written| written.synced == Some(Position(1));
        let store = runtime.block_on(written.wait_for(first)).unwrap().store;
        std::fs::remove_dir_all(&dir).unwrap();
        recorder.record(Arc::from("a"), run("asked"));
        runtime.block_on(written.wait_for(|written| written.store != store)).unwrap();
        recorder.record(Arc::from("a"), run("asked"));
        let health = recorder.finish(Moment::default());
        assert_eq!((health.refusing.clone(), health.stored_runs, health.dropped_runs), (None, 3, 0));
        let replaced = health.replaced.clone().unwrap();
        assert!(replaced.why.contains("was taken away") && replaced.rescued_runs == 2, "{replaced:?}");
        let at = |wall_ms| health.part(Moment { mono_us: 0, wall_ms }).state();
        assert_eq!(at(replaced.at_ms + 1000), State::Warning);
        assert_eq!(at(replaced.at_ms + 48 * 3_600_000), State::Ok);
        let reader = custos_store::Reader::open(&dir).unwrap();
        assert_eq!(reader.since(Position::START).filter(Result::is_ok).count(), 3);
    }
}
