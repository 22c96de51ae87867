//! The runs after a position in order of arrival: a durable cursor into the store.
//!
//! Run numbers of files do not overlap, so the files are read one after the other.

use std::sync::Arc;

use super::arrival_range::{ArrivalRange, Unread};
use super::feed::Feed;
use super::runs::span;
use super::snapshot::{Part, Snapshot};
use crate::damage::Damage;
use crate::error::{Error, Result};
use crate::log::{LogImage, RowRef};
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

/// Iterates over runs in order of arrival; see [`Snapshot::since`]. It keeps the snapshot that it reads.
pub struct Arrivals {
    snapshot: Snapshot,
    range: ArrivalRange,
    part: usize,
    next: u64,
    /// What is left of the segment that has been begun.
    feed: Option<Feed>,
    /// How often a chunk of the segments before it was decoded.
    decoded: u64,
}

impl Snapshot {
    /// The runs after a position, in order of arrival. What is damaged is an error where it would have been, and then
    /// it goes on.
    ///
    /// Memory is bounded by [`ARRIVALS_BYTES`](crate::limits::ARRIVALS_BYTES), a decoded chunk and a run. Each chunk is decoded once as long as those
    /// whose runs arrived interleaved fit into that.
    pub fn since(&self, position: Position) -> Arrivals {
        self.arrivals(ArrivalRange { from: position, ..ArrivalRange::default() })
    }

    /// Some runs, in order of arrival. Those of one check cost least: one decoded chunk is at hand, as a rule.
    pub fn arrivals(&self, range: ArrivalRange) -> Arrivals {
        Arrivals { snapshot: self.clone(), part: 0, next: range.from.0, range, feed: None, decoded: 0 }
    }
}

impl Arrivals {
    /// How often a chunk was decoded so far.
    pub fn chunks_decoded(&self) -> u64 {
        self.decoded + self.feed.as_ref().map_or(0, Feed::decoded)
    }

    /// The next run, or what cannot be read and which runs that costs; none at the end.
    pub fn next_or_unread(&mut self) -> Option<std::result::Result<Arrived, Unread>> {
        let times = span(&self.range.times);
        loop {
            let found = match self.snapshot.parts().get(self.part)? {
                Part::Log(image) => {
                    let image = Arc::clone(image);
                    self.log(&image)
                }
                Part::Segment(segment) if segment.end() <= self.next => None,
                Part::Segment(segment) if segment.start() >= self.range.until.0 => return None,
                Part::Segment(segment) => {
                    let feed = self.feed.get_or_insert_with(|| Feed::new(segment, self.next, &self.range));
                    match feed.next() {
                        Some(Ok((seq, check, run))) => Some(Ok(arrived(seq, check, run))),
                        Some(Err(unread)) => Some(Err(unread)),
                        None => None,
                    }
                }
            };
            match found {
                Some(Ok(arrived)) if !times.contains(&arrived.run.time_ms) => {}
                Some(found) => return Some(found),
                None => {
                    self.decoded += self.feed.take().map_or(0, |feed| feed.decoded());
                    self.part += 1;
                }
            }
        }
    }

    /// The next run of a log; none if there is nothing more in it.
    fn log(&mut self, image: &LogImage) -> Option<std::result::Result<Arrived, Unread>> {
        let times = span(&self.range.times);
        let wanted = |row: &&RowRef| times.contains(&row.time_ms);
        let row = match self.range.check.as_deref() {
            Some(check) => {
                let rows = image.rows(check);
                rows.iter_from(self.next).find(wanted)
            }
            None => image.arrivals(self.next).find(wanted),
        };
        let row = row.filter(|row| row.seq < self.range.until.0)?;
        self.next = row.seq.saturating_add(1);
        let check = Arc::clone(image.check(row));
        let run = match image.run(self.snapshot.disk(), row) {
            Ok(run) => run,
            Err(error) => return Some(Err(self.unread_row(image, row, &check, error))),
        };
        Some(Ok(arrived(row.seq, check, run)))
    }

    fn unread_row(&self, image: &LogImage, row: &RowRef, check: &str, error: Error) -> Unread {
        let path = self.snapshot.disk().path().join(image.name());
        let damage = matches!(error, Error::Damaged { .. }).then(|| Damage {
            check: Some(check.to_owned()),
            runs: Some(1),
            ..Damage::of(&error, &path, row.seq, row.seq.saturating_add(1))
        });
        Unread { error, damage }
    }
}

fn arrived(seq: u64, check: Arc<str>, run: Run) -> Arrived {
    Arrived { position: Position(seq.saturating_add(1)), check, run }
}

impl Iterator for Arrivals {
    type Item = Result<Arrived>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_or_unread().map(|found| found.map_err(|unread| unread.error))
    }
}
