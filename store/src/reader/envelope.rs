//! The envelope of a series: what a graph draws, exact in every column, from statistics wherever they suffice.

use std::ops::Range;

use super::runs::span;
use super::samples::{Group, Piece, entry};
use super::series::{Bucket, Sample, SeriesKey};
use super::snapshot::Snapshot;
use crate::chunk::{Bad, ChunkBytes, Header, SeriesEntry};
use crate::column::{Stat, Summary, Summing, TimeLookup};
use crate::error::Result;
use crate::segment::ChunkRef;

/// Buckets of equal length (±1 ms) that make up a range: a time is in bucket ⌊(time - start) × n / length⌋.
struct Buckets {
    buckets: Vec<Bucket>,
    end_ms: i64,
    /// A run without a value came after the last value.
    gap: bool,
}

impl Buckets {
    fn new(range: &Range<i64>, n: usize) -> Buckets {
        let length = (i128::from(range.end) - i128::from(range.start)).max(0);
        let start = |index: usize| {
            let offset = (length * index as i128 + n as i128 - 1) / n as i128;
            (i128::from(range.start) + offset) as i64
        };
        Buckets {
            buckets: (0..n).map(|index| Bucket::empty(start(index))).collect(),
            end_ms: range.end,
            gap: false,
        }
    }

    /// The bucket of a time within the range.
    fn index(&self, time_ms: i64) -> usize {
        self.buckets.partition_point(|bucket| bucket.start_ms <= time_ms).saturating_sub(1)
    }

    /// Where a bucket ends: the start of the next.
    fn end(&self, index: usize) -> i64 {
        self.buckets.get(index + 1).map_or(self.end_ms, |bucket| bucket.start_ms)
    }
}

impl Bucket {
    fn add_stat(&mut self, count: u64, stat: Stat) {
        self.count += count;
        self.min = self.min.min(stat.min);
        self.max = self.max.max(stat.max);
        self.sum += stat.sum;
    }

    fn add_ends(&mut self, first: Sample, last: Sample, gap: bool) {
        if self.first.is_none() {
            (self.first, self.after_gap) = (Some(first), gap);
        }
        self.last = Some(last);
    }
}

impl Snapshot {
    /// The samples of a series summed up in `n` stretches of equal length (±1 ms) that make up the range (ms since the
    /// epoch, end excluded). Counts, extremes, first and last are those of the samples; the sum is subject to rounding.
    /// With one stretch it is the statistics of the series over the range.
    pub fn envelope(&self, check: &str, key: &SeriesKey, range: Range<i64>, n: usize) -> Result<Vec<Bucket>> {
        let mut buckets = Buckets::new(&range, n);
        let span = span(&range);
        if n == 0 || span.is_empty() {
            return Ok(buckets.buckets);
        }
        for group in self.groups(check, &span) {
            if let [Piece::Chunk(segment, chunk)] = group.pieces[..] {
                let bytes = segment.chunk(chunk)?;
                chunk_envelope(&bytes, chunk, key, &mut buckets).map_err(segment.bad(chunk))?;
            } else {
                self.group_envelope(&group, check, key, &mut buckets)?;
            }
        }
        Ok(buckets.buckets)
    }

    /// Sample by sample.
    fn group_envelope(
        &self,
        group: &Group<'_>,
        check: &str,
        key: &SeriesKey,
        buckets: &mut Buckets,
    ) -> Result<()> {
        let range = buckets.buckets[0].start_ms..buckets.end_ms;
        for (time_ms, value) in self.group_values(group, check, key, &span(&range))? {
            let Some(value) = value else {
                buckets.gap = true;
                continue;
            };
            let at = buckets.index(time_ms);
            let bucket = &mut buckets.buckets[at];
            bucket.after_gap |= buckets.gap && bucket.first.is_none();
            bucket.add(Sample { time_ms, value });
            buckets.gap = false;
        }
        Ok(())
    }
}

