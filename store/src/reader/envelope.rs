//! The envelope of a series: what a graph draws, exact in every column, from statistics wherever they suffice.

use std::ops::Range;

use super::batch::Batch;
use super::series::{Bucket, Sample, SeriesKey};
use super::snapshot::Snapshot;
use crate::column::Stat;
use crate::error::Result;

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
        if n > 0 {
            for batch in self.scan(check, std::slice::from_ref(key), range) {
                buckets.add(&batch?)?;
            }
        }
        Ok(buckets.buckets)
    }
}

impl Buckets {
    /// Adds the only series of a batch, decoding only what lies across the ends of buckets.
    fn add(&mut self, batch: &Batch<'_>) -> Result<()> {
        let rows = batch.len();
        let (first_ms, last_ms) = (batch.time(0)?, batch.time(rows - 1)?);
        let (first, last) = (self.index(first_ms), self.index(last_ms));
        if let Some(all) = batch.statistics(0) {
            if all.count == 0 {
                self.gap = true;
                return Ok(());
            }
            if first == last
                && all.count == rows as u64
                && let (Some(earliest), Some(latest)) = (all.first, all.last)
            {
                let bucket = &mut self.buckets[first];
                bucket.add_stat(all.count, Stat { min: all.min, max: all.max, sum: all.sum });
                let first = Sample { time_ms: first_ms, value: earliest };
                bucket.add_ends(first, Sample { time_ms: last_ms, value: latest }, self.gap);
                self.gap = false;
                return Ok(());
            }
        }
        let mut windows = batch.windows(0)?;
        // The row after the last one that had a value, and the first row of the bucket with its time.
        let (mut at, mut expected, mut edge) = (0, 0, (0, first_ms));
        for index in first..=last {
            let end = if index == last { rows } else { batch.row_at(self.end(index))? };
            let summary = windows.summary(at..end)?;
            if let Some([(row, earliest), (row_last, latest)]) = summary.ends {
                let time = |row: usize| if row == edge.0 { Ok(edge.1) } else { batch.time(row) };
                let gap = row > expected || (self.gap && expected == 0);
                let bucket = &mut self.buckets[index];
                bucket.add_stat(summary.count, summary.stat);
                let first = Sample { time_ms: time(row)?, value: earliest };
                bucket.add_ends(first, Sample { time_ms: time(row_last)?, value: latest }, gap);
                (self.gap, expected) = (false, row_last + 1);
            }
            // The time of the next bucket's first row, while what it takes to tell it is decoded.
            if end < rows {
                edge = (end, batch.time(end)?);
            }
            at = end;
        }
        self.gap |= expected < rows;
        Ok(())
    }
}
