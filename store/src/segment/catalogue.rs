//! The catalogue of a check: its series, each with its unit, and how many samples it has between which times.
//!
//! Sealing makes it from the rows, merging from the catalogues of the segments that it joins; so it is exact, and
//! knowing it takes no chunk.

use std::collections::BTreeMap;

use crate::chunk::{Rows, RowsIn, SeriesRows};
use crate::log::{SeriesDef, SeriesMeta};

/// One series of a check over some runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeriesSpan {
    /// Base unit, as the newest run says.
    pub(crate) unit: String,
    /// Runs that have the series, those without a value included.
    pub(crate) samples: u64,
    /// The first run that has it, in ms since the epoch.
    pub(crate) first_ms: i64,
    /// The last run that has it.
    pub(crate) last_ms: i64,
}

impl SeriesSpan {
    /// Takes in what newer runs say of the series.
    pub(crate) fn add(&mut self, newer: SeriesSpan) {
        self.unit = newer.unit;
        self.add_span(newer.samples, newer.first_ms, newer.last_ms);
    }

    /// The same of runs that say the same unit.
    pub(crate) fn add_span(&mut self, samples: u64, first_ms: i64, last_ms: i64) {
        self.samples = self.samples.saturating_add(samples);
        self.first_ms = self.first_ms.min(first_ms);
        self.last_ms = self.last_ms.max(last_ms);
    }
}

/// See the head of this file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    series: BTreeMap<SeriesDef, SeriesSpan>,
}

impl Catalogue {
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }

    /// By name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SeriesDef, &SeriesSpan)> {
        self.series.iter()
    }

    /// Takes in what newer runs say of a series.
    pub(crate) fn add(&mut self, series: SeriesDef, span: SeriesSpan) {
        match self.series.get_mut(&series) {
            None => {
                self.series.insert(series, span);
            }
            Some(known) => known.add(span),
        }
    }

    /// All series by name.
    pub(crate) fn into_series(self) -> Vec<(SeriesDef, SeriesSpan)> {
        self.series.into_iter().collect()
    }

    /// Takes in the rows of a chunk. The chunks of a check come in order of time.
    pub(crate) fn add_rows(&mut self, rows: &Rows) {
        // The first and the last row of each shape, then of each series.
        let mut of_shapes: Vec<Option<(usize, usize)>> = vec![None; rows.shapes.len()];
        for (row, shape) in rows.shape_rows.iter().enumerate() {
            let ends = &mut of_shapes[*shape as usize];
            *ends = Some((ends.map_or(row, |(first, _)| first), row));
        }
        let mut ends: Vec<Option<(usize, usize)>> = vec![None; rows.series.len()];
        for (shape, of_shape) in rows.shapes.iter().zip(of_shapes) {
            let Some((first, last)) = of_shape else { continue };
            for series in shape {
                let known = &mut ends[*series as usize];
                *known = Some(known.map_or((first, last), |known| (known.0.min(first), known.1.max(last))));
            }
        }
        for (series, ends) in rows.series.iter().zip(ends) {
            self.add_series(series, &rows.metas, &rows.times, ends);
        }
    }

    /// The same of a chunk that has been read.
    pub(crate) fn add_decoded(&mut self, rows: &RowsIn) {
        for (series, present) in rows.series.iter().zip(&rows.present) {
            let ends = match present {
                Some(present) => present.first().zip(present.last()).map(|(a, b)| (*a as usize, *b as usize)),
                None => rows.len().checked_sub(1).map(|last| (0, last)),
            };
            self.add_series(series, &rows.metas, &rows.times, ends);
        }
    }

    /// Takes in a series that has these as its first and its last row.
    fn add_series(
        &mut self,
        series: &SeriesRows,
        metas: &[SeriesMeta],
        times: &[i64],
        ends: Option<(usize, usize)>,
    ) {
        let (Some((first, last)), Some(meta)) = (ends, series.metas.last()) else { return };
        let span = SeriesSpan {
            unit: metas.get(*meta as usize).map_or_else(String::new, |meta| meta.unit.clone()),
            samples: series.values.len() as u64,
            first_ms: times[first],
            last_ms: times[last],
        };
        self.add(series.series.clone(), span);
    }
}
