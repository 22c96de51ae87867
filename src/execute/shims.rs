//! The agent's side of the shims: how many there are, and which of them runs a plugin.
//!
//! Invariant: each submitted ticket comes back exactly once, whatever becomes of the shims, unless the agent stops.

use std::sync::Arc;
use std::time::Duration;

use custos_shim::{Error, Launch, Report, Spec};
use tokio::sync::mpsc;

use super::lane::Lane;
use crate::limits::{REPORT_QUEUE_MAX, SHIM_CROWD, SHIM_SILENCE_MAX, SHIM_STOP_MAX, SHIMS_MAX, SHIMS_MIN};

/// The shims. Clones share them.
///
/// A shim starts one plugin at a time and waits until it executes. Where tasks wait for a processor, that wait is
/// milliseconds, so there may be several shims that wait side by side. A further one is started only when each that is
/// there has something to do, as an idle machine needs no more than one.
#[derive(Clone, Debug)]
pub struct Shims {
    lanes: Arc<[Lane]>,
}

/// What the shims are and how many.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// The program of a shim.
    pub launch: Launch,
    /// The most that there may be.
    pub shims_max: usize,
    /// A shim that owes reports and says nothing for so long is replaced.
    pub silence_max: Duration,
}

impl Default for Lanes {
    /// This program as the shim, one for each CPU within bounds.
    fn default() -> Lanes {
        let cpus = std::thread::available_parallelism().map_or(SHIMS_MIN, usize::from);
        Lanes {
            launch: Launch::default(),
            shims_max: cpus.clamp(SHIMS_MIN, SHIMS_MAX),
            silence_max: SHIM_SILENCE_MAX,
        }
    }
}

/// Where the reports come out.
#[derive(Debug)]
pub struct Reports {
    receiver: mpsc::Receiver<(u64, Report)>,
}

impl Reports {
    /// The next report with the ticket that it was submitted under; none once the shims have ended.
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
    pub fn start(lanes: &Lanes) -> Result<(Shims, Reports), Error> {
        let (sender, receiver) = mpsc::channel(REPORT_QUEUE_MAX);
        let first = Lane::start(lanes, sender.clone())?;
        let further = (1..lanes.shims_max).map(|_| Lane::start_later(lanes, sender.clone()));
        let lanes = std::iter::once(first).chain(further).collect();
        Ok((Shims { lanes }, Reports { receiver }))
    }

    /// Has a plugin run. What comes of it, even if it cannot be started, comes out of [`Reports`] with the ticket: at once
    /// if it is awaited, else perhaps some milliseconds later, with others.
    ///
    /// The ticket must not be that of a run whose report is still to come.
    pub fn submit(&self, ticket: u64, spec: &Spec, awaited: bool) {
        self.least_busy().submit(ticket, spec, awaited);
    }

    /// The lane that holds the fewest plugins; a new one if even that is crowded.
    fn least_busy(&self) -> &Lane {
        let (mut best, mut best_held) = (&self.lanes[0], usize::MAX);
        for lane in self.lanes.iter() {
            if !lane.is_awake() {
                return if best_held >= SHIM_CROWD { lane } else { best };
            }
            let held = lane.held();
            if held < best_held {
                (best, best_held) = (lane, held);
            }
        }
        best
    }

    /// Why plugins cannot be run at present, if they cannot.
    pub fn trouble(&self) -> Option<String> {
        self.lanes.iter().find_map(Lane::trouble)
    }

    /// The process ids of the shims' guards, each the parent of its worker; a shim that is being replaced has none.
    pub fn shim_pids(&self) -> Vec<u32> {
        self.lanes.iter().filter_map(Lane::shim_pid).collect()
    }

    /// Ends everything that runs, then the shims; waits for them for at most [`SHIM_STOP_MAX`]. Reports that nobody
    /// takes meanwhile are dropped.
    pub async fn stop(&self) {
        self.lanes.iter().for_each(Lane::stop);
        let all = async {
            for lane in self.lanes.iter() {
                lane.stopped().await;
            }
        };
        if tokio::time::timeout(SHIM_STOP_MAX, all).await.is_err() {
            self.lanes.iter().for_each(Lane::abort);
        }
    }
}
