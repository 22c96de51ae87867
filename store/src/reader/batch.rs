//! What a scan hands out: rows of a check that follow each other, and the series that were asked for in them.
//!
//! Nothing is decoded before it is asked for, and times are decoded once for all series. A chunk knows the statistics of
//! each series, and each page of values those of its values.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::column::Column;
use super::open_chunk::OpenChunk;
use crate::chunk::Stats;
use crate::column::{Summary, Summing};
use crate::error::Result;
use crate::value::Value;

/// Rows of a check that follow each other by time, then arrival. A row is a run.
pub struct Batch<'a> {
    pub(super) rows: BatchRows<'a>,
    /// For each index of the caller's the index of the series.
    pub(super) asked: Arc<[u32]>,
}

pub(super) enum BatchRows<'a> {
    Chunk(Box<OpenChunk<'a>>),
    Joined(Joined),
}

/// Rows that were put together from several files, or from a log.
pub(super) struct Joined {
    pub(super) times: Vec<i64>,
    /// Rows that are partial.
    pub(super) silent: Vec<u32>,
    /// By index of the series.
    pub(super) columns: Vec<Column>,
}

/// What the values of a series in some rows have in common. Rows without a value do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Values.
    pub count: u64,
    /// The least one; NaN is left out; +infinity if there is none.
    pub min: f64,
    /// The greatest one; NaN is left out; -infinity if there is none.
    pub max: f64,
    /// The sum, subject to rounding; NaN if one of them is.
    pub sum: f64,
    /// The earliest value.
    pub first: Option<Value>,
    /// The latest value.
    pub last: Option<Value>,
}

impl Statistics {
    fn of(summary: &Summary) -> Statistics {
        let value = |end: usize| summary.ends.map(|ends| ends[end].1);
        Statistics {
            count: summary.count,
            min: summary.stat.min,
            max: summary.stat.max,
            sum: summary.stat.sum,
            first: value(0),
            last: value(1),
        }
    }

    fn of_chunk(stats: &Stats) -> Statistics {
        let Stats { count, min, max, sum, first, last } = *stats;
        if count == 0 {
            return Statistics::NONE;
        }
        Statistics { count, min, max, sum, first, last }
    }

    /// Of no values.
    pub const NONE: Statistics = Statistics {
        count: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        sum: 0.0,
        first: None,
        last: None,
    };

    /// Takes in later values.
    pub fn add(&mut self, later: &Statistics) {
        self.count += later.count;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
    }
}

impl<'a> Batch<'a> {
    /// Number of rows, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.rows().len(),
            BatchRows::Joined(joined) => joined.times.len(),
        }
    }

    /// The time of each row, in ms since the epoch.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), as all that decodes.
    pub fn times(&self) -> Result<&[i64]> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.times(),
            BatchRows::Joined(joined) => Ok(&joined.times),
        }
    }

    /// The time of a row, without decoding all.
    pub fn time(&self, row: usize) -> Result<i64> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.time(row),
            BatchRows::Joined(joined) => Ok(joined.times.get(row).copied().unwrap_or(i64::MAX)),
        }
    }

    /// The first row at or after a time, without decoding all; the number of rows if there is none.
    pub fn row_at(&self, time_ms: i64) -> Result<usize> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.row_at(time_ms),
            BatchRows::Joined(joined) => Ok(joined.times.partition_point(|time| *time < time_ms)),
        }
    }

    /// The rows of runs that are partial, ascending: they say nothing of series that they do not have, see
    /// [`Run::partial`](crate::Run::partial). To a series that is absent from any other row, that row is the end.
    pub fn silent(&self) -> Result<Cow<'_, [u32]>> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.silent().map(Cow::Owned),
            BatchRows::Joined(joined) => Ok(Cow::Borrowed(&joined.silent)),
        }
    }

    /// The index of a series among those that are different.
    fn index(&self, series: usize) -> usize {
        self.asked.get(series).map_or(usize::MAX, |index| *index as usize)
    }

    /// What the values of a series have in common, where that is known without decoding them.
    pub fn statistics(&self, series: usize) -> Option<Statistics> {
        match &self.rows {
            BatchRows::Chunk(chunk) if chunk.is_whole() => Some(
                chunk
                    .entry(self.index(series))
                    .map_or(Statistics::NONE, |entry| Statistics::of_chunk(&entry.stats)),
            ),
            _ => None,
        }
    }

    /// A series in these rows.
    pub fn column(&self, series: usize) -> Result<Column> {
        let mut column = Column::default();
        self.read_column(series, &mut column)?;
        Ok(column)
    }

    /// The same into a column that was used before, whose memory is used again.
    pub fn read_column(&self, series: usize, column: &mut Column) -> Result<()> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.read_column(self.index(series), column),
            BatchRows::Joined(joined) => {
                match joined.columns.get(self.index(series)) {
                    Some(read) => column.clone_from(read),
                    None => *column = Column::default(),
                }
                Ok(())
            }
        }
    }

    /// A series, ready to be summed up from row to row: whole pages by their statistics.
    pub fn windows(&self, series: usize) -> Result<Windows<'a>> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.windows(self.index(series)),
            BatchRows::Joined(joined) => {
                let column = joined.columns.get(self.index(series)).cloned().unwrap_or_default();
                let (rows, values) = column.into_parts();
                Ok(Windows {
                    summing: Summing::of(values),
                    present: rows,
                    start: 0,
                    known: [None; 2],
                    malformed: None,
                })
            }
        }
    }
}

/// Sums up stretches of rows of one series. Stretches that follow each other decode each page once.
pub struct Windows<'a> {
    pub(super) summing: Summing<'a>,
    /// The rows that have the series, counted as in the file; none if all have.
    pub(super) present: Option<Vec<u32>>,
    /// The first row of the batch in the file.
    pub(super) start: usize,
    /// The first and the last value of all rows of the file.
    pub(super) known: [Option<Value>; 2],
    pub(super) malformed: Option<Box<dyn Fn() -> crate::Error + Send + 'a>>,
}

impl Windows<'_> {
    /// What the values in some rows of the batch have in common.
    pub fn sum_up(&mut self, rows: Range<usize>) -> Result<Statistics> {
        Ok(Statistics::of(&self.summary(rows)?))
    }

    /// The same with the rows of the ends, counted as in the batch.
    pub(super) fn summary(&mut self, rows: Range<usize>) -> Result<Summary> {
        let rows = rows.start + self.start..rows.end + self.start;
        let rank = |row: usize| match &self.present {
            Some(present) => present.partition_point(|at| (*at as usize) < row),
            None => row,
        };
        let ranks = rank(rows.start)..rank(rows.end);
        let summary = self.summing.sum_up(ranks, self.known).ok();
        let summary = summary.and_then(|mut summary| {
            for (rank, _) in summary.ends.iter_mut().flatten() {
                let row = match &self.present {
                    Some(present) => *present.get(*rank)? as usize,
                    None => *rank,
                };
                *rank = row.checked_sub(self.start)?;
            }
            Some(summary)
        });
        match (summary, &self.malformed) {
            (Some(summary), _) => Ok(summary),
            (None, Some(malformed)) => Err(malformed()),
            // Values in memory can be summed up.
            (None, None) => Ok(Summary::EMPTY),
        }
    }
}
