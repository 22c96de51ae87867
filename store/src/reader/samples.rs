//! The samples of one series, in batches of columns.

use std::ops::{Range, RangeInclusive};

use super::runs::{chunks_in, rows_in, span};
use super::series::SeriesKey;
use super::snapshot::{Part, Snapshot};
use crate::chunk::{Bad, ChunkBytes, Header, SeriesEntry};
use crate::column::Values;
use crate::error::Result;
use crate::log::{LogImage, RowRef};
use crate::segment::{ChunkRef, Segment};
use crate::value::Value;

/// Samples of one series in order of time, then arrival.
#[derive(Clone, Debug, Default)]
pub struct SampleBatch {
    times: Vec<i64>,
    values: Values,
}

impl SampleBatch {
    /// Times in ms since the epoch.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The values as floats, rounded where they are integers beyond 2^53, NaN where there is none.
    pub fn floats(&self) -> std::borrow::Cow<'_, [f64]> {
        if self.values.specials.is_empty() {
            return std::borrow::Cow::Borrowed(&self.values.floats);
        }
        (0..self.len()).map(|at| self.values.at(at).map_or(f64::NAN, Value::to_f64)).collect()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// `true` without samples.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// (ms since the epoch, value; none for `U`) of each sample.
    pub fn iter(&self) -> impl Iterator<Item = (i64, Option<Value>)> + '_ {
        self.times.iter().enumerate().map(|(at, time)| (*time, self.values.at(at)))
    }
}

impl IntoIterator for SampleBatch {
    type Item = (i64, Option<Value>);
    type IntoIter = std::vec::IntoIter<(i64, Option<Value>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}

/// A stretch of the history of a check in one file.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Log(&'a LogImage),
    Chunk(&'a Segment, &'a ChunkRef),
    /// A segment that has runs of the check but does not tell its chunks.
    Lost(&'a Segment),
}

/// Pieces whose times overlap, and those times.
pub(super) struct Group<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    last_ms: i64,
}

impl Snapshot {
    /// All that may have runs of a check in a span, in groups that follow each other.
    pub(super) fn groups<'a>(&'a self, check: &str, span: &RangeInclusive<i64>) -> Vec<Group<'a>> {
        let mut pieces: Vec<(i64, i64, Piece<'a>)> = Vec::new();
        for part in self.parts() {
            match part {
                Part::Log(image) => {
                    if let Some((first, last)) = image.rows(check).ends_within(span) {
                        pieces.push((first, last, Piece::Log(image)));
                    }
                }
                Part::Segment(segment) => match (chunks_in(segment, check, span), segment.extent(check)) {
                    (Ok(chunks), _) => {
                        let chunks = chunks.iter();
                        pieces.extend(
                            chunks.map(|chunk| (chunk.first_ms, chunk.last_ms, Piece::Chunk(segment, chunk))),
                        );
                    }
                    (Err(_), Some(lost)) => pieces.push((lost.first_ms, lost.last_ms, Piece::Lost(segment))),
                    (Err(_), None) => {}
                },
            }
        }
        pieces.sort_by_key(|(first, ..)| *first);
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (first_ms, last_ms, piece) in pieces {
            match groups.last_mut() {
                Some(group) if first_ms <= group.last_ms => {
                    group.pieces.push(piece);
                    group.last_ms = group.last_ms.max(last_ms);
                }
                _ => groups.push(Group { pieces: vec![piece], last_ms }),
            }
        }
        groups
    }

    /// The samples of a series in a range of time (ms since the epoch; the end is excluded, but for `i64::MAX`), in
    /// batches. A damaged chunk is one error, and then it goes on.
    pub fn samples(&self, check: &str, key: &SeriesKey, range: Range<i64>) -> Samples<'_> {
        let span = span(&range);
        let groups = self.groups(check, &span).into_iter();
        Samples { snapshot: self, groups, check: check.to_owned(), key: key.clone(), span }
    }
}

/// Iterates over batches of samples; see [`Snapshot::samples`].
pub struct Samples<'a> {
    snapshot: &'a Snapshot,
    groups: std::vec::IntoIter<Group<'a>>,
    check: String,
    key: SeriesKey,
    span: RangeInclusive<i64>,
}

impl Iterator for Samples<'_> {
    type Item = Result<SampleBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let group = self.groups.next()?;
            match self.snapshot.group_samples(&group, &self.check, &self.key, &self.span) {
                Ok(batch) if batch.is_empty() => {}
                batch => return Some(batch),
            }
        }
    }
}

/// The entry of a series in a chunk.
pub(super) fn entry<'a>(header: &'a Header, key: &SeriesKey) -> Option<(usize, &'a SeriesEntry)> {
    let named = |entry: &SeriesEntry| entry.series.label == key.label && entry.series.labels == key.labels;
    header.series.iter().enumerate().find(|(_, entry)| named(entry))
}

