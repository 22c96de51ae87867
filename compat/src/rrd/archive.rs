//! One archive: rows of one function, each over so many steps.

use super::layout::{CELL_LEN, number};

/// How a row's values were made of those of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// The mean, weighted by time.
    Average,
    /// The least of the means of its steps.
    Minimum,
    /// The greatest of them.
    Maximum,
    /// The last of them.
    Last,
}

impl Function {
    /// The function of that name in an RRD; none for those of forecasts, which are not measured.
    pub(super) fn named(name: &str) -> Option<Function> {
        match name {
            "AVERAGE" => Some(Function::Average),
            "MIN" => Some(Function::Minimum),
            "MAX" => Some(Function::Maximum),
            "LAST" => Some(Function::Last),
            _ => None,
        }
    }
}

/// An archive.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    /// Its function as the file names it.
    pub name: &'a str,
    /// Its function, if it is one of what was measured.
    pub function: Option<Function>,
    /// The span of a row in seconds, at least 1.
    pub span_s: u64,
    /// The end of its newest row, in seconds since the epoch.
    pub last_s: u64,
    pub(super) cells: &'a [u8],
    pub(super) sources: usize,
    pub(super) rows: usize,
    /// Where the newest row is.
    pub(super) newest: usize,
}

/// A row: one value for each source.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The end of its span, in seconds since the epoch.
    pub end_s: u64,
    cells: &'a [u8],
}

impl<'a> Archive<'a> {
    /// How many rows it has; at least 1.
    pub fn rows_len(&self) -> usize {
        self.rows
    }

    /// Its rows, the oldest first. Those that would lie before the epoch are left out.
    pub fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let Archive { cells, rows, newest, last_s, span_s, .. } = *self;
        let row_len = self.sources * CELL_LEN;
        (0..rows).filter_map(move |index| {
            let back = u64::try_from(rows - 1 - index).ok()?.checked_mul(span_s)?;
            let at = (newest + 1 + index) % rows * row_len;
            Some(Row { end_s: last_s.checked_sub(back)?, cells: cells.get(at..at + row_len)? })
        })
    }
}

impl Row<'_> {
    /// The values in the order of the sources; NaN where nothing is known.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.cells.chunks_exact(CELL_LEN).map(|cell| f64::from_bits(number(cell, 0)))
    }
}
