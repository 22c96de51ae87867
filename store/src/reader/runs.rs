//! The runs of a check in order of time, then arrival, or the reverse.
//!
//! Every file is a lane whose runs are in order; the lanes are joined run by run. A chunk is decoded when its first
//! run is due, so that a few runs at either end cost a chunk, not a history.

use std::ops::{Range, RangeInclusive};

use super::snapshot::{Part, Snapshot};
use crate::chunk::RowsIn;
use crate::error::{Error, Result};
use crate::log::{LogImage, RowRef};
use crate::run::Run;
use crate::segment::{ChunkRef, Segment};

/// Iterates over the runs of a check; see [`Snapshot::runs`]. A damaged chunk is one error, and then it goes on.
pub struct Runs<'a> {
    snapshot: &'a Snapshot,
    lanes: Vec<Lane<'a>>,
    span: RangeInclusive<i64>,
    reverse: bool,
}

enum Lane<'a> {
    Log {
        image: &'a LogImage,
        /// The next one is at the end.
        rows: Vec<RowRef>,
    },
    Segment {
        segment: &'a Segment,
        /// Those not loaded yet.
        chunks: &'a [ChunkRef],
        loaded: Option<(ChunkRef, Box<RowsIn>, Range<usize>)>,
    },
    /// Runs that a segment has but cannot tell of: their first and last time, and why, until that has been handed out.
    Lost { first_ms: i64, last_ms: i64, why: Option<Error> },
}

/// The span of a range of times. An end of `i64::MAX` includes that millisecond, as there is no later one.
pub(super) fn span(range: &Range<i64>) -> RangeInclusive<i64> {
    match range.end {
        i64::MAX => range.start..=i64::MAX,
        end if end > range.start => range.start..=end - 1,
        _ => RangeInclusive::new(1, 0),
    }
}

/// The chunks of a check that may have runs in a span.
///
/// # Errors
/// Where the segment does not tell its chunks, although it has runs of the span.
pub(super) fn chunks_in<'a>(
    segment: &'a Segment,
    check: &str,
    span: &RangeInclusive<i64>,
) -> Result<&'a [ChunkRef]> {
    let extent = segment.extent_of(check);
    if extent.is_none_or(|of| span.is_empty() || of.last_ms < *span.start() || of.first_ms > *span.end()) {
        return Ok(&[]);
    }
    let chunks = segment.chunks(check)?;
    let first = chunks.partition_point(|chunk| chunk.last_ms < *span.start());
    let end = chunks.partition_point(|chunk| chunk.first_ms <= *span.end());
    Ok(chunks.get(first..end).unwrap_or(&[]))
}

/// The rows of ascending times that are in a span.
pub(super) fn rows_in(times: &[i64], span: &RangeInclusive<i64>) -> Range<usize> {
    let start = times.partition_point(|time| time < span.start());
    // Not before the start, even if a damaged column is not ascending.
    start..times.partition_point(|time| time <= span.end()).max(start)
}

