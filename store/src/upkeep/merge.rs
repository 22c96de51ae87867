//! Merging: adjacent segments become one, row by row in order of time, full chunks untouched.
//!
//! Each segment is a lane that hands out its chunks of a check by time. A chunk that is large enough and does not
//! overlap another lane is copied as it is; others are decoded, joined and encoded again.

use std::collections::BTreeSet;

use super::Permit;
use super::seal::{Extents, check_segment, keep_in_the_way};
use crate::bytes::Short;
use crate::chunk::{Remap, Rows, RowsIn, encode};
use crate::column::Effort;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::limits::{CHUNK_CELLS, CHUNK_ROWS};
use crate::names::segment_name;
use crate::segment::{Catalogue, ChunkRef, Segment, SegmentWriter};

/// Merges segments, given in order of their run numbers, into one and removes them.
pub(super) fn merge(disk: &dyn Disk, segments: &[Segment], permit: &Permit) -> Result<()> {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return Ok(()) };
    let names: BTreeSet<&str> = segments.iter().flat_map(Segment::checks).map(|(name, _)| name).collect();
    keep_in_the_way(disk, &segment_name(first.start(), last.end()))?;
    let mut out = SegmentWriter::create(disk, first.start(), last.end())?;
    for check in names {
        let lanes = segments.iter().map(|segment| Lane::new(segment, check)).collect::<Result<_>>()?;
        Merging { check, lanes, pending: Rows::default(), out: &mut out }.run(permit)?;
        out.end_check(check, &catalogue(segments, check)?);
    }
    permit.check(disk)?;
    out.finish()?;
    check_segment(disk, (first.start(), last.end()), &extents(segments))?;
    permit.check(disk)?;
    for segment in segments {
        let name = segment_name(segment.start(), segment.end());
        disk.remove(&name).map_err(Error::io("remove", disk.path().join(&name)))?;
    }
    disk.sync_names().map_err(Error::io("sync directory", disk.path()))
}

/// What the runs of each check in all these segments have in common.
fn extents(segments: &[Segment]) -> Extents<'_> {
    let mut extents = Extents::new();
    for (check, extent) in segments.iter().flat_map(Segment::checks) {
        let (rows, least, greatest) = extents.entry(check).or_insert((0, u64::MAX, 0));
        *rows = rows.saturating_add(extent.rows);
        (*least, *greatest) = (extent.seq_min.min(*least), extent.seq_max.max(*greatest));
    }
    extents
}

/// The catalogue of a check in all these segments.
fn catalogue(segments: &[Segment], check: &str) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    for segment in segments {
        let Some(index) = segment.find(check) else { continue };
        segment.check_len()?;
        segment.series_at(index)?.into_iter().for_each(|(series, span)| catalogue.add(series, span));
    }
    Ok(catalogue)
}

/// `true` for a chunk that stays as it is for ever unless runs come in between.
fn is_settled(chunk: &ChunkRef) -> bool {
    chunk.rows as usize >= CHUNK_ROWS / 2 || chunk.samples as usize >= CHUNK_CELLS / 2
}

struct Loaded<'a> {
    chunk: &'a ChunkRef,
    rows: RowsIn,
    at: usize,
    remap: Option<Remap>,
}

struct Lane<'a> {
    segment: &'a Segment,
    chunks: std::slice::Iter<'a, ChunkRef>,
    next: Option<&'a ChunkRef>,
    loaded: Option<Loaded<'a>>,
}

