//! The thread that owns the store's writer.
//!
//! A run that cannot be stored waits in the backlog and is tried again; nothing else waits for it. The thread never
//! ends on an error: a store that cannot be opened or written is tried again every [`RECORD_RETRY`]. One that was taken
//! away while it was being written is noticed within [`RECORD_LOOK`], and what is at its path then takes over what the lost
//! one had since.
//!
//! Waking a thread and writing cost the same for one run as for twenty. So runs that come soon after a write are gathered
//! for the next one, for at most [`RECORD_GATHER`], but not while somebody asked for one of them.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::Sender;
use custos_store::{Error, Leftover, Run, Space, Writer};

use super::health::Replaced;
use super::queue::Turn;
use super::shared::{Opening, Shared};
use super::written::Written;
use crate::clock::{self, Moment, micros};
use crate::config::SyncPolicy;
use crate::limits::{RECORD_BATCH_MAX_RUNS, RECORD_GATHER, RECORD_LOOK, RECORD_NOTES_LOST_MAX, RECORD_RETRY};
use crate::lock::locked;
use crate::text::human::counted_were;

/// The longest wait for a run when nothing else is to be done.
const IDLE: Duration = Duration::from_secs(10);

/// The writing side of the recorder.
pub(super) struct Writing {
    open: Opening,
    writer: Option<Writer>,
    sync: SyncPolicy,
    shared: Arc<Shared>,
    written_us: u64,
    synced_us: u64,
    unsynced: bool,
    looked_us: u64,
    retry_us: Option<u64>,
    /// What writers left that had to be given up.
    leftover: Leftover,
}

impl Writing {
    /// A thread's work that has not begun: the store is not open yet.
    pub(super) fn new(open: Opening, sync: SyncPolicy, shared: Arc<Shared>) -> Writing {
        Writing {
            open,
            writer: None,
            sync,
            shared,
            written_us: 0,
            synced_us: 0,
            unsynced: false,
            looked_us: 0,
            retry_us: None,
            leftover: Leftover::new(),
        }
    }

    /// Opens the store, drops `opened` to signal that this was tried, and stores runs until it has to finish.
    pub(super) fn serve(mut self, opened: Sender<()>) {
        self.try_open(clock::now());
        self.publish();
        drop(opened);
        loop {
            let finish = self.wait();
            let now = clock::now();
            self.store(now, finish);
            self.write_notes(now);
            self.sync(now, finish);
            self.look(now, finish);
            if finish {
                self.close();
            }
            self.publish();
            if finish {
                return;
            }
        }
    }

    /// Waits until there is something to do. Returns whether it is the end.
    fn wait(&self) -> bool {
        let now_us = clock::now().mono_us;
        let queue = &self.shared.queue;
        if let Some(at_us) = self.retry_us {
            let retry_in = Duration::from_micros(at_us.saturating_sub(now_us));
            return queue.wait_for_finish(retry_in.min(self.next_in(now_us))) == Turn::Finish;
        }
        let turn = queue.wait_for_runs(self.next_in(now_us));
        let since_us = clock::now().mono_us.saturating_sub(self.written_us);
        match micros(RECORD_GATHER).checked_sub(since_us) {
            Some(left_us) if turn == Turn::Runs => {
                queue.wait_for_hurry(Duration::from_micros(left_us)) == Turn::Finish
            }
            _ => turn == Turn::Finish,
        }
    }

    /// Time until the next sync or look is due.
    fn next_in(&self, now_us: u64) -> Duration {
        if self.writer.is_none() {
            return IDLE;
        }
        let look_us = self.looked_us.saturating_add(micros(RECORD_LOOK));
        let sync_us = match self.sync {
            SyncPolicy::Interval(every) if self.unsynced => self.synced_us.saturating_add(micros(every)),
            _ => u64::MAX,
        };
        Duration::from_micros(look_us.min(sync_us).saturating_sub(now_us))
    }