impl Lane<'_> {
    /// (time, number) of the next run, and whether it is at hand.
    fn head(&self, reverse: bool) -> Option<((i64, u64), bool)> {
        match self {
            Lane::Log { rows, .. } => rows.last().map(|row| ((row.time_ms, row.seq), true)),
            Lane::Segment { loaded: Some((_, rows, left)), .. } => {
                let row = if reverse { left.end - 1 } else { left.start };
                Some(((rows.times[row], rows.seqs[row] as u64), true))
            }
            Lane::Lost { why: None, .. } => None,
            Lane::Lost { last_ms, .. } if reverse => Some(((*last_ms, u64::MAX), false)),
            Lane::Lost { first_ms, .. } => Some(((*first_ms, 0), false)),
            // The extreme of what may come, so that it is loaded before any other run of that time is handed out.
            Lane::Segment { chunks, .. } if reverse => Some(((chunks.last()?.last_ms, u64::MAX), false)),
            Lane::Segment { chunks, .. } => Some(((chunks.first()?.first_ms, 0), false)),
        }
    }

    fn load(&mut self, span: &RangeInclusive<i64>, reverse: bool) -> Result<()> {
        if let Lane::Lost { why, .. } = self {
            return why.take().map_or(Ok(()), Err);
        }
        let Lane::Segment { segment, chunks, loaded } = self else { return Ok(()) };
        let next = if reverse { chunks.split_last() } else { chunks.split_first() };
        let Some((chunk, rest)) = next else { return Ok(()) };
        *chunks = rest;
        let bytes = segment.chunk(chunk)?;
        let rows = bytes.header().and_then(|header| bytes.rows(&header)).map_err(segment.bad(chunk))?;
        let range = rows_in(&rows.times, span);
        if !range.is_empty() {
            *loaded = Some((*chunk, Box::new(rows), range));
        }
        Ok(())
    }

    fn take(&mut self, snapshot: &Snapshot, reverse: bool) -> Option<Result<Run>> {
        match self {
            Lane::Log { image, rows } => rows.pop().map(|row| image.run(snapshot.disk(), &row)),
            Lane::Segment { segment, loaded, .. } => {
                let (chunk, rows, left) = loaded.as_mut()?;
                let row = if reverse { left.next_back() } else { left.next() }?;
                let run = rows.run(row).map_err(|_| segment.malformed(chunk));
                if left.start >= left.end {
                    *loaded = None;
                }
                Some(run)
            }
            Lane::Lost { .. } => None,
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Result<Run>> {
        loop {
            let heads = self.lanes.iter().enumerate();
            let heads =
                heads.filter_map(|(at, lane)| lane.head(self.reverse).map(|(key, ready)| (key, at, ready)));
            let (_, at, ready) = if self.reverse { heads.max() } else { heads.min() }?;
            if ready {
                return self.lanes[at].take(self.snapshot, self.reverse);
            }
            if let Err(error) = self.lanes[at].load(&self.span, self.reverse) {
                return Some(Err(error));
            }
        }
    }
}

impl Snapshot {
    /// The runs of a check whose time is in the range (ms since the epoch), by time, then arrival. The end is excluded,
    /// but for `i64::MAX`.
    pub fn runs(&self, check: &str, range: Range<i64>) -> Runs<'_> {
        self.lanes(check, &range, false)
    }

    /// The same, latest first.
    pub fn runs_rev(&self, check: &str, range: Range<i64>) -> Runs<'_> {
        self.lanes(check, &range, true)
    }

    /// The latest run of a check by time, then arrival.
    pub fn last(&self, check: &str) -> Result<Option<Run>> {
        self.runs_rev(check, i64::MIN..i64::MAX).next().transpose()
    }

    fn lanes(&self, check: &str, range: &Range<i64>, reverse: bool) -> Runs<'_> {
        let span = span(range);
        let lanes = self.parts().iter().map(|part| match part {
            Part::Log(image) => {
                let mut rows: Vec<RowRef> = image.rows(check).within(&span).into_iter().copied().collect();
                rows.sort_by_key(|row| (row.time_ms, row.seq));
                if !reverse {
                    rows.reverse();
                }
                Lane::Log { image, rows }
            }
            Part::Segment(segment) => match chunks_in(segment, check, &span) {
                Ok(chunks) => Lane::Segment { segment, chunks, loaded: None },
                Err(error) => {
                    let ends =
                        segment.extent_of(check).map_or((0, 0), |extent| (extent.first_ms, extent.last_ms));
                    Lane::Lost { first_ms: ends.0, last_ms: ends.1, why: Some(error) }
                }
            },
        });
        Runs { snapshot: self, lanes: lanes.collect(), span, reverse }
    }
}

impl Segment {
    pub(crate) fn malformed(&self, chunk: &ChunkRef) -> Error {
        Error::damaged(self.path(), chunk.at, "a row of a chunk is not well formed")
    }
}