impl<'a> Lane<'a> {
    fn new(segment: &'a Segment, check: &str) -> Result<Lane<'a>> {
        let mut chunks = segment.chunks(check)?.iter();
        let next = chunks.next();
        Ok(Lane { segment, chunks, next, loaded: None })
    }

    /// Time and number of the next row, the number 0 where it is not known yet, so that a chunk is loaded before any
    /// row of the same time is taken; none at the end.
    fn head(&self) -> Option<(i64, u64)> {
        match &self.loaded {
            Some(loaded) => Some((loaded.rows.times[loaded.at], loaded.rows.seqs[loaded.at] as u64)),
            None => self.next.map(|chunk| (chunk.first_ms, 0)),
        }
    }

    fn load(&mut self) -> Result<()> {
        if let (None, Some(chunk)) = (&self.loaded, self.next) {
            let bytes = self.segment.chunk(chunk)?;
            let bad = self.segment.bad(chunk);
            let rows = bytes.header().and_then(|header| bytes.rows(&header)).map_err(bad)?;
            self.loaded = Some(Loaded { chunk, rows, at: 0, remap: None });
            self.next = self.chunks.next();
        }
        Ok(())
    }
}

struct Merging<'a, 'b> {
    check: &'a str,
    lanes: Vec<Lane<'a>>,
    pending: Rows,
    out: &'a mut SegmentWriter<'b>,
}

impl Merging<'_, '_> {
    fn run(mut self, permit: &Permit) -> Result<()> {
        loop {
            permit.goes_on()?;
            let heads = self.lanes.iter().enumerate().filter_map(|(at, lane)| Some((lane.head()?, at)));
            let Some((_, at)) = heads.min() else { break };
            // The least head of all other lanes, where this one must stop.
            let others = self.lanes.iter().enumerate().filter(|(other, _)| *other != at);
            let limit = others.filter_map(|(_, lane)| lane.head()).min();
            if self.copy(at, limit)? {
                continue;
            }
            if self.lanes[at].loaded.is_none() {
                // Its own first number is not known before, so look again.
                self.lanes[at].load()?;
                continue;
            }
            self.take(at, limit)?;
            if self.pending.is_full() {
                self.flush()?;
            }
        }
        self.flush()
    }

    /// Copies the next chunk of a lane if it is settled and ends before the other lanes begin.
    fn copy(&mut self, at: usize, limit: Option<(i64, u64)>) -> Result<bool> {
        let lane = &mut self.lanes[at];
        let Some(chunk) = lane.next.filter(|_| lane.loaded.is_none()) else { return Ok(false) };
        if !is_settled(chunk) || limit.is_some_and(|(limit_ms, _)| chunk.last_ms >= limit_ms) {
            return Ok(false);
        }
        let bytes = lane.segment.chunk(chunk)?;
        let header = bytes.verify().map_err(lane.segment.bad(chunk))?;
        lane.next = lane.chunks.next();
        self.flush()?;
        self.out.add(&header, bytes.0)?;
        Ok(true)
    }

    /// Moves rows of a loaded lane up to the limit, or until the pending rows are full.
    fn take(&mut self, at: usize, limit: Option<(i64, u64)>) -> Result<()> {
        let lane = &mut self.lanes[at];
        let Some(loaded) = &mut lane.loaded else { return Ok(()) };
        let rows = &loaded.rows;
        let room = self.pending.room(rows.series.len()).min(rows.len() - loaded.at);
        let before =
            |row: &usize| limit.is_none_or(|limit| (rows.times[*row], rows.seqs[*row] as u64) < limit);
        let count = (loaded.at..loaded.at + room).take_while(before).count().max(1);
        let range = loaded.at..loaded.at + count;
        let pending = &mut self.pending;
        let mut remap = loaded.remap.take().unwrap_or_else(|| pending.remap(rows));
        let taken = pending.append(rows, &mut remap, range);
        loaded.at += taken.map_err(|Short| lane.segment.malformed(loaded.chunk))?;
        loaded.remap = Some(remap);
        if loaded.at == rows.len() {
            lane.loaded = None;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.len() == 0 {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        self.lanes.iter_mut().filter_map(|lane| lane.loaded.as_mut()).for_each(|loaded| loaded.remap = None);
        let (header, bytes) = encode(self.check, &rows, Effort::Full)?;
        self.out.add(&header, &bytes)
    }
}