impl Snapshot {
    /// The samples of a series in pieces that overlap.
    pub(super) fn group_samples(
        &self,
        group: &Group<'_>,
        check: &str,
        key: &SeriesKey,
        span: &RangeInclusive<i64>,
    ) -> Result<SampleBatch> {
        if let [Piece::Chunk(segment, chunk)] = group.pieces[..] {
            let bytes = segment.chunk(chunk)?;
            return chunk_samples(&bytes, key, span).map_err(segment.bad(chunk));
        }
        let mut batch = SampleBatch::default();
        for (time, value) in self.joined(group, check, key, span)? {
            if let Some(value) = value {
                batch.times.push(time);
                batch.values.push(value);
            }
        }
        Ok(batch)
    }

    /// (time, value) of each run of pieces that overlap, in order; no value where the run has none.
    pub(super) fn group_values(
        &self,
        group: &Group<'_>,
        check: &str,
        key: &SeriesKey,
        span: &RangeInclusive<i64>,
    ) -> Result<impl Iterator<Item = (i64, Option<Value>)> + use<>> {
        let joined = self.joined(group, check, key, span)?;
        Ok(joined.into_iter().map(|(time, value)| (time, value.flatten())))
    }

    /// Of each run in pieces that overlap, in order of time, then arrival, the time and what it says of the series,
    /// if anything.
    fn joined(
        &self,
        group: &Group<'_>,
        check: &str,
        key: &SeriesKey,
        span: &RangeInclusive<i64>,
    ) -> Result<Vec<(i64, Option<Option<Value>>)>> {
        let mut rows: Vec<(i64, u64, Option<Option<Value>>)> = Vec::new();
        for piece in &group.pieces {
            match piece {
                Piece::Log(image) => self.log_samples(image, check, key, span, &mut rows)?,
                Piece::Lost(segment) => {
                    segment.chunks(check)?;
                }
                Piece::Chunk(segment, chunk) => {
                    let bytes = segment.chunk(chunk)?;
                    chunk_rows(&bytes, key, span, &mut rows).map_err(segment.bad(chunk))?;
                }
            }
        }
        rows.sort_by_key(|(time, seq, _)| (*time, *seq));
        Ok(rows.into_iter().map(|(time, _, value)| (time, value)).collect())
    }

    fn log_samples(
        &self,
        image: &LogImage,
        check: &str,
        key: &SeriesKey,
        span: &RangeInclusive<i64>,
        out: &mut Vec<(i64, u64, Option<Option<Value>>)>,
    ) -> Result<()> {
        // Most rows have the schema of the row before.
        let mut known: Option<(usize, Option<usize>)> = None;
        let find = |row: &RowRef| {
            let metrics = &image.schema(row).metrics;
            metrics.iter().position(|(series, _)| series.label == key.label && series.labels == key.labels)
        };
        for row in image.rows(check).within(span) {
            let schema = image.schema_index(row);
            let at = match known {
                Some((same, at)) if same == schema => at,
                _ => find(row),
            };
            known = Some((schema, at));
            let value = match at {
                Some(at) => image.view(self.disk(), row)?.values().nth(at),
                None => None,
            };
            out.push((row.time_ms, row.seq, value));
        }
        Ok(())
    }
}

/// The samples of a series in a chunk.
fn chunk_samples(
    bytes: &ChunkBytes<'_>,
    key: &SeriesKey,
    span: &RangeInclusive<i64>,
) -> std::result::Result<SampleBatch, Bad> {
    let header = bytes.header()?;
    let Some((index, entry)) = entry(&header, key) else { return Ok(SampleBatch::default()) };
    let mut times = bytes.all_times(&header)?;
    let rows = rows_in(&times, span);
    let Some(present) = bytes.present(&header, index)? else {
        let values = bytes.values(entry, rows.clone())?;
        times.truncate(rows.end);
        times.drain(..rows.start);
        return Ok(SampleBatch { times, values });
    };
    let rank = |row: usize| present.partition_point(|at| (*at as usize) < row);
    let ranks = rank(rows.start)..rank(rows.end);
    let values = bytes.values(entry, ranks.clone())?;
    let time = |row: &u32| times.get(*row as usize).copied().unwrap_or_default();
    Ok(SampleBatch { times: present[ranks].iter().map(time).collect(), values })
}

/// Time, number and what it says of a series of each row of a chunk.
fn chunk_rows(
    bytes: &ChunkBytes<'_>,
    key: &SeriesKey,
    span: &RangeInclusive<i64>,
    out: &mut Vec<(i64, u64, Option<Option<Value>>)>,
) -> std::result::Result<(), Bad> {
    let header = bytes.header()?;
    let (times, seqs) = (bytes.all_times(&header)?, bytes.seqs(&header)?);
    let rows = rows_in(&times, span);
    let found = match entry(&header, key) {
        Some((index, entry)) => Some((bytes.present(&header, index)?, bytes.values(entry, 0..entry.rows)?)),
        None => None,
    };
    let value = |row: usize| {
        let (present, values) = found.as_ref()?;
        let rank = match present {
            Some(present) => present.binary_search(&(row as u32)).ok()?,
            None => row,
        };
        Some(values.at(rank))
    };
    out.extend(rows.map(|row| (times[row], seqs[row] as u64, value(row))));
    Ok(())
}
