//! A chunk in a scan: its header read, its columns decoded as they are asked for.

use std::cell::{OnceCell, RefCell};
use std::ops::{Range, RangeInclusive};

use super::column::Column;
use super::slots::SlotStretch;
use super::wanted::Wanted;
use super::windows::Windows;
use crate::chunk::{Bad, ChunkBytes, Header, SeriesEntry, Shapes};
use crate::column::{Summing, TimeLookup, Values};
use crate::error::Result;
use crate::segment::{ChunkRef, Segment};
use crate::value::Value;

/// Some rows of a chunk, and the series that are wanted in it.
pub(super) struct OpenChunk<'a> {
    segment: &'a Segment,
    chunk: &'a ChunkRef,
    bytes: ChunkBytes<'a>,
    /// With the names of series as they stand there.
    header: Header<&'a [u8]>,
    /// For each series that is wanted, its index in the header.
    entries: Vec<Option<u32>>,
    rows: Range<usize>,
    times: OnceCell<Vec<i64>>,
    lookup: RefCell<Option<TimeLookup<'a>>>,
    shapes: OnceCell<Shapes>,
    /// The rows of the chunk that are partial.
    partial: OnceCell<Vec<u32>>,
    /// The rows of the chunk of which nothing is known.
    unobserved: OnceCell<Vec<u32>>,
}

