//! The envelope of a series: what a graph draws, exact in every column, from statistics wherever they suffice.

use std::ops::Range;

use super::runs::span;
use super::samples::{Group, Piece, entry};
use super::series::{Bucket, SeriesKey};
use super::view::Reader;
use crate::chunk::{Bad, ChunkBytes, SeriesEntry};
use crate::column::{PAGE_ROWS, PageStat, Paged};
use crate::error::Result;
use crate::segment::{ChunkRef, Segment};
use crate::value::Value;

/// Buckets of equal length (±1 ms) that make up a range.
struct Buckets {
    buckets: Vec<Bucket>,
    end_ms: i64,
}

impl Buckets {
    fn new(range: &Range<i64>, n: usize) -> Buckets {
        let length = (i128::from(range.end) - i128::from(range.start)).max(0);
        let start = |index: usize| (i128::from(range.start) + length * index as i128 / n as i128) as i64;
        Buckets { buckets: (0..n).map(|index| Bucket::empty(start(index))).collect(), end_ms: range.end }
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
    fn add_stat(&mut self, count: u64, stat: PageStat) {
        self.count += count;
        self.min = self.min.min(stat.min);
        self.max = self.max.max(stat.max);
        self.sum += stat.sum;
    }

    fn add_ends(&mut self, first: Option<Value>, last: Option<Value>) {
        self.first = self.first.or(first);
        self.last = last.or(self.last);
    }
}

impl Reader {
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
            match group.pieces[..] {
                [Piece::Chunk(segment, chunk)] => {
                    self.chunk_envelope(&group, (segment, chunk), check, key, &mut buckets)?
                }
                _ => self.group_envelope(&group, check, key, &mut buckets)?,
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
        let batch = self.group_samples(group, check, key, &span(&range))?;
        for (time, value) in batch.iter() {
            let at = buckets.index(time);
            if let Some(value) = value {
                buckets.buckets[at].add(value);
            }
        }
        Ok(())
    }

    fn chunk_envelope(
        &self,
        group: &Group<'_>,
        at: (&Segment, &ChunkRef),
        check: &str,
        key: &SeriesKey,
        buckets: &mut Buckets,
    ) -> Result<()> {
        let (segment, chunk) = at;
        let bytes = segment.chunk(chunk)?;
        if by_statistics(&bytes, chunk, key, buckets).map_err(segment.bad(chunk))? {
            return Ok(());
        }
        self.group_envelope(group, check, key, buckets)
    }
}

/// Adds a chunk by its statistics, decoding only what lies across the ends of buckets. `false` where that cannot be
/// done; nothing has been added then.
fn by_statistics(
    bytes: &ChunkBytes<'_>,
    chunk: &ChunkRef,
    key: &SeriesKey,
    buckets: &mut Buckets,
) -> std::result::Result<bool, Bad> {
    let header = bytes.header()?;
    let Some((_, entry)) = entry(&header, key) else { return Ok(true) };
    let (first, last) = (buckets.index(chunk.first_ms), buckets.index(chunk.last_ms));
    let inside = chunk.first_ms >= buckets.buckets[0].start_ms && chunk.last_ms < buckets.end_ms;
    if first == last && inside {
        let stats = &entry.stats;
        if stats.count > 0 {
            let bucket = &mut buckets.buckets[first];
            bucket.add_stat(stats.count, PageStat { min: stats.min, max: stats.max, sum: stats.sum });
            bucket.add_ends(stats.first, stats.last);
        }
        return Ok(true);
    }
    if entry.rows != header.rows {
        return Ok(false);
    }
    let Some(mut pages) = bytes.paged(entry)? else { return Ok(false) };
    let times = bytes.times(&header)?;
    let row_at = |time: i64| times.rows_before(time).map_err(|short| bytes.malformed_times(&header, short));
    let mut start = row_at(buckets.buckets[0].start_ms)?;
    let mut page = Decoded { page: usize::MAX, floats: Vec::new() };
    for index in first..=last {
        let end = if index == last && inside { header.rows } else { row_at(buckets.end(index))? };
        page.add(&mut pages, entry, start..end, header.rows, &mut buckets.buckets[index])?;
        start = end;
    }
    Ok(true)
}

/// The page that was decoded last.
struct Decoded {
    page: usize,
    floats: Vec<f64>,
}

impl Decoded {
    /// Adds rows to a bucket: whole pages by their statistics, the ends of the stretch value by value.
    fn add(
        &mut self,
        pages: &mut Paged<'_>,
        entry: &SeriesEntry,
        rows: Range<usize>,
        rows_len: usize,
        bucket: &mut Bucket,
    ) -> std::result::Result<(), Bad> {
        let mut at = rows.start;
        while at < rows.end {
            let page = at / PAGE_ROWS;
            let page_rows = page * PAGE_ROWS..((page + 1) * PAGE_ROWS).min(rows_len);
            let end = page_rows.end.min(rows.end);
            let whole = at == page_rows.start && end == page_rows.end;
            let ends_known =
                (at > rows.start || at == 0 || bucket.first.is_some()) && (end < rows.end || end == rows_len);
            if whole && ends_known {
                bucket.add_stat((end - at) as u64, pages.stat(page));
                let first = if at == 0 { entry.stats.first } else { None };
                let last = if end == rows_len { entry.stats.last } else { None };
                bucket.add_ends(first, last);
            } else {
                if self.page != page {
                    pages.page(page, &mut self.floats).map_err(|_| entry.malformed())?;
                    self.page = page;
                }
                let floats = &self.floats[at - page_rows.start..end - page_rows.start];
                bucket.add_stat(floats.len() as u64, PageStat::of(floats));
                bucket.add_ends(
                    floats.first().map(|float| Value::Float(*float)),
                    floats.last().map(|float| Value::Float(*float)),
                );
            }
            at = end;
        }
        Ok(())
    }
}
