//! The rows of a chunk in memory: what sealing collects, merging joins and readers look at.
//!
//! Invariants: rows are in order of (time, number); every column has one entry a row; a series has one value for
//! each row whose shape contains it.

use std::collections::HashMap;
use std::ops::Range;

use super::attributes::{self, ATTRIBUTES};
use super::instances::{InstancesBuilder, InstancesIn};
use crate::bytes::Short;
use crate::column::{Texts, TextsBuilder, Values};
use crate::instances::Instances;
use crate::limits::{CHUNK_CELLS, CHUNK_ROWS, CHUNK_TEXT_BYTES};
use crate::log::{SeriesDef, SeriesMeta};
use crate::run::Run;

/// Text, long text, stderr, origin, judgement.
pub(crate) const TEXTS: usize = 5;

/// One series in the rows that have it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeriesRows {
    pub(crate) series: SeriesDef,
    /// Index into the chunk's metas.
    pub(crate) metas: Vec<u32>,
    pub(crate) values: Values,
}

/// Rows of one check in columns.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) times: Vec<i64>,
    pub(crate) seqs: Vec<i64>,
    pub(crate) attributes: [Vec<i64>; ATTRIBUTES],
    pub(crate) texts: [TextsBuilder; TEXTS],
    /// The sequences of series that rows have.
    pub(crate) shapes: Vec<Vec<u32>>,
    pub(crate) shape_rows: Vec<u32>,
    pub(crate) metas: Vec<SeriesMeta>,
    pub(crate) series: Vec<SeriesRows>,
    pub(super) instances: InstancesBuilder,
    /// Each series by name; the n-th entry is for the n-th metric of that name within a run.
    by_name: HashMap<SeriesDef, Vec<u32>>,
    /// By their bytes, so that a NaN equals itself.
    meta_indexes: HashMap<Vec<u8>, u32>,
    shape_indexes: HashMap<Vec<u32>, u32>,
    cells: usize,
}

/// How the dictionaries of one set of rows map to those of another.
pub(crate) struct Remap {
    texts: [Vec<Option<u32>>; TEXTS],
    shapes: Vec<Option<u32>>,
    metas: Vec<u32>,
    series: Vec<u32>,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// `true` when the next rows should go into another chunk.
    pub(crate) fn is_full(&self) -> bool {
        let text: usize = self.texts.iter().map(TextsBuilder::bytes).sum();
        self.len() >= CHUNK_ROWS
            || self.cells >= CHUNK_CELLS
            || text >= CHUNK_TEXT_BYTES
            || self.instances.is_full()
    }

    /// How many rows of a chunk with so many series still fit.
    pub(crate) fn room(&self, series: usize) -> usize {
        let cells = CHUNK_CELLS.saturating_sub(self.cells).div_ceil(series.max(1));
        CHUNK_ROWS.saturating_sub(self.len()).min(cells).max(1)
    }

    /// The index of a series: the `occurrence`-th of that name within a run.
    pub(crate) fn intern_series(&mut self, series: &SeriesDef, occurrence: usize) -> u32 {
        let known = match self.by_name.get_mut(series) {
            Some(known) => known,
            None => self.by_name.entry(series.clone()).or_default(),
        };
        while known.len() <= occurrence {
            known.push(self.series.len() as u32);
            self.series.push(SeriesRows { series: series.clone(), ..SeriesRows::default() });
        }
        known[occurrence]
    }

    pub(crate) fn intern_meta(&mut self, meta: &SeriesMeta) -> u32 {
        let mut key = Vec::new();
        meta.put(&mut key);
        let next = self.metas.len() as u32;
        let index = *self.meta_indexes.entry(key).or_insert(next);
        if index == next {
            self.metas.push(meta.clone());
        }
        index
    }

    pub(crate) fn intern_shape(&mut self, shape: &[u32]) -> u32 {
        if let Some(index) = self.shape_indexes.get(shape) {
            return *index;
        }
        let index = self.shapes.len() as u32;
        self.shapes.push(shape.to_vec());
        self.shape_indexes.insert(shape.to_vec(), index);
        index
    }

    /// Appends all of a row, the run without its texts and metrics, but for its values, which the caller pushes to the
    /// series of the shape.
    pub(crate) fn push(&mut self, seq: u64, run: &Run, texts: [&str; TEXTS], shape: u32) {
        self.instances.push(self.len(), run.time_ms, &run.instances);
        self.times.push(run.time_ms);
        self.seqs.push(seq as i64);
        for (column, number) in self.attributes.iter_mut().zip(attributes::of_run(run)) {
            column.push(number);
        }
        for (column, text) in self.texts.iter_mut().zip(texts) {
            let index = column.intern(text);
            column.push(index);
        }
        self.shape_rows.push(shape);
        self.cells += self.shapes[shape as usize].len();
    }

