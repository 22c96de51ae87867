//! The runs after a position in order of arrival: a durable cursor into the store.
//!
//! Run numbers of files do not overlap, so the files are read one after the other; within a segment, runs are
//! gathered in windows of consecutive numbers, each of which decodes the chunks that have some.

use std::collections::VecDeque;
use std::sync::Arc;

use super::snapshot::{Part, Snapshot};
use crate::error::Result;
use crate::limits::ARRIVALS_WINDOW;
use crate::log::LogImage;
use crate::position::Position;
use crate::run::Run;
use crate::segment::Segment;

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
    /// Offsets of damaged chunks of this part that have been reported.
    reported: Vec<u64>,
    ready: VecDeque<Result<Arrived>>,
}

impl Snapshot {
    /// The runs after a position, in order of arrival. What is damaged is an error where it would have been, and then
    /// it goes on.
    pub fn since(&self, position: Position) -> Arrivals<'_> {
        Arrivals { snapshot: self, part: 0, next: position.0, reported: Vec::new(), ready: VecDeque::new() }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Result<Arrived>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let more = match self.snapshot.parts().get(self.part)? {
                Part::Log(image) => self.log(image),
                Part::Segment(segment) => self.segment(segment),
            };
            if !more {
                self.part += 1;
                self.reported.clear();
            }
        }
    }
}

fn arrived(seq: u64, check: &Arc<str>, run: Run) -> Arrived {
    Arrived { position: Position(seq.saturating_add(1)), check: Arc::clone(check), run }
}

impl Arrivals<'_> {
    /// Gathers a window of a log; `false` if there is nothing more in it.
    fn log(&mut self, image: &LogImage) -> bool {
        let mut left = true;
        for row in image.arrivals(self.next).take(ARRIVALS_WINDOW) {
            let run = image.run(self.snapshot.disk(), row);
            self.ready.push_back(run.map(|run| arrived(row.seq, image.check(row), run)));
            self.next = row.seq.saturating_add(1);
            left = false;
        }
        !left
    }

    /// Gathers a window of a segment; `false` if there is nothing more in it.
    fn segment(&mut self, segment: &Segment) -> bool {
        let (low, mut beyond) = (self.next.max(segment.start()), None::<u64>);
        let high = low.saturating_add(ARRIVALS_WINDOW as u64);
        let mut found: Vec<(u64, Result<Arrived>)> = Vec::new();
        let mut later = |seq: u64| beyond = Some(beyond.map_or(seq, |known| known.min(seq)));
        for (index, (check, extent)) in segment.checks().enumerate() {
            let name: Arc<str> = Arc::from(check);
            let chunks = segment.chunks_at(index).unwrap_or_else(|error| {
                if extent.seq_max >= low && !self.reported.contains(&(index as u64)) {
                    self.reported.push(index as u64);
                    found.push((extent.seq_min.max(low), Err(error)));
                }
                &[]
            });
            for chunk in chunks.iter().filter(|chunk| chunk.seq_max >= low) {
                if chunk.seq_min >= high {
                    later(chunk.seq_min);
                    continue;
                }
                let read = || {
                    let bytes = segment.chunk(chunk)?;
                    let bad = segment.bad(chunk);
                    let header = bytes.header().map_err(&bad)?;
                    let seqs = bytes.seqs(&header).map_err(&bad)?;
                    let here = seqs.iter().any(|seq| (low..high).contains(&(*seq as u64)));
                    let rows = here.then(|| bytes.rows(&header).map_err(&bad)).transpose()?;
                    Ok((seqs, rows))
                };
                match read() {
                    Err(_) if self.reported.contains(&chunk.at) => {}
                    Err(error) => {
                        self.reported.push(chunk.at);
                        found.push((chunk.seq_min.max(low), Err(error)));
                    }
                    Ok((seqs, rows)) => {
                        seqs.iter().map(|seq| *seq as u64).filter(|seq| *seq >= high).for_each(&mut later);
                        let Some(rows) = rows else { continue };
                        for (row, seq) in seqs.into_iter().map(|seq| seq as u64).enumerate() {
                            if (low..high).contains(&seq) {
                                let run = rows.run(row).map_err(|_| segment.malformed(chunk));
                                found.push((seq, run.map(|run| arrived(seq, &name, run))));
                            }
                        }
                    }
                }
            }
        }
        found.sort_by_key(|(seq, _)| *seq);
        self.ready.extend(found.into_iter().map(|(_, run)| run));
        self.next = beyond.unwrap_or(low);
        beyond.is_some()
    }
}
