//! One number of each run of a check, without the rest of them.

use std::ops::Range;

use super::excerpts::{Excerpt, Excerpts};
use super::snapshot::Snapshot;
use crate::chunk::{Bad, ChunkBytes, Header};
use crate::error::Result;
use crate::figure::Figure;
use crate::run::{Reason, Run};

/// A number of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFigure {
    /// When the run started, in ms since the epoch.
    pub time_ms: i64,
    /// Why it has its state.
    pub reason: Reason,
    /// The number, if it is known.
    pub number: Option<u64>,
}

impl Excerpt for Figure {
    type Picked = (Reason, Option<u64>);
    type Row = RunFigure;

    fn of_chunk(
        &self,
        bytes: &ChunkBytes<'_>,
        header: &Header,
    ) -> std::result::Result<Vec<Self::Picked>, Bad> {
        bytes.figures(header, *self)
    }

    fn of_run(&self, run: &Run) -> Self::Picked {
        (run.reason, self.of(run))
    }

    fn row(&self, time_ms: i64, (reason, number): Self::Picked) -> RunFigure {
        RunFigure { time_ms, reason, number }
    }
}

/// Iterates over batches of numbers; see [`Snapshot::figures`].
pub struct Figures<'a>(Excerpts<'a, Figure>);

impl Snapshot {
    /// A number of each run of a check in a range of time (ms since the epoch; the end is excluded, but for `i64::MAX`), by
    /// time, then arrival, in batches. A damaged chunk is one error, and then it goes on.
    pub fn figures(&self, check: &str, figure: Figure, range: Range<i64>) -> Figures<'_> {
        Figures(Excerpts::new(self, check, &range, figure))
    }
}

impl Iterator for Figures<'_> {
    type Item = Result<Vec<RunFigure>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
