//! One series in the rows of a batch.

use crate::column::Values;
use crate::value::Value;

/// One series in the rows of a batch: which rows have it, and with which values.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Every row has the series, and `rows` is empty.
    pub(super) all: bool,
    pub(super) rows: Vec<u32>,
    pub(super) values: Values,
}

/// What a row says of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// It has this value.
    Value(Value),
    /// The plugin said `U`: it is there, and its value is not known.
    Unknown,
    /// The run does not have it. Unless it is among [`Batch::silent`](crate::Batch::silent), the series ends here.
    Absent,
}

impl Column {
    /// Number of samples: rows that have the series, those without a value included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// `true` if no row has the series.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of each sample, ascending; `None` if every row has one.
    pub fn rows(&self) -> Option<&[u32]> {
        if self.all { None } else { Some(&self.rows) }
    }

    /// The value of each sample, if all are floats, which is usual; integers up to 2^53 are.
    pub fn floats(&self) -> Option<&[f64]> {
        self.values.specials.is_empty().then_some(&self.values.floats)
    }

    /// The value of the n-th sample; none for `U`.
    pub fn value(&self, sample: usize) -> Option<Value> {
        self.values.at(sample)
    }

    /// (row, value; none for `U`) of each sample.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Option<Value>)> + '_ {
        let row = |sample: usize| if self.all { sample } else { self.rows[sample] as usize };
        (0..self.len()).map(move |sample| (row(sample), self.values.at(sample)))
    }

    /// What a row says of the series.
    pub fn cell(&self, row: usize) -> Cell {
        let sample = if self.all { Some(row) } else { self.rows.binary_search(&(row as u32)).ok() };
        match sample {
            Some(sample) => self.values.at(sample).map_or(Cell::Unknown, Cell::Value),
            None => Cell::Absent,
        }
    }

    /// The rows of the samples, none if all have one, and their values.
    pub(super) fn into_parts(self) -> (Option<Vec<u32>>, Values) {
        (if self.all { None } else { Some(self.rows) }, self.values)
    }

    pub(super) fn clear(&mut self) {
        self.all = false;
        self.rows.clear();
        self.values.floats.clear();
        self.values.specials.clear();
    }

    /// Adds the sample of a row after all others.
    pub(super) fn push(&mut self, row: u32, value: Option<Value>) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// Ends a column of so many rows to which samples were added.
    pub(super) fn finish(&mut self, len: usize) {
        if self.rows.len() == len {
            self.all = true;
            self.rows.clear();
        }
    }
}
