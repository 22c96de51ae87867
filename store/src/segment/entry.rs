//! What a segment says of one check: where its chunks are, and which series they have.
//!
//! ```text
//! varint  length of what follows up to the series
//! varint  chunks, by time; for each: varint offset minus the end of the chunk before (offset for the first), varint
//!         length, varint rows, zigzag first time, varint last time minus that, varint least run number, varint greatest
//!         minus that, varint samples
//! varint  length of the names
//! names   varint series, by name; for each: name, unit
//! spans   unless every run has every series, for each: varint samples, varint its first time minus that of the check,
//!         varint the last time of the check minus its own
//! ```

use super::catalogue::{Catalogue, SeriesSpan};
use super::extent::Extent;
use crate::bytes::{Cursor, Short, put_str, put_varint};
use crate::hash::fnv1a;
use crate::log::SeriesDef;

/// Where a chunk is, and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRef {
    /// Offset in the file.
    pub(crate) at: u64,
    /// Bytes.
    pub(crate) len: u64,
    pub(crate) extent: Extent,
}

impl std::ops::Deref for ChunkRef {
    type Target = Extent;

    fn deref(&self) -> &Extent {
        &self.extent
    }
}

/// The entry of a check, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    /// By which the names of the series of a check are compared.
    pub(super) names_hash: u64,
    /// Every run has every series.
    pub(super) whole: bool,
}

/// The entry of a check.
pub(super) fn put_entry(extent: &Extent, chunks: &[ChunkRef], catalogue: &Catalogue) -> Entry {
    let mut part = Vec::new();
    put_varint(&mut part, chunks.len() as u64);
    let mut end = 0;
    for chunk in chunks {
        put_varint(&mut part, chunk.at - end);
        put_varint(&mut part, chunk.len);
        chunk.extent.put(&mut part);
        end = chunk.at + chunk.len;
    }
    let mut bytes = Vec::new();
    put_varint(&mut bytes, part.len() as u64);
    bytes.append(&mut part);
    put_varint(&mut part, catalogue.len() as u64);
    for (series, span) in catalogue.iter() {
        series.put(&mut part);
        put_str(&mut part, &span.unit);
    }
    let names_hash = fnv1a(&part);
    put_varint(&mut bytes, part.len() as u64);
    bytes.append(&mut part);
    let all = (extent.rows, extent.first_ms, extent.last_ms);
    let whole = catalogue.iter().all(|(_, span)| (span.samples, span.first_ms, span.last_ms) == all);
    for (_, span) in catalogue.iter().filter(|_| !whole) {
        put_varint(&mut bytes, span.samples);
        put_varint(&mut bytes, span.first_ms.wrapping_sub(extent.first_ms) as u64);
        put_varint(&mut bytes, extent.last_ms.wrapping_sub(span.last_ms) as u64);
    }
    Entry { bytes, names_hash, whole }
}

/// Reads the chunks of an entry, which must lie before `limit`.
pub(super) fn get_chunks(entry: &[u8], limit: u64) -> Result<Vec<ChunkRef>, Short> {
    let mut cursor = Cursor::new(entry);
    let len = cursor.count(1)?;
    let mut cursor = Cursor::new(cursor.take(len)?);
    let mut end = 0_u64;
    let chunks = (0..cursor.count(8)?)
        .map(|_| {
            let at = end.checked_add(cursor.varint()?).ok_or(Short)?;
            let len = cursor.varint()?;
            end = at.checked_add(len).filter(|end| *end <= limit).ok_or(Short)?;
            Ok(ChunkRef { at, len, extent: Extent::get(&mut cursor)? })
        })
        .collect::<Result<_, Short>>()?;
    if cursor.is_at_end() { Ok(chunks) } else { Err(Short) }
}

/// Reads the series of an entry, by name. With `whole`, every run has every series.
pub(super) fn get_series(
    entry: &[u8],
    extent: &Extent,
    whole: bool,
) -> Result<Vec<(SeriesDef, SeriesSpan)>, Short> {
    let mut spans = Cursor::new(entry);
    let chunks_len = spans.count(1)?;
    spans.take(chunks_len)?;
    let names_len = spans.count(1)?;
    let mut names = Cursor::new(spans.take(names_len)?);
    let series = (0..names.count(3)?)
        .map(|_| {
            let (series, unit) = (SeriesDef::get(&mut names)?, names.str()?.to_owned());
            let Extent { rows, first_ms, last_ms, .. } = *extent;
            if whole {
                return Ok((series, SeriesSpan { unit, samples: rows, first_ms, last_ms }));
            }
            let samples = spans.varint()?;
            let first_ms = first_ms.wrapping_add(spans.varint()? as i64);
            let last_ms = last_ms.wrapping_sub(spans.varint()? as i64);
            Ok((series, SeriesSpan { unit, samples, first_ms, last_ms }))
        })
        .collect::<Result<_, Short>>()?;
    if names.is_at_end() && spans.is_at_end() { Ok(series) } else { Err(Short) }
}