    fn store(&mut self, now: Moment, last_chance: bool) {
        if self.retry_us.is_some_and(|at| now.mono_us < at) && !last_chance {
            return;
        }
        self.retry_us = None;
        if self.writer.is_none() {
            self.try_open(now);
        }
        // Runs that are to be written one by one, as one of them may be too large.
        let mut singly = 0_usize;
        while let Some(writer) = &mut self.writer {
            let batch = self.shared.queue.take(if singly > 0 { 1 } else { RECORD_BATCH_MAX_RUNS });
            if batch.is_empty() {
                break;
            }
            singly = singly.saturating_sub(1);
            let runs: Vec<(&str, &Run)> = batch.iter().map(|(check, run)| (&**check, &**run)).collect();
            match self.shared.busy(now, || writer.append(&runs)) {
                Ok(_) => {
                    self.shared.queue.settle(Vec::new(), 0);
                    self.shared.stored(&runs);
                    self.shared.written.send_replace(Written::by(writer));
                    self.unsynced = true;
                    self.written_us = now.mono_us;
                    self.recovered();
                }
                Err(Error::RunTooLarge { .. }) if batch.len() > 1 => {
                    singly = batch.len();
                    self.shared.queue.settle(batch, 0);
                }
                Err(error @ Error::RunTooLarge { .. }) => {
                    tracing::error!(
                        check = batch.first().map(|(check, _)| &**check),
                        "a run is not stored: {error}"
                    );
                    self.shared.queue.settle(Vec::new(), 1);
                }
                Err(error) => {
                    self.shared.queue.settle(batch, 0);
                    // What a failed sync left behind is not known: only opening it anew finds out.
                    if matches!(error, Error::Refusing { .. } | Error::Displaced { .. }) {
                        self.give_up();
                    }
                    self.refused(&error, now);
                }
            }
            if self.retry_us.is_some() {
                return;
            }
        }
    }

    fn write_notes(&self, now: Moment) {
        let Some(writer) = &self.writer else {
            let refusing = locked(&self.shared.state).refusing.clone();
            let why = refusing.map_or_else(|| "the store is not open".to_owned(), |(why, _)| why);
            self.shared.queue.refuse_notes(&why);
            return;
        };
        for (name, mut note) in self.shared.queue.take_notes() {
            let text = std::mem::take(&mut note.text).made();
            let written = self.shared.busy(now, || writer.notes().write(&name, text.as_bytes()));
            let lost = &mut locked(&self.shared.state).lost_notes;
            match &written {
                Ok(()) => drop(lost.remove(&name)),
                Err(error) => {
                    tracing::warn!("{error}");
                    if lost.len() < RECORD_NOTES_LOST_MAX || lost.contains_key(&name) {
                        lost.insert(name, error.to_string());
                    }
                }
            }
            note.settle(&written.map_err(|error| error.to_string()));
        }
    }

    fn try_open(&mut self, now: Moment) {
        let (open, leftover) = (&mut self.open, &mut self.leftover);
        let opened = self.shared.busy(now, || {
            let mut writer = open()?;
            match writer.take_over(leftover) {
                Ok(rescued) => Ok((writer, rescued)),
                Err(error) => {
                    writer.give_up(leftover);
                    Err(error)
                }
            }
        });
        match opened {
            Ok((writer, rescued)) => {
                self.shared.written.send_replace(Written::by(&writer));
                self.writer = Some(writer);
                (self.synced_us, self.looked_us) = (now.mono_us, now.mono_us);
                self.unsynced |= rescued > 0;
                self.recovered();
                if let Some(replaced) = &mut locked(&self.shared.state).replaced {
                    replaced.rescued_runs += rescued;
                }
            }
            Err(error) => self.refused(&error, now),
        }
    }

    /// Ends a writer that takes no more runs. What it knows is kept for the next one.
    fn give_up(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        let lost = self.shared.busy(clock::now(), || writer.give_up(&mut self.leftover));
        if lost > 0 {
            tracing::error!(
                "{} lost: too many stores were taken away one after the other",
                counted_were(lost, "run")
            );
        }
    }