    /// Prepares to append rows of another chunk.
    pub(crate) fn remap(&mut self, other: &RowsIn) -> Remap {
        let mut seen: HashMap<&SeriesDef, usize> = HashMap::new();
        let series = other
            .series
            .iter()
            .map(|series| {
                let occurrence = seen.entry(&series.series).or_default();
                *occurrence += 1;
                self.intern_series(&series.series, *occurrence - 1)
            })
            .collect();
        Remap {
            texts: std::array::from_fn(|column| vec![None; other.texts[column].distinct.len()]),
            shapes: vec![None; other.shapes.len()],
            metas: other.metas.iter().map(|meta| self.intern_meta(meta)).collect(),
            series,
        }
    }

    /// Appends a stretch of rows of another chunk, which must come after all rows that are here. Returns how many: at
    /// least one, but none after that beyond which the instances make this chunk full.
    pub(crate) fn append(
        &mut self,
        other: &RowsIn,
        remap: &mut Remap,
        rows: Range<usize>,
    ) -> Result<usize, Short> {
        let count = self.append_instances(other, rows.clone())?;
        let rows = rows.start..rows.start + count;
        self.times.extend_from_slice(&other.times[rows.clone()]);
        self.seqs.extend_from_slice(&other.seqs[rows.clone()]);
        for (column, from) in self.attributes.iter_mut().zip(&other.attributes) {
            column.extend_from_slice(&from[rows.clone()]);
        }
        for ((column, from), map) in self.texts.iter_mut().zip(&other.texts).zip(&mut remap.texts) {
            for index in &from.rows[rows.clone()] {
                let to = &mut map[*index as usize];
                let to = *to.get_or_insert_with(|| column.intern(&from.distinct[*index as usize]));
                column.push(to);
            }
        }
        for index in &other.shape_rows[rows.clone()] {
            let known = remap.shapes[*index as usize];
            let shape = known.unwrap_or_else(|| {
                let shape: Vec<u32> = other.shapes[*index as usize]
                    .iter()
                    .map(|series| remap.series[*series as usize])
                    .collect();
                self.intern_shape(&shape)
            });
            remap.shapes[*index as usize] = Some(shape);
            self.shape_rows.push(shape);
            self.cells += self.shapes[shape as usize].len();
        }
        for (index, from) in other.series.iter().enumerate() {
            let ranks = other.rank(index, rows.start)..other.rank(index, rows.end);
            let to = &mut self.series[remap.series[index] as usize];
            to.metas.extend(from.metas[ranks.clone()].iter().map(|meta| remap.metas[*meta as usize]));
            to.values.append(&from.values, ranks);
        }
        Ok(count)
    }

    /// Appends the instances of rows of another chunk until this one is full. Returns of how many rows.
    fn append_instances(&mut self, other: &RowsIn, rows: Range<usize>) -> Result<usize, Short> {
        let here = self.len();
        self.instances.push(here, other.times[rows.start], &other.instances(rows.start)?);
        for row in other.instances.iter().flat_map(|column| column.turns(rows.start + 1..rows.end)) {
            if self.instances.is_full() {
                return Ok(row - rows.start);
            }
            self.instances.push(here + row - rows.start, other.times[row], &other.instances(row)?);
        }
        Ok(rows.len())
    }
}

/// The rows of a chunk that has been decoded.
#[derive(Default)]
pub(crate) struct RowsIn {
    pub(crate) times: Vec<i64>,
    pub(crate) seqs: Vec<i64>,
    pub(crate) attributes: [Vec<i64>; ATTRIBUTES],
    pub(crate) texts: [Texts; TEXTS],
    pub(crate) shapes: Vec<Vec<u32>>,
    pub(crate) shape_rows: Vec<u32>,
    pub(crate) metas: Vec<SeriesMeta>,
    pub(crate) series: Vec<SeriesRows>,
    /// For each series the rows that have it; none where all have.
    pub(crate) present: Vec<Option<Vec<u32>>>,
    /// If any row has some.
    pub(crate) instances: Option<InstancesIn>,
}

impl RowsIn {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// How many rows before this one have the series.
    pub(crate) fn rank(&self, series: usize, row: usize) -> usize {
        match &self.present[series] {
            None => row,
            Some(rows) => rows.partition_point(|at| (*at as usize) < row),
        }
    }

    /// The instances of a row.
    fn instances(&self, row: usize) -> Result<Instances, Short> {
        self.instances.as_ref().map_or(Ok(Instances::default()), |column| column.at(row))
    }

    /// A run in full.
    pub(crate) fn run(&self, row: usize) -> Result<Run, Short> {
        let columns = std::array::from_fn(|column| self.attributes[column][row]);
        let mut run = attributes::to_run(self.times[row], &columns)?;
        let texts = [&mut run.text, &mut run.long_text, &mut run.stderr, &mut run.origin, &mut run.judgement];
        for (text, column) in texts.into_iter().zip(&self.texts) {
            column.at(row).clone_into(text);
        }
        let shape = &self.shapes[self.shape_rows[row] as usize];
        run.metrics.reserve_exact(shape.len());
        for series in shape {
            let rank = self.rank(*series as usize, row);
            let series = &self.series[*series as usize];
            let meta = &self.metas[series.metas[rank] as usize];
            run.metrics.push(meta.metric(&series.series, series.values.at(rank)));
        }
        run.instances = self.instances(row)?;
        Ok(run)
    }
}
