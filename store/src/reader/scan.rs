//! Many series of a check in one pass.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::batch::{Batch, BatchRows, Joined};
use super::column::Column;
use super::open_chunk::OpenChunk;
use super::runs::span;
use super::series::SeriesKey;
use super::snapshot::Snapshot;
use super::sweep::{Piece, Rows, Stretch, Sweep};
use super::wanted::Wanted;
use crate::error::Result;
use crate::log::LogImage;

/// Iterates over batches of rows; see [`Snapshot::scan`].
pub struct Scan<'a> {
    snapshot: &'a Snapshot,
    sweep: Sweep<'a>,
    wanted: Wanted,
    span: RangeInclusive<i64>,
}

impl Snapshot {
    /// Series of a check in a range of time (ms since the epoch; the end is excluded, but for `i64::MAX`), in batches of
    /// runs that follow each other by time, then arrival. In a batch, a series goes by its index in `series`. Runs that
    /// have none of them are there too: that a series is missing says something.
    ///
    /// A damaged chunk is one error, and then it goes on; a damaged column is an error where it is decoded.
    pub fn scan(&self, check: &str, series: &[SeriesKey], range: Range<i64>) -> Scan<'_> {
        let span = span(&range);
        Scan { snapshot: self, sweep: self.sweep(check, &span), wanted: Wanted::new(series), span }
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Result<Batch<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let stretch = match self.sweep.next()? {
                Ok(stretch) => stretch,
                Err(error) => return Some(Err(error)),
            };
            match self.batch(stretch) {
                Ok(Some(rows)) => return Some(Ok(Batch { rows, asked: Arc::clone(self.wanted.asked()) })),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<'a> Scan<'a> {
    /// The rows of a stretch, if there are any.
    fn batch(&mut self, stretch: Stretch<'a>) -> Result<Option<BatchRows<'a>>> {
        let mut parts = match stretch {
            Stretch::Chunk(segment, chunk) => {
                let chunk = OpenChunk::within(segment, chunk, &mut self.wanted, &self.span)?;
                return Ok((!chunk.rows().is_empty()).then(|| BatchRows::Chunk(Box::new(chunk))));
            }
            Stretch::Rows(parts) => parts,
        };
        match (parts.pop(), parts.is_empty()) {
            (Some(Rows { piece: Piece::Chunk(segment, chunk), range, times, .. }), true) => {
                let chunk = OpenChunk::rows_at(segment, chunk, &mut self.wanted, range, times)?;
                Ok(Some(BatchRows::Chunk(Box::new(chunk))))
            }
            (Some(only), true) => {
                let Decoded { times, silent, unobserved, columns, .. } = self.decode(only)?;
                Ok(Some(BatchRows::Joined(Joined { times, silent, unobserved, columns })))
            }
            (last, _) => {
                let parts = parts.into_iter().chain(last).map(|rows| self.decode(rows));
                Ok(Some(BatchRows::Joined(join(parts.collect::<Result<_>>()?, self.wanted.len()))))
            }
        }
    }

    /// All that is wanted of the rows of one piece.
    fn decode(&mut self, rows: Rows<'a>) -> Result<Decoded> {
        match rows.piece {
            Piece::Chunk(segment, chunk) => {
                let open =
                    OpenChunk::rows_at(segment, chunk, &mut self.wanted, rows.range, rows.times.clone())?;
                let columns = (0..self.wanted.len()).map(|series| {
                    let mut column = Column::default();
                    open.read_column(series, &mut column).map(|()| column)
                });
                let columns = columns.collect::<Result<_>>()?;
                let seqs = open.seqs()?.into_iter().map(|seq| seq as u64).collect();
                let (silent, unobserved) = (open.silent()?, open.unobserved()?);
                Ok(Decoded { times: rows.times, seqs, silent, unobserved, columns })
            }
            Piece::Log(image) => self.decode_log(image, &rows),
            Piece::Lost(_) => Ok(Decoded::default()),
        }
    }

    fn decode_log(&self, image: &LogImage, rows: &Rows<'a>) -> Result<Decoded> {
        let mut columns = vec![Column::default(); self.wanted.len()];
        let (mut silent, mut unobserved) = (Vec::new(), Vec::new());
        // For each metric of a schema, the series that is wanted. Most rows have the schema of the row before.
        let mut known: Option<(usize, Vec<Option<u32>>)> = None;
        for (at, row) in rows.refs.iter().enumerate() {
            let schema = image.schema_index(row);
            if known.as_ref().is_none_or(|(same, _)| *same != schema) {
                let metrics = &image.schema(row).metrics;
                let mut wanted = vec![None; metrics.len()];
                let found = self.wanted.find(metrics.iter().map(|(series, _)| series));
                for (series, metric) in
                    found.iter().enumerate().filter_map(|(at, found)| Some((at, (*found)?)))
                {
                    wanted[metric as usize] = Some(series as u32);
                }
                known = Some((schema, wanted));
            }
            let wanted = known.as_ref().map_or(&[][..], |(_, wanted)| wanted);
            let view = image.view(self.snapshot.disk(), row)?;
            if view.plain.partial {
                silent.push(at as u32);
            }
            if view.plain.reason.is_unobserved() {
                unobserved.push(at as u32);
            }
            for (value, series) in view.values().zip(wanted) {
                if let Some(series) = series {
                    columns[*series as usize].push(at as u32, value);
                }
            }
        }
        columns.iter_mut().for_each(|column| column.finish(rows.refs.len()));
        let seqs = rows.refs.iter().map(|row| row.seq).collect();
        Ok(Decoded { times: rows.times.clone(), seqs, silent, unobserved, columns })
    }
}

/// The rows of one piece, by time, then number.
#[derive(Default)]
struct Decoded {
    times: Vec<i64>,
    seqs: Vec<u64>,
    /// Rows that are partial.
    silent: Vec<u32>,
    /// Rows of which nothing is known.
    unobserved: Vec<u32>,
    columns: Vec<Column>,
}

/// Puts the rows of several pieces in order.
fn join(parts: Vec<Decoded>, series: usize) -> Joined {
    let rows = parts.iter().enumerate().flat_map(|(part, decoded)| {
        let keys = decoded.times.iter().zip(&decoded.seqs);
        keys.enumerate().map(move |(row, (time, seq))| (*time, *seq, part, row))
    });
    let mut order: Vec<(i64, u64, usize, usize)> = rows.collect();
    order.sort_unstable();
    // Where the rows of the parts that are such are now.
    let placed = |of: fn(&Decoded) -> &[u32]| -> Vec<u32> {
        let is_such = |part: usize, row: usize| of(&parts[part]).binary_search(&(row as u32)).is_ok();
        let found = order.iter().enumerate().filter(|(_, (.., part, row))| is_such(*part, *row));
        found.map(|(at, _)| at as u32).collect()
    };
    let (silent, unobserved) = (placed(|part| &part.silent), placed(|part| &part.unobserved));
    let columns = (0..series).map(|series| {
        let mut column = Column::default();
        // Of each part, the sample that comes next; its rows come in order.
        let mut next = vec![0; parts.len()];
        for (at, (.., part, row)) in order.iter().enumerate() {
            let from = &parts[*part].columns[series];
            let sample = next[*part];
            if from.all || from.rows.get(sample) == Some(&(*row as u32)) {
                column.push(at as u32, from.value(sample));
                next[*part] += 1;
            }
        }
        column.finish(order.len());
        column
    });
    let columns = columns.collect();
    Joined { times: order.into_iter().map(|(time, ..)| time).collect(), silent, unobserved, columns }
}