    /// Looks whether the store is still where it was.
    fn look(&mut self, now: Moment, last_chance: bool) {
        let due = now.mono_us >= self.looked_us.saturating_add(micros(RECORD_LOOK));
        let Some(writer) = self.writer.as_mut().filter(|_| due || last_chance) else { return };
        self.looked_us = now.mono_us;
        if let Err(error) = self.shared.busy(now, || writer.look()) {
            self.taken_away(&error, now);
        }
    }

    /// Goes on in what is at the path of the store now, if that can be opened.
    fn taken_away(&mut self, error: &Error, now: Moment) {
        self.give_up();
        tracing::error!("{error}; going on in what is there now");
        let mut state = locked(&self.shared.state);
        let before = state.replaced.take().unwrap_or_default();
        state.replaced = Some(Replaced { why: error.to_string(), at_ms: now.wall_ms, ..before });
        drop(state);
        self.try_open(now);
    }

    fn recovered(&mut self) {
        self.retry_us = None;
        let mut state = locked(&self.shared.state);
        state.anothers = false;
        if let Some((_, since_ms)) = state.refusing.take() {
            tracing::info!(since_ms, "runs are stored again");
        }
    }

    fn refused(&mut self, error: &Error, now: Moment) {
        self.retry_us = Some(now.mono_us + micros(RECORD_RETRY));
        let mut state = locked(&self.shared.state);
        let since_ms = state.refusing.as_ref().map_or(now.wall_ms, |refusing| refusing.1);
        if state.refusing.is_none() {
            tracing::error!("runs are not stored: {error}");
        }
        state.refusing = Some((error.to_string(), since_ms));
        state.anothers = is_anothers(error);
    }

    fn sync(&mut self, now: Moment, last_chance: bool) {
        let due = match self.sync {
            SyncPolicy::Always => true,
            SyncPolicy::Interval(every) => now.mono_us >= self.synced_us.saturating_add(micros(every)),
            SyncPolicy::Never => false,
        };
        if !self.unsynced || !(due || last_chance) {
            return;
        }
        let Some(writer) = &mut self.writer else { return };
        let synced = self.shared.busy(now, || writer.sync());
        self.synced_us = now.mono_us;
        self.unsynced = false;
        match synced {
            Ok(()) => {
                self.looked_us = now.mono_us;
                self.shared.written.send_replace(Written::by(writer));
            }
            Err(error @ Error::Displaced { .. }) => self.taken_away(&error, now),
            Err(error) => {
                self.give_up();
                self.refused(&error, now);
            }
        }
    }

    fn close(&mut self) {
        if let Some(writer) = self.writer.take()
            && let Err(error) = self.shared.busy(clock::now(), || writer.close())
        {
            tracing::error!("failed to close the store: {error}");
        }
        if !self.leftover.is_empty() {
            tracing::error!("what was in the store that was taken away could not be saved into another");
        }
    }

    fn publish(&self) {
        let writer = self.writer.as_ref().map(Writer::health);
        let low = writer.as_ref().filter(|health| health.space == Space::Low);
        let maintenance_error = writer.as_ref().and_then(|health| health.maintenance_error.clone());
        let mut state = locked(&self.shared.state);
        if let Some(why) = maintenance_error.as_ref().filter(|_| maintenance_error != state.maintenance_error)
        {
            tracing::error!("the store cannot be tidied up: {why}");
        }
        state.low_space = low.and_then(|health| health.free_bytes);
        state.maintenance_error = maintenance_error;
    }
}

/// Whether a store cannot be opened because it is another's, and not because of its disk.
fn is_anothers(error: &Error) -> bool {
    match error {
        Error::Locked { .. } | Error::NotOwner { .. } | Error::Exposed { .. } => true,
        Error::Io { source, .. } => source.kind() == ErrorKind::PermissionDenied,
        _ => false,
    }
}