/// Adds a chunk by its statistics, decoding only what lies across the ends of buckets.
fn chunk_envelope(
    bytes: &ChunkBytes<'_>,
    chunk: &ChunkRef,
    key: &SeriesKey,
    buckets: &mut Buckets,
) -> std::result::Result<(), Bad> {
    let header = bytes.header()?;
    let Some((index, entry)) = entry(&header, key) else {
        buckets.gap = true;
        return Ok(());
    };
    let (first, last) = (buckets.index(chunk.first_ms), buckets.index(chunk.last_ms));
    let inside = chunk.first_ms >= buckets.buckets[0].start_ms && chunk.last_ms < buckets.end_ms;
    let stats = &entry.stats;
    if first == last
        && inside
        && stats.count == header.rows as u64
        && let (Some(earliest), Some(latest)) = (stats.first, stats.last)
    {
        let bucket = &mut buckets.buckets[first];
        bucket.add_stat(stats.count, Stat { min: stats.min, max: stats.max, sum: stats.sum });
        bucket.add_ends(
            Sample { time_ms: chunk.first_ms, value: earliest },
            Sample { time_ms: chunk.last_ms, value: latest },
            buckets.gap,
        );
        buckets.gap = false;
        return Ok(());
    }
    let present = bytes.present(&header, index)?;
    let (values, times) = (bytes.summing(entry)?, bytes.time_lookup(&header)?);
    let mut walk = Walk { header: &header, entry, present, values, times, edge: (0, chunk.first_ms) };
    let start = if inside { 0 } else { walk.row_at(buckets.buckets[0].start_ms)? };
    // The row after the last one that had a value.
    let (mut at, mut expected) = (start, start);
    for index in first..=last {
        let end = if index == last && inside { header.rows } else { walk.row_at(buckets.end(index))? };
        let summary = walk.sum_up(at..end)?;
        if let Some([(row, earliest), (row_last, latest)]) = summary.ends {
            let gap = row > expected || (buckets.gap && expected == start);
            let bucket = &mut buckets.buckets[index];
            bucket.add_stat(summary.count, summary.stat);
            let first = Sample { time_ms: walk.time(row)?, value: earliest };
            bucket.add_ends(first, Sample { time_ms: walk.time(row_last)?, value: latest }, gap);
            (buckets.gap, expected) = (false, row_last + 1);
        }
        walk.reach(end)?;
        at = end;
    }
    buckets.gap |= expected < at;
    Ok(())
}

/// One series of a chunk on the way through its rows.
struct Walk<'a> {
    header: &'a Header,
    entry: &'a SeriesEntry,
    /// The rows that have the series; none if all have.
    present: Option<Vec<u32>>,
    values: Summing<'a>,
    times: TimeLookup<'a>,
    /// A row with its time: mostly the first one of the bucket.
    edge: (usize, i64),
}

impl Walk<'_> {
    /// The first row that is not before a time.
    fn row_at(&mut self, time_ms: i64) -> std::result::Result<usize, Bad> {
        self.times.rows_before(time_ms).map_err(|_| self.header.malformed_times())
    }

    /// Remembers the time of a row while what it takes to tell it is decoded.
    fn reach(&mut self, row: usize) -> std::result::Result<(), Bad> {
        if row < self.header.rows {
            self.edge = (row, self.time(row)?);
        }
        Ok(())
    }

    fn time(&mut self, row: usize) -> std::result::Result<i64, Bad> {
        if row == self.edge.0 {
            return Ok(self.edge.1);
        }
        if row + 1 == self.header.rows {
            return Ok(self.header.last_ms);
        }
        self.times.at(row).map_err(|_| self.header.malformed_times())
    }

    /// What the values of some rows have in common.
    fn sum_up(&mut self, rows: Range<usize>) -> std::result::Result<Summary, Bad> {
        let known = [self.entry.stats.first, self.entry.stats.last];
        let Some(present) = &self.present else {
            return self.values.sum_up(rows, known).map_err(|_| self.entry.malformed());
        };
        let rank = |row: usize| present.partition_point(|at| (*at as usize) < row);
        let ranks = rank(rows.start)..rank(rows.end);
        let mut summary = self.values.sum_up(ranks, known).map_err(|_| self.entry.malformed())?;
        for (rank, _) in summary.ends.iter_mut().flatten() {
            *rank = *present.get(*rank).ok_or_else(|| self.entry.malformed())? as usize;
        }
        Ok(summary)
    }
}