impl<'a> OpenChunk<'a> {
    /// Opens the rows of a chunk that are in a span.
    pub(super) fn within(
        segment: &'a Segment,
        chunk: &'a ChunkRef,
        wanted: &mut Wanted,
        span: &RangeInclusive<i64>,
    ) -> Result<OpenChunk<'a>> {
        let mut open = OpenChunk::open(segment, chunk, wanted)?;
        let (start, end) = (*span.start(), *span.end());
        let first = if chunk.first_ms >= start { 0 } else { open.row_at(start)? };
        let past = if chunk.last_ms <= end { open.header.rows } else { open.row_at(end.saturating_add(1))? };
        // Not before the start, even if a damaged column is not ascending.
        open.rows = first..past.max(first);
        Ok(open)
    }

    /// Opens some rows of a chunk, whose times are known.
    pub(super) fn rows_at(
        segment: &'a Segment,
        chunk: &'a ChunkRef,
        wanted: &mut Wanted,
        rows: Range<usize>,
        times: Vec<i64>,
    ) -> Result<OpenChunk<'a>> {
        let mut open = OpenChunk::open(segment, chunk, wanted)?;
        open.rows = rows;
        open.times = OnceCell::from(times);
        Ok(open)
    }

    fn open(segment: &'a Segment, chunk: &'a ChunkRef, wanted: &mut Wanted) -> Result<OpenChunk<'a>> {
        let bytes = segment.chunk(chunk)?;
        let header = bytes.header_of_bytes().map_err(segment.bad(chunk))?;
        let entries = wanted.find_encoded(header.series.iter().map(|entry| entry.series));
        Ok(OpenChunk {
            segment,
            chunk,
            bytes,
            entries,
            rows: 0..header.rows,
            header,
            times: OnceCell::new(),
            lookup: RefCell::new(None),
            shapes: OnceCell::new(),
            partial: OnceCell::new(),
            unobserved: OnceCell::new(),
        })
    }

    pub(super) fn rows(&self) -> &Range<usize> {
        &self.rows
    }

    /// `true` if these are all rows of the chunk.
    pub(super) fn is_whole(&self) -> bool {
        self.rows == (0..self.header.rows)
    }

    /// A series that is wanted, if the chunk has it.
    pub(super) fn entry(&self, series: usize) -> Option<&SeriesEntry<&'a [u8]>> {
        self.index(series).map(|index| &self.header.series[index])
    }

    fn index(&self, series: usize) -> Option<usize> {
        self.entries.get(series).copied().flatten().map(|index| index as usize)
    }

    fn bad<T>(&self, read: std::result::Result<T, Bad>) -> Result<T> {
        read.map_err(self.segment.bad(self.chunk))
    }

    /// The times of the rows.
    pub(super) fn times(&self) -> Result<&[i64]> {
        if let Some(times) = self.times.get() {
            return Ok(times);
        }
        let read = || {
            let mut times = Vec::with_capacity(self.rows.len());
            let decoded = self.bytes.times(&self.header)?.decode(self.rows.clone(), &mut times);
            decoded.map_err(|_| self.header.malformed_times())?;
            Ok(times)
        };
        let times = self.bad(read())?;
        Ok(self.times.get_or_init(|| times))
    }

    /// The slots of the rows, if they lie on a grid.
    pub(super) fn slots(&self) -> Result<Option<Vec<SlotStretch>>> {
        let times = self.bad(self.bytes.times(&self.header))?;
        let Some((step_ms, stretches)) = times.slots(self.rows.clone()) else { return Ok(None) };
        let stretch = |(first_ms, rows)| SlotStretch { first_ms, step_ms, rows };
        Ok(Some(stretches.into_iter().map(stretch).collect()))
    }

    /// The times of the rows, for good.
    pub(super) fn into_times(mut self) -> Result<Vec<i64>> {
        self.times()?;
        Ok(self.times.take().unwrap_or_default())
    }

    /// The time of a row.
    pub(super) fn time(&self, row: usize) -> Result<i64> {
        if let Some(times) = self.times.get() {
            return Ok(times.get(row).copied().unwrap_or(i64::MAX));
        }
        match self.rows.start + row {
            0 => Ok(self.header.first_ms),
            at if at + 1 == self.header.rows => Ok(self.header.last_ms),
            at => self.look_up(|lookup| lookup.at(at)),
        }
    }

    /// Whether no two rows of the chunk have the same time.
    pub(super) fn times_differ(&self) -> Result<bool> {
        if self.is_whole()
            && let Some(times) = self.times.get()
        {
            return Ok(times.windows(2).all(|pair| pair[0] != pair[1]));
        }
        self.look_up(|lookup| lookup.all_differ())
    }

    /// The first row at or after a time.
    pub(super) fn row_at(&self, time_ms: i64) -> Result<usize> {
        if let Some(times) = self.times.get() {
            return Ok(times.partition_point(|time| *time < time_ms));
        }
        let row = self.look_up(|lookup| lookup.rows_before(time_ms))?;
        Ok(row.clamp(self.rows.start, self.rows.end) - self.rows.start)
    }

    fn look_up<T>(
        &self,
        ask: impl FnOnce(&mut TimeLookup<'a>) -> std::result::Result<T, crate::bytes::Short>,
    ) -> Result<T> {
        let mut known = self.lookup.borrow_mut();
        let lookup = match known.as_mut() {
            Some(lookup) => lookup,
            None => known.insert(self.bad(self.bytes.time_lookup(&self.header))?),
        };
        self.bad(ask(lookup).map_err(|_| self.header.malformed_times()))
    }

    /// The rows of the chunk that have a series; none if all have.
    fn present(&self, index: usize) -> Result<Option<Vec<u32>>> {
        let entry = &self.header.series[index];
        if entry.rows == self.header.rows {
            return Ok(None);
        }
        let shapes = match self.shapes.get() {
            Some(shapes) => shapes,
            None => {
                let shapes = self.bad(self.bytes.shapes(&self.header))?;
                self.shapes.get_or_init(|| shapes)
            }
        };
        let present = shapes.present(index).unwrap_or_default();
        if present.len() == entry.rows { Ok(Some(present)) } else { self.bad(Err(entry.malformed())) }
    }

    /// The rows among these that say nothing of what they do not have, counted from the first.
    pub(super) fn silent(&self) -> Result<Vec<u32>> {
        let partial = match self.partial.get() {
            Some(partial) => partial,
            None => {
                let partial = self.bad(self.bytes.partial(&self.header))?;
                self.partial.get_or_init(|| partial)
            }
        };
        Ok(self.counted(partial))
    }

    /// The rows among these of which nothing is known, counted from the first.
    pub(super) fn unobserved(&self) -> Result<Vec<u32>> {
        let unobserved = match self.unobserved.get() {
            Some(unobserved) => unobserved,
            None => {
                let unobserved = self.bad(self.bytes.unobserved(&self.header))?;
                self.unobserved.get_or_init(|| unobserved)
            }
        };
        Ok(self.counted(unobserved))
    }

    /// Those of some rows of the chunk that are among these, counted from the first.
    fn counted(&self, rows: &[u32]) -> Vec<u32> {
        let within = rows.iter().filter(|row| self.rows.contains(&(**row as usize)));
        within.map(|row| *row - self.rows.start as u32).collect()
    }

    /// The numbers of the rows.
    pub(super) fn seqs(&self) -> Result<Vec<i64>> {
        let mut seqs = self.bad(self.bytes.seqs(&self.header))?;
        seqs.truncate(self.rows.end);
        seqs.drain(..self.rows.start);
        Ok(seqs)
    }

    /// Reads a series in these rows.
    pub(super) fn read_column(&self, series: usize, column: &mut Column) -> Result<()> {
        column.clear();
        let Some(index) = self.index(series) else { return Ok(()) };
        let entry = &self.header.series[index];
        let Some(present) = self.present(index)? else {
            column.all = true;
            return self.bad(self.bytes.read_values(entry, self.rows.clone(), &mut column.values));
        };
        let rank = |row: usize| present.partition_point(|at| (*at as usize) < row);
        let ranks = rank(self.rows.start)..rank(self.rows.end);
        self.bad(self.bytes.read_values(entry, ranks.clone(), &mut column.values))?;
        column.rows.extend(present[ranks].iter().map(|row| *row - self.rows.start as u32));
        column.finish(self.rows.len());
        Ok(())
    }

    /// Appends the values of a series in these rows, if each of them has a float.
    pub(super) fn append_floats(&self, series: usize, floats: &mut Vec<f64>) -> Result<bool> {
        let Some(entry) = self.entry(series).filter(|entry| entry.rows == self.header.rows) else {
            return Ok(false);
        };
        self.bad(self.bytes.append_floats(entry, self.rows.clone(), floats))
    }

    /// The same for single rows, which ascend. The last value of a chunk is known.
    pub(super) fn append_picked(&self, series: usize, rows: &[usize], floats: &mut Vec<f64>) -> Result<bool> {
        let Some(entry) = self.entry(series).filter(|entry| entry.rows == self.header.rows) else {
            return Ok(false);
        };
        let rows: Vec<usize> = rows.iter().map(|row| row + self.rows.start).collect();
        if rows[..] == [self.header.rows - 1]
            && entry.stats.count == entry.rows as u64
            && let Some(Value::Float(last)) = entry.stats.last
        {
            floats.push(last);
            return Ok(true);
        }
        self.bad(self.bytes.append_picked(entry, &rows, floats))
    }

    /// A series, ready to be summed up.
    pub(super) fn windows(&self, series: usize) -> Result<Windows<'a>> {
        let (segment, chunk) = (self.segment, self.chunk);
        let Some(index) = self.index(series) else {
            let (summing, present) = (Summing::of(Values::default()), Some(Vec::new()));
            return Ok(Windows { summing, present, start: 0, known: [None; 2], malformed: None });
        };
        let entry = &self.header.series[index];
        let present = self.present(index)?;
        let bad = entry.malformed();
        Ok(Windows {
            summing: self.bad(self.bytes.summing(entry))?,
            present,
            start: self.rows.start,
            known: [entry.stats.first, entry.stats.last],
            malformed: Some(Box::new(move || segment.bad(chunk)(bad))),
        })
    }
}
