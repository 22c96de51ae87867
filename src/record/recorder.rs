//! The thread that owns the store's writer.
//!
//! A run that cannot be stored waits in the backlog and is tried again; nothing else waits for it. The thread never
//! ends on an error: a store that cannot be opened or written is tried again every [`RECORD_RETRY`].
//!
//! Waking a thread and writing cost the same for one run as for twenty. So runs that come soon after a write are gathered
//! for the next one, for at most [`RECORD_GATHER`], but not while somebody asked for one of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use custos_store::{Error, Options, Run, Space, Writer};

use super::backlog::Backlog;
use crate::agent::StoreHealth;
use crate::clock::{self, Moment, micros};
use crate::config::SyncPolicy;
use crate::limits::{RECORD_BATCH_MAX_RUNS, RECORD_CHANNEL_MAX_RUNS, RECORD_GATHER, RECORD_RETRY};
use crate::lock::locked;

/// The longest wait for a run when nothing else is to be done.
const IDLE: Duration = Duration::from_secs(10);

enum Message {
    Run(Arc<str>, Box<Run>),
    /// Store everything and end; the sender is told when that is done.
    Finish(Sender<()>),
}

/// The way to the store. Dropping it without [`Recorder::finish`] loses what still waits.
#[derive(Debug)]
pub struct Recorder {
    messages: Sender<Message>,
    /// Ends the gathering.
    hurry: Sender<()>,
    health: Arc<Mutex<StoreHealth>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts recording into the store at `dir`, with a writer if the store could be opened for writing.
    pub fn start(
        dir: PathBuf,
        writer: Result<Writer, Error>,
        sync: SyncPolicy,
    ) -> Result<Recorder, std::io::Error> {
        // Bounded, but the thread always empties it: a sender waits for one write of the store at most.
        let (messages, inbox) = bounded(RECORD_CHANNEL_MAX_RUNS);
        let (hurry, hurried) = bounded(1);
        let health = Arc::new(Mutex::new(StoreHealth::default()));
        let mut keeper = Keeper {
            dir,
            writer: None,
            sync,
            backlog: Backlog::default(),
            hurried,
            written_us: 0,
            synced_us: 0,
            unsynced: false,
            retry_us: None,
            refusing: None,
            stored: 0,
            health: Arc::clone(&health),
        };
        keeper.opened(writer, clock::now());
        let thread = std::thread::Builder::new()
            .name("custos-record".to_owned())
            .spawn(move || keeper.serve(&inbox))?;
        Ok(Recorder { messages, hurry, health, thread: Some(thread) })
    }

    /// Hands over a run.
    pub fn record(&self, check: Arc<str>, run: Box<Run>) {
        let asked = !run.origin.is_empty();
        // The thread ends only in `finish`, so the run has a taker.
        let _ = self.messages.send(Message::Run(check, run));
        if asked || self.messages.len() > RECORD_CHANNEL_MAX_RUNS / 2 {
            // One that is there already will do.
            let _ = self.hurry.try_send(());
        }
    }

    /// How the store is doing.
    pub fn health(&self) -> StoreHealth {
        locked(&self.health).clone()
    }

    /// Stores and syncs what waits, and closes the store.
    pub fn finish(mut self) -> StoreHealth {
        let (done, wait) = bounded(1);
        if self.messages.send(Message::Finish(done)).is_ok() {
            let _ = self.hurry.try_send(());
            let _ = wait.recv();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.health()
    }
}

struct Keeper {
    dir: PathBuf,
    writer: Option<Writer>,
    sync: SyncPolicy,
    backlog: Backlog,
    hurried: Receiver<()>,
    written_us: u64,
    synced_us: u64,
    unsynced: bool,
    retry_us: Option<u64>,
    refusing: Option<(String, i64)>,
    stored: u64,
    health: Arc<Mutex<StoreHealth>>,
}

impl Keeper {
    fn serve(&mut self, inbox: &Receiver<Message>) {
        loop {
            let finish = self.take(inbox);
            let now = clock::now();
            self.store(now, finish.is_some());
            self.sync(now, finish.is_some());
            if finish.is_some() {
                self.close();
            }
            self.publish();
            if let Some(done) = finish {
                let _ = done.send(());
                return;
            }
        }
    }

