//! How the runs of a check ended, without the rest of them: times and states are a small part of what is stored.

use std::ops::Range;

use super::excerpts::{Excerpt, Excerpts};
use super::snapshot::Snapshot;
use crate::chunk::{Bad, ChunkBytes, Header};
use crate::error::Result;
use crate::run::{Reason, Run};
use crate::state::State;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunState {
    /// When it started, in ms since the epoch.
    pub time_ms: i64,
    /// What it was judged to be.
    pub state: State,
    /// Why.
    pub reason: Reason,
}

/// State and reason of each run.
struct OfStates;

impl Excerpt for OfStates {
    type Picked = (State, Reason);
    type Row = RunState;

    fn of_chunk(
        &self,
        bytes: &ChunkBytes<'_>,
        header: &Header,
    ) -> std::result::Result<Vec<Self::Picked>, Bad> {
        bytes.states(header)
    }

    fn of_run(&self, run: &Run) -> Self::Picked {
        (run.state, run.reason)
    }

    fn row(&self, time_ms: i64, (state, reason): Self::Picked) -> RunState {
        RunState { time_ms, state, reason }
    }
}

/// Iterates over batches of states; see [`Snapshot::states`].
pub struct States<'a>(Excerpts<'a, OfStates>);

impl Snapshot {
    /// How the runs of a check in a range of time ended (ms since the epoch; the end is excluded, but for `i64::MAX`),
    /// by time, then arrival, in batches. A damaged chunk is one error, and then it goes on.
    pub fn states(&self, check: &str, range: Range<i64>) -> States<'_> {
        States(Excerpts::new(self, check, &range, OfStates))
    }
}

impl Iterator for States<'_> {
    type Item = Result<Vec<RunState>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
