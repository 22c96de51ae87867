//! What a scan hands out: rows of a check that follow each other, and the series that were asked for in them.
//!
//! Nothing is decoded before it is asked for, and times are decoded once for all series. A chunk knows the statistics of
//! each series, and each page of values those of its values.

use std::borrow::Cow;
use std::sync::Arc;

use super::column::Column;
use super::open_chunk::OpenChunk;
use super::slots::Slots;
use super::windows::Windows;
use crate::column::Summing;
use crate::error::Result;
use crate::statistics::Statistics;

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
    /// Rows of which nothing is known.
    pub(super) unobserved: Vec<u32>,
    /// By index of the series.
    pub(super) columns: Vec<Column>,
}

impl<'a> Batch<'a> {
    /// Number of rows, at least one.
    #[expect(clippy::len_without_is_empty, reason = "a batch has rows")]
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

    /// The times of the rows by their slots, without decoding how late each was where they follow a grid.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), as all that decodes.
    pub fn slots(&self) -> Result<Slots<'_>> {
        if let BatchRows::Chunk(chunk) = &self.rows
            && let Some(stretches) = chunk.slots()?
        {
            return Ok(Slots::Grid(stretches));
        }
        self.times().map(Slots::Times)
    }

    /// The time of a row, without decoding all.
    pub fn time(&self, row: usize) -> Result<i64> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.time(row),
            BatchRows::Joined(joined) => Ok(joined.times.get(row).copied().unwrap_or(i64::MAX)),
        }
    }

    /// Whether it is known that no two rows have the same time. Mostly told without decoding them; of rows in a chunk, the
    /// others of that chunk count, too.
    pub fn times_differ(&self) -> Result<bool> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.times_differ(),
            BatchRows::Joined(joined) => Ok(joined.times.windows(2).all(|pair| pair[0] != pair[1])),
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

    /// The rows of runs that did not take place or whose result is lost, ascending; see [`Reason::is_unobserved`]. They have no
    /// series.
    ///
    /// [`Reason::is_unobserved`]: crate::Reason::is_unobserved
    pub fn unobserved(&self) -> Result<Cow<'_, [u32]>> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.unobserved().map(Cow::Owned),
            BatchRows::Joined(joined) => Ok(Cow::Borrowed(&joined.unobserved)),
        }
    }

    /// The index of a series among those that are different.
    fn index(&self, series: usize) -> usize {
        self.asked.get(series).map_or(usize::MAX, |index| *index as usize)
    }

    /// What the values of a series have in common, where that is known without decoding them.
    pub fn statistics(&self, series: usize) -> Option<Statistics> {
        match &self.rows {
            BatchRows::Chunk(chunk) if chunk.is_whole() => {
                Some(chunk.entry(self.index(series)).map_or(Statistics::NONE, |entry| entry.stats))
            }
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

    /// Appends the value of a series in each row, if each row has one that is a float, which is usual. `false` if not, and
    /// after an error, nothing counts that was appended.
    pub fn append_floats(&self, series: usize, floats: &mut Vec<f64>) -> Result<bool> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.append_floats(self.index(series), floats),
            BatchRows::Joined(joined) => {
                let column = joined.columns.get(self.index(series));
                let plain = column.filter(|column| column.rows().is_none()).and_then(Column::floats);
                let plain = plain.filter(|plain| plain.len() == joined.times.len());
                floats.extend_from_slice(plain.unwrap_or_default());
                Ok(plain.is_some())
            }
        }
    }

    /// The same for some rows only, which ascend, without decoding all.
    pub fn append_picked(&self, series: usize, rows: &[usize], floats: &mut Vec<f64>) -> Result<bool> {
        match &self.rows {
            BatchRows::Chunk(chunk) => chunk.append_picked(self.index(series), rows, floats),
            BatchRows::Joined(_) => Ok(false),
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
