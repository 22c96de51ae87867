//! A series over a span of time, as it is drawn.

use custos_store::{Bounds, State};

use crate::columns::Column;
use crate::series::Series;

/// A series in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Which series it is.
    pub series: Series,
    /// The base unit of the latest value, that of the rate if `rate` is true.
    pub unit: String,
    /// Whether these are changes per second.
    pub rate: bool,
    /// Samples in other units, which are in none of the columns.
    pub others: Others,
    /// The columns; none where there was no sample.
    pub columns: Vec<Option<Column>>,
    /// The plugin's own ranges at the latest value. Rates have none.
    pub limits: Vec<Limit>,
    /// The longest time between two samples that is not a gap, in ms.
    pub bridge_ms: i64,
}

impl Envelope {
    /// Takes in other samples of the same thing, of the same span in as many columns; none in another unit.
    pub fn join(&mut self, other: &Envelope) {
        if (&other.unit, other.rate) != (&self.unit, self.rate) {
            return;
        }
        for (own, other) in self.columns.iter_mut().zip(&other.columns) {
            match (own, other) {
                (Some(own), Some(other)) => own.join(other),
                (own @ None, other) => *own = *other,
                (Some(_), None) => {}
            }
        }
    }
}

/// Samples of a series in other units than the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many.
    pub samples: u64,
    /// Their units, the latest last. Some may be missing.
    pub units: Vec<String>,
}

/// A threshold on a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The state it leads to.
    pub state: State,
    /// The range, in the series' unit.
    pub bounds: Bounds,
}
