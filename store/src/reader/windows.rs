//! Summing up stretches of the values of a series: whole pages by their statistics.

use std::ops::Range;

use crate::column::{Stat, Summary, Summing};
use crate::error::Result;
use crate::statistics::Statistics;
use crate::value::Value;

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
        let Summary { count, stat: Stat { min, max, sum }, ends } = self.summary(rows)?;
        let [first, last] = ends.map_or([None; 2], |ends| ends.map(|(_, value)| Some(value)));
        Ok(Statistics { count, min, max, sum, first, last })
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
