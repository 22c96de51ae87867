//! What values have in common, and summing up stretches of them: whole pages by their statistics.

use std::ops::Range;

use crate::chunk::Stats;
use crate::column::{Summary, Summing};
use crate::error::Result;
use crate::value::Value;

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

    pub(super) fn of_chunk(stats: &Stats) -> Statistics {
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
