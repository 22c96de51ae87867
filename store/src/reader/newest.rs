//! The runs of a check from the one that arrived last backwards, whatever their times say.
//!
//! A clock that was ahead leaves runs whose time is in the future; the newest run is the one that was appended last.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::arrivals::Arrived;
use super::runs::span;
use super::snapshot::{Part, Snapshot};
use crate::chunk::RowsIn;
use crate::error::Result;
use crate::log::LogImage;
use crate::position::Position;
use crate::segment::{ChunkRef, Segment};

/// Iterates over runs against the order of arrival; see [`Snapshot::arrived_rev`].
pub struct ArrivedRev<'a> {
    snapshot: &'a Snapshot,
    check: Arc<str>,
    /// Files that have not been begun; the next one is at the end.
    parts: &'a [Part],
    /// Runs of a log, by index, down to this one.
    log: Option<(&'a LogImage, usize)>,
    segment: Option<Backwards<'a>>,
    wanted: Wanted,
}

/// Which runs are wanted.
#[derive(Clone)]
struct Wanted {
    span: RangeInclusive<i64>,
    /// Those with a lower number.
    before: u64,
}

impl Wanted {
    fn has(&self, time_ms: i64, seq: u64) -> bool {
        self.span.contains(&time_ms) && seq < self.before
    }
}

/// The chunks of a check in one segment.
struct Backwards<'a> {
    segment: &'a Segment,
    /// Those not loaded yet, by the greatest number in them.
    pending: Vec<ChunkRef>,
    loaded: Vec<Loaded>,
    wanted: Wanted,
}

struct Loaded {
    chunk: ChunkRef,
    rows: RowsIn,
    /// (number, row), ascending; the next one is at the end.
    order: Vec<(u64, u32)>,
}

impl Snapshot {
    /// The run of a check that arrived last, whatever its time says.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the chunk that has it cannot be read.
    pub fn last_arrived(&self, check: &str) -> Result<Option<Arrived>> {
        self.arrived_rev(check).next().transpose()
    }

    /// The runs of a check against the order of arrival: the one that arrived last comes first. A damaged chunk is one
    /// error, and then it goes on.
    pub fn arrived_rev(&self, check: &str) -> ArrivedRev<'_> {
        let parts = self.parts();
        let wanted = Wanted { span: i64::MIN..=i64::MAX, before: u64::MAX };
        ArrivedRev { snapshot: self, check: Arc::from(check), parts, log: None, segment: None, wanted }
    }
}

impl ArrivedRev<'_> {
    /// Only the runs whose time is in the range (ms since the epoch; the end is excluded, but for `i64::MAX`).
    pub fn within(self, range: Range<i64>) -> Self {
        let wanted = Wanted { span: span(&range), ..self.wanted };
        ArrivedRev { wanted, ..self }
    }

    /// Only the runs that arrived before a position.
    pub fn before(self, position: Position) -> Self {
        let wanted = Wanted { before: position.0, ..self.wanted };
        ArrivedRev { wanted, ..self }
    }

    /// Begins the next file, if there is one.
    fn begin(&mut self) -> Option<Result<()>> {
        let (part, rest) = self.parts.split_last()?;
        self.parts = rest;
        match part {
            Part::Log(image) => self.log = Some((image, image.rows(&self.check).len())),
            Part::Segment(segment) => {
                let mut pending = match segment.chunks(&self.check) {
                    Ok(chunks) => chunks.to_vec(),
                    Err(error) => return Some(Err(error)),
                };
                let Wanted { span, before } = &self.wanted;
                let overlaps = |chunk: &ChunkRef| {
                    chunk.first_ms <= *span.end() && chunk.last_ms >= *span.start() && chunk.seq_min < *before
                };
                pending.retain(overlaps);
                pending.sort_by_key(|chunk| chunk.seq_max);
                self.segment =
                    Some(Backwards { segment, pending, loaded: Vec::new(), wanted: self.wanted.clone() });
            }
        }
        Some(Ok(()))
    }
}

impl Iterator for ArrivedRev<'_> {
    type Item = Result<Arrived>;

    fn next(&mut self) -> Option<Result<Arrived>> {
        loop {
            if let Some((image, left)) = self.log {
                let row = left.checked_sub(1).and_then(|at| image.rows(&self.check).get(at));
                self.log = row.map(|_| (image, left - 1));
                let Some(row) = row.filter(|row| self.wanted.has(row.time_ms, row.seq)) else { continue };
                let run = image.run(self.snapshot.disk(), row);
                let position = Position(row.seq.saturating_add(1));
                return Some(run.map(|run| Arrived { position, check: Arc::clone(&self.check), run }));
            }
            if let Some(segment) = &mut self.segment {
                match segment.next(&self.check) {
                    None => self.segment = None,
                    found => return found,
                }
                continue;
            }
            if let Err(error) = self.begin()? {
                return Some(Err(error));
            }
        }
    }
}

impl Backwards<'_> {
    fn next(&mut self, check: &Arc<str>) -> Option<Result<Arrived>> {
        loop {
            let heads = self.loaded.iter().enumerate();
            let head = heads.filter_map(|(at, loaded)| Some((loaded.order.last()?.0, at))).max();
            if let Some(chunk) = self.pending.last().copied()
                && head.is_none_or(|(seq, _)| seq < chunk.seq_max)
            {
                self.pending.pop();
                match self.load(chunk) {
                    Ok(loaded) if loaded.order.is_empty() => {}
                    Ok(loaded) => self.loaded.push(loaded),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            }
            let (_, at) = head?;
            let loaded = &mut self.loaded[at];
            let (seq, row) = loaded.order.pop()?;
            let run = loaded.rows.run(row as usize).map_err(|_| self.segment.malformed(&loaded.chunk));
            if loaded.order.is_empty() {
                self.loaded.swap_remove(at);
            }
            let position = Position(seq.saturating_add(1));
            return Some(run.map(|run| Arrived { position, check: Arc::clone(check), run }));
        }
    }

    fn load(&self, chunk: ChunkRef) -> Result<Loaded> {
        let bytes = self.segment.chunk(&chunk)?;
        let rows = bytes.header().and_then(|header| bytes.rows(&header)).map_err(self.segment.bad(&chunk))?;
        let numbered = rows.seqs.iter().zip(&rows.times).enumerate();
        let wanted = numbered.filter(|(_, (seq, time))| self.wanted.has(**time, **seq as u64));
        let mut order: Vec<(u64, u32)> = wanted.map(|(row, (seq, _))| (*seq as u64, row as u32)).collect();
        order.sort_unstable();
        Ok(Loaded { chunk, rows, order })
    }
}
