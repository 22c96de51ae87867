//! The runs after a position in order of arrival: a durable cursor into the store.
//!
//! Run numbers of files do not overlap, so the files are read one after the other.

use std::sync::Arc;

use super::feed::Feed;
use super::snapshot::{Part, Snapshot};
use crate::error::Result;
use crate::log::LogImage;
use crate::position::Position;
use crate::run::Run;

/// A run as [`Snapshot::since`] hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// The position after this run: where to go on.
    pub position: Position,
    /// Name of the check.
    pub check: Arc<str>,
    /// The run.
    pub run: Run,
}

/// Iterates over runs in order of arrival; see [`Snapshot::since`].
pub struct Arrivals<'a> {
    snapshot: &'a Snapshot,
    part: usize,
    next: u64,
    /// What is left of the segment that has been begun.
    feed: Option<Feed<'a>>,
    /// How often a chunk of the segments before it was decoded.
    decoded: u64,
}

impl Snapshot {
    /// The runs after a position, in order of arrival. What is damaged is an error where it would have been, and then
    /// it goes on.
    ///
    /// Memory is bounded by [`ARRIVALS_BYTES`](crate::limits::ARRIVALS_BYTES), a decoded chunk and a run. Each chunk is
    /// decoded once as long as those whose runs arrived interleaved fit into that.
    pub fn since(&self, position: Position) -> Arrivals<'_> {
        Arrivals { snapshot: self, part: 0, next: position.0, feed: None, decoded: 0 }
    }
}

impl Arrivals<'_> {
    /// How often a chunk was decoded so far.
    pub fn chunks_decoded(&self) -> u64 {
        self.decoded + self.feed.as_ref().map_or(0, Feed::decoded)
    }

    /// The next run of a log; none if there is nothing more in it.
    fn log(&mut self, image: &LogImage) -> Option<Result<Arrived>> {
        let row = image.arrivals(self.next).next()?;
        self.next = row.seq.saturating_add(1);
        let run = image.run(self.snapshot.disk(), row);
        Some(run.map(|run| arrived(row.seq, Arc::clone(image.check(row)), run)))
    }
}

fn arrived(seq: u64, check: Arc<str>, run: Run) -> Arrived {
    Arrived { position: Position(seq.saturating_add(1)), check, run }
}

impl Iterator for Arrivals<'_> {
    type Item = Result<Arrived>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = match self.snapshot.parts().get(self.part)? {
                Part::Log(image) => self.log(image),
                Part::Segment(segment) if segment.end() <= self.next => None,
                Part::Segment(segment) => {
                    let feed = self.feed.get_or_insert_with(|| Feed::new(segment, self.next));
                    feed.next().map(|found| found.map(|(seq, check, run)| arrived(seq, check, run)))
                }
            };
            if found.is_some() {
                return found;
            }
            self.decoded += self.feed.take().map_or(0, |feed| feed.decoded());
            self.part += 1;
        }
    }
}