    /// Waits for a run, gathers, then takes all that are there. Returns the sender to tell when it is to end.
    fn take(&mut self, inbox: &Receiver<Message>) -> Option<Sender<()>> {
        let first = match inbox.recv_timeout(self.patience()) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return None,
            // All senders are gone: there is nobody to tell.
            Err(RecvTimeoutError::Disconnected) => return Some(bounded(1).0),
        };
        let since = clock::now().mono_us.saturating_sub(self.written_us);
        if let Some(left_us) = micros(RECORD_GATHER).checked_sub(since) {
            // Hurried or not, there is something to write.
            let _ = self.hurried.recv_timeout(Duration::from_micros(left_us));
        }
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(message) = next {
            match message {
                Message::Run(check, run) => self.backlog.push(check, run),
                Message::Finish(done) => return Some(done),
            }
            taken += 1;
            next = if taken < RECORD_BATCH_MAX_RUNS { inbox.try_recv().ok() } else { None };
        }
        None
    }

    fn patience(&self) -> Duration {
        match (self.retry_us, self.sync) {
            (Some(_), _) => RECORD_RETRY,
            (None, SyncPolicy::Interval(every)) if self.unsynced => every,
            _ => IDLE,
        }
    }

    fn store(&mut self, now: Moment, last_chance: bool) {
        if self.retry_us.is_some_and(|at| now.mono_us < at) && !last_chance {
            return;
        }
        if self.writer.is_none() {
            let opened = Writer::open(&self.dir, Options::default());
            self.opened(opened, now);
        }
        let mut batch_max = RECORD_BATCH_MAX_RUNS;
        while let Some(writer) = &mut self.writer
            && self.backlog.len() > 0
        {
            let batch = self.backlog.head(batch_max);
            let count = batch.len();
            match writer.append(&batch) {
                Ok(_) => {
                    self.backlog.remove(count);
                    self.stored += count as u64;
                    self.unsynced = true;
                    self.written_us = now.mono_us;
                    self.recovered();
                }
                // One run of the batch may be too large: store the others one by one.
                Err(Error::RunTooLarge { .. }) if count > 1 => batch_max = 1,
                Err(error @ Error::RunTooLarge { .. }) => {
                    tracing::error!("a run is not stored: {error}");
                    self.backlog.refuse_first();
                }
                Err(error) => {
                    // What a failed sync left behind is not known: only opening it anew finds out.
                    if matches!(error, Error::Refusing { .. }) {
                        self.writer = None;
                    }
                    self.refused(&error, now);
                    return;
                }
            }
        }
    }

    fn opened(&mut self, writer: Result<Writer, Error>, now: Moment) {
        match writer {
            Ok(writer) => {
                self.writer = Some(writer);
                self.synced_us = now.mono_us;
                self.retry_us = None;
            }
            Err(error) => self.refused(&error, now),
        }
    }

    fn recovered(&mut self) {
        self.retry_us = None;
        if let Some((_, since_ms)) = self.refusing.take() {
            tracing::info!(since_ms, "runs are stored again");
        }
    }

    fn refused(&mut self, error: &Error, now: Moment) {
        self.retry_us = Some(now.mono_us + micros(RECORD_RETRY));
        let since_ms = self.refusing.as_ref().map_or(now.wall_ms, |refusing| refusing.1);
        if self.refusing.is_none() {
            tracing::error!("runs are not stored: {error}");
        }
        self.refusing = Some((error.to_string(), since_ms));
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
        let synced = writer.sync();
        self.synced_us = now.mono_us;
        self.unsynced = false;
        if let Err(error) = synced {
            self.writer = None;
            self.refused(&error, now);
        }
    }

    fn close(&mut self) {
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.close()
        {
            tracing::error!("failed to close the store: {error}");
        }
    }

    fn publish(&self) {
        let writer = self.writer.as_ref().map(Writer::health);
        let low = writer.as_ref().filter(|health| health.space == Space::Low);
        let health = StoreHealth {
            refusing: self.refusing.clone(),
            low_space: low.and_then(|health| health.free_bytes),
            maintenance_error: writer.as_ref().and_then(|health| health.maintenance_error.clone()),
            stored_runs: self.stored,
            waiting_runs: self.backlog.len() as u64,
            dropped_runs: self.backlog.dropped(),
        };
        *locked(&self.health) = health;
    }
}
