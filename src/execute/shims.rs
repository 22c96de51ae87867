//! The agent's side of the shims: how many there are, and which of them runs a plugin.
//!
//! Invariant: each submitted ticket comes back exactly once, whatever becomes of the shims, unless the agent stops.

use std::sync::Arc;

use custos_shim::{Error, Report, Spec};
use tokio::sync::mpsc;

use super::interference::Interference;
use super::shim_settings::ShimSettings;
use super::worker_slot::WorkerSlot;
use crate::limits::{REPORT_QUEUE_MAX, SHIM_CROWD, SHIM_STOP_MAX};
use crate::part::Part;

/// The shims. Clones share them.
///
/// A shim starts one plugin at a time and waits until it executes. Where tasks wait for a processor, that wait is
/// milliseconds, so there may be several shims that wait side by side. A further one is started only when each that is
/// there has several plugins ([`SHIM_CROWD`]), as an idle machine needs no more than one.
#[derive(Clone, Debug)]
pub struct Shims {
    slots: Arc<[WorkerSlot]>,
    interference: Arc<Interference>,
}

/// Receives the reports.
#[derive(Debug)]
pub struct Reports {
    receiver: mpsc::Receiver<(u64, Report)>,
}

impl Reports {
    /// The next report with its ticket; `None` once the shims have ended.
    pub async fn recv(&mut self) -> Option<(u64, Report)> {
        self.receiver.recv().await
    }

    /// The next report if it is there already.
    pub fn try_recv(&mut self) -> Option<(u64, Report)> {
        self.receiver.try_recv().ok()
    }
}

impl Shims {
    /// Starts the first shim. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(settings: &ShimSettings) -> Result<(Shims, Reports), Error> {
        let (sender, receiver) = mpsc::channel(REPORT_QUEUE_MAX);
        let interference = Arc::new(Interference::default());
        let first = WorkerSlot::start(settings, sender.clone(), &interference)?;
        let further =
            (1..settings.shims_max).map(|_| WorkerSlot::start_later(settings, sender.clone(), &interference));
        let slots = std::iter::once(first).chain(further).collect();
        Ok((Shims { slots, interference }, Reports { receiver }))
    }

    /// Runs a plugin. [`Reports`] yields its report with the ticket, also if it cannot be started: at once if it is awaited,
    /// else perhaps some milliseconds later, with others.
    ///
    /// The ticket must not be that of a run whose report is still to come.
    pub fn submit(&self, ticket: u64, spec: &Spec, awaited: bool) {
        self.least_busy().submit(ticket, spec, awaited);
    }

    /// The slot that has the fewest plugins; one whose shim is still to be started if even that is crowded.
    fn least_busy(&self) -> &WorkerSlot {
        let (mut best, mut best_held) = (&self.slots[0], usize::MAX);
        for slot in self.slots.iter() {
            if !slot.is_awake() {
                return if best_held >= SHIM_CROWD { slot } else { best };
            }
            let held = slot.held();
            if held < best_held {
                (best, best_held) = (slot, held);
            }
        }
        best
    }

    /// Whether plugins can be run, and what somebody did to the shims.
    pub fn part(&self) -> Part {
        let mut part = Part::new("plugins");
        if let Some(why) = self.trouble() {
            part.critical(format!("plugins cannot be started: {why}"));
        }
        self.interference.add_to(part)
    }

    /// Why plugins cannot be run at present, if they cannot.
    fn trouble(&self) -> Option<String> {
        self.slots.iter().find_map(WorkerSlot::trouble)
    }

    /// The process ids of the shims' guards, each the parent of its worker; a shim that is being replaced has none.
    pub fn shim_pids(&self) -> Vec<u32> {
        self.slots.iter().filter_map(WorkerSlot::shim_pid).collect()
    }

    /// Ends everything that runs, then the shims; waits for them for at most [`SHIM_STOP_MAX`]. Reports that
    /// are not received meanwhile are dropped.
    pub async fn stop(&self) {
        self.slots.iter().for_each(WorkerSlot::stop);
        let all = async {
            for slot in self.slots.iter() {
                slot.stopped().await;
            }
        };
        if tokio::time::timeout(SHIM_STOP_MAX, all).await.is_err() {
            self.slots.iter().for_each(WorkerSlot::abort);
        }
    }
}
