//! What the recorder and its thread share.

use std::sync::Mutex;

use custos_store::{Error, Run, Writer};
use tokio::sync::watch;

use super::health::StoreHealth;
use super::queue::Queue;
use super::written::Written;
use crate::clock::Moment;
use crate::lock::locked;

/// Opens the store for writing, at the start and whenever it has to be opened anew.
pub type Opening = Box<dyn FnMut() -> Result<Writer, Error> + Send>;

/// What the recorder and its thread share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    /// The health of the store, without what the queue counts.
    pub(super) state: Mutex<StoreHealth>,
    /// Since when the thread has been in an operation of the disk.
    pub(super) busy_since: Mutex<Option<Moment>>,
    pub(super) written: watch::Sender<Written>,
}

impl Shared {
    /// Performs an operation that the disk may delay, so that a stall is noticed.
    pub(super) fn busy<T>(&self, now: Moment, operate: impl FnOnce() -> T) -> T {
        *locked(&self.busy_since) = Some(now);
        let done = operate();
        *locked(&self.busy_since) = None;
        done
    }

    /// Takes note of runs that were stored.
    pub(super) fn stored(&self, runs: &[(&str, &Run)]) {
        let mut state = locked(&self.state);
        state.stored_runs += runs.len() as u64;
        state.latest_ms = state.latest_ms.max(runs.iter().map(|(_, run)| run.time_ms).max());
    }
}
