//! A part of each run of a check, which is decoded without the rest.

use std::ops::{Range, RangeInclusive};

use super::runs::{rows_in, span};
use super::snapshot::Snapshot;
use super::sweep::{Piece, Rows, Stretch, Sweep};
use crate::chunk::{Bad, ChunkBytes, Header};
use crate::error::Result;
use crate::run::Run;

/// What is wanted of each run.
pub(super) trait Excerpt {
    /// It, without the time.
    type Picked: Copy;
    /// It, with the time.
    type Row;

    /// Of each row of a chunk.
    fn of_chunk(
        &self,
        bytes: &ChunkBytes<'_>,
        header: &Header,
    ) -> std::result::Result<Vec<Self::Picked>, Bad>;

    /// Of a run, which may lack texts and metrics.
    fn of_run(&self, run: &Run) -> Self::Picked;

    fn row(&self, time_ms: i64, picked: Self::Picked) -> Self::Row;
}

/// Iterates over batches of rows, by time, then arrival.
pub(super) struct Excerpts<'a, E> {
    snapshot: &'a Snapshot,
    pub(super) sweep: Sweep<'a>,
    pub(super) span: RangeInclusive<i64>,
    excerpt: E,
}

impl<'a, E: Excerpt> Excerpts<'a, E> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        check: &str,
        range: &Range<i64>,
        excerpt: E,
    ) -> Excerpts<'a, E> {
        let span = span(range);
        Excerpts { snapshot, sweep: snapshot.sweep(check, &span), span, excerpt }
    }

    pub(super) fn batch(&self, stretch: Stretch<'a>) -> Result<Vec<E::Row>> {
        let parts = match stretch {
            Stretch::Rows(parts) => parts,
            Stretch::Chunk(segment, chunk) => {
                let bytes = segment.chunk(chunk)?;
                let read = || {
                    let header = bytes.header()?;
                    Ok((bytes.all_times(&header)?, self.excerpt.of_chunk(&bytes, &header)?))
                };
                let (times, picked) = read().map_err(segment.bad(chunk))?;
                let row = |row: usize| self.excerpt.row(times[row], picked[row]);
                return Ok(rows_in(&times, &self.span).map(row).collect());
            }
        };
        let (mut numbered, several) = (Vec::new(), parts.len() > 1);
        for rows in parts {
            self.read(&rows, several, &mut numbered)?;
        }
        numbered.sort_by_key(|(time_ms, seq, _)| (*time_ms, *seq));
        Ok(numbered.into_iter().map(|(time_ms, _, picked)| self.excerpt.row(time_ms, picked)).collect())
    }

    /// Adds rows of one piece with their times and numbers, which matter only among several.
    fn read(&self, rows: &Rows<'a>, several: bool, numbered: &mut Vec<(i64, u64, E::Picked)>) -> Result<()> {
        match rows.piece {
            Piece::Lost(_) => {}
            Piece::Log(image) => {
                for row in &rows.refs {
                    let plain = image.view(self.snapshot.disk(), row)?.plain;
                    numbered.push((row.time_ms, row.seq, self.excerpt.of_run(&plain)));
                }
            }
            Piece::Chunk(segment, chunk) => {
                let bytes = segment.chunk(chunk)?;
                let read = || {
                    let header = bytes.header()?;
                    let seqs = if several { bytes.seqs(&header)? } else { vec![0; header.rows] };
                    Ok((self.excerpt.of_chunk(&bytes, &header)?, seqs))
                };
                let (picked, seqs) = read().map_err(segment.bad(chunk))?;
                let found = rows.range.clone().zip(&rows.times);
                numbered.extend(found.map(|(row, time_ms)| (*time_ms, seqs[row] as u64, picked[row])));
            }
        }
        Ok(())
    }
}

impl<E: Excerpt> Iterator for Excerpts<'_, E> {
    type Item = Result<Vec<E::Row>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = match self.sweep.next()? {
                Ok(stretch) => self.batch(stretch),
                Err(error) => Err(error),
            };
            match batch {
                Ok(batch) if batch.is_empty() => {}
                batch => return Some(batch),
            }
        }
    }
}
