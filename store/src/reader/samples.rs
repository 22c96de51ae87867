//! The samples of one series, in batches of columns.

use std::ops::Range;

use super::batch::{Batch, BatchRows};
use super::column::Column;
use super::scan::Scan;
use super::series::SeriesKey;
use super::snapshot::Snapshot;
use crate::column::Values;
use crate::error::Result;
use crate::value::Value;

/// Samples of one series in order of time, then arrival.
#[derive(Clone, Debug, Default)]
pub struct SampleBatch {
    times: Vec<i64>,
    values: Values,
}

impl SampleBatch {
    /// Times in ms since the epoch.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The values as floats, rounded where they are integers beyond 2^53, NaN where there is none.
    pub fn floats(&self) -> std::borrow::Cow<'_, [f64]> {
        if self.values.specials.is_empty() {
            return std::borrow::Cow::Borrowed(&self.values.floats);
        }
        (0..self.len()).map(|at| self.values.at(at).map_or(f64::NAN, Value::to_f64)).collect()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// `true` without samples.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// (ms since the epoch, value; none for `U`) of each sample.
    pub fn iter(&self) -> impl Iterator<Item = (i64, Option<Value>)> + '_ {
        self.times.iter().enumerate().map(|(at, time)| (*time, self.values.at(at)))
    }
}

impl IntoIterator for SampleBatch {
    type Item = (i64, Option<Value>);
    type IntoIter = std::vec::IntoIter<(i64, Option<Value>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}

/// Iterates over batches of samples; see [`Snapshot::samples`].
pub struct Samples<'a> {
    scan: Scan<'a>,
}

impl Snapshot {
    /// The samples of a series in a range of time (ms since the epoch; the end is excluded, but for `i64::MAX`), in
    /// batches. A damaged chunk is one error, and then it goes on.
    pub fn samples(&self, check: &str, key: &SeriesKey, range: Range<i64>) -> Samples<'_> {
        Samples { scan: self.scan(check, std::slice::from_ref(key), range) }
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<SampleBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = match self.scan.next()? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            };
            match samples(batch) {
                Ok(samples) if samples.is_empty() => {}
                samples => return Some(samples),
            }
        }
    }
}

/// The samples of the only series of a batch.
fn samples(batch: Batch<'_>) -> Result<SampleBatch> {
    let column = batch.column(0)?;
    if column.is_empty() {
        return Ok(SampleBatch::default());
    }
    let times = match batch.rows {
        BatchRows::Chunk(chunk) => chunk.into_times()?,
        BatchRows::Joined(joined) => joined.times,
    };
    let Column { all, rows, values } = column;
    if all {
        return Ok(SampleBatch { times, values });
    }
    let time = |row: &u32| times.get(*row as usize).copied().unwrap_or_default();
    Ok(SampleBatch { times: rows.iter().map(time).collect(), values })
}
