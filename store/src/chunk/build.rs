//! Collecting the rows of a log into chunks.

use std::collections::HashMap;

use super::rows::Rows;
use crate::disk::Disk;
use crate::error::Result;
use crate::log::{LogImage, RowRef};

/// What a schema of the log is in the rows.
struct Known {
    shape: u32,
    series: Vec<u32>,
    metas: Vec<u32>,
}

/// Rows that are being collected from one log or several, in order of (time, number).
#[derive(Default)]
pub(crate) struct LogRows {
    rows: Rows,
    /// By index of the log and of the schema in it, to index in `schemas`.
    known: HashMap<(usize, usize), usize>,
    schemas: Vec<Known>,
    /// What the row before had: most have the same.
    last: Option<((usize, usize), usize)>,
}

impl LogRows {
    pub(crate) fn push(&mut self, disk: &dyn Disk, log: (usize, &LogImage), row: &RowRef) -> Result<()> {
        let (log_index, image) = log;
        let mut view = image.view(disk, row)?;
        view.plain.instances = image.instances(disk, row)?;
        let key = (log_index, image.schema_index(row));
        let at = match self.last {
            Some((last, at)) if last == key => at,
            _ => self.schema(key, image, row),
        };
        self.last = Some((key, at));
        let (rows, known) = (&mut self.rows, &self.schemas[at]);
        rows.push(row.seq, &view.plain, view.texts, known.shape);
        for ((value, series), meta) in view.values().zip(&known.series).zip(&known.metas) {
            let to = &mut rows.series[*series as usize];
            to.metas.push(*meta);
            to.values.push(value);
        }
        for (index, meta) in &view.metas {
            let meta = rows.intern_meta(meta);
            if let Some(last) = rows.series[known.series[*index] as usize].metas.last_mut() {
                *last = meta;
            }
        }
        Ok(())
    }

    /// The index in `schemas` of what a row has.
    fn schema(&mut self, key: (usize, usize), image: &LogImage, row: &RowRef) -> usize {
        let (rows, schemas) = (&mut self.rows, &mut self.schemas);
        *self.known.entry(key).or_insert_with(|| {
            let schema = image.schema(row);
            let mut series = Vec::with_capacity(schema.metrics.len());
            for (definition, _) in &schema.metrics {
                // A name that stands twice in a run is two series.
                let mut at = (0..).map(|occurrence| rows.intern_series(definition, occurrence));
                series.extend(at.find(|index| !series.contains(index)));
            }
            let metas = schema.metrics.iter().map(|(_, meta)| rows.intern_meta(meta)).collect();
            schemas.push(Known { shape: rows.intern_shape(&series), series, metas });
            schemas.len() - 1
        })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.is_full()
    }

    /// The rows so far, if there are any; the next ones go into another chunk.
    pub(crate) fn take(&mut self) -> Option<Rows> {
        self.known.clear();
        self.schemas.clear();
        self.last = None;
        let rows = std::mem::take(&mut self.rows);
        (rows.len() > 0).then_some(rows)
    }
}
