//! What a segment says of one check: where its chunks are, and which series they have.
//!
//! ```text
//! varint  length of what follows up to the series
//! varint  chunks, by time; for each: varint offset minus the end of the chunk before (offset for the first), varint
//!         length, varint rows, zigzag first time, varint last time minus that, varint least run number, varint greatest
//!         minus that, varint samples
//! varint  length of the names
//! names   varint series, by name; for each: name, unit
//! spans   for each series: varint samples, varint its first time minus that of the check, varint the last time of the
//!         check minus its own
//! ```
//!
//! Names stand apart from what changes, so that a reader of many segments sees at a glance that they are the same.

use super::catalogue::{Catalogue, SeriesSpan};
use super::directory::Extent;
use crate::bytes::{Cursor, Short, put_str, put_varint};
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

/// The entry of a check.
pub(super) fn put_entry(extent: &Extent, chunks: &[ChunkRef], catalogue: &Catalogue) -> Vec<u8> {
    let mut part = Vec::new();
    put_varint(&mut part, chunks.len() as u64);
    let mut end = 0;
    for chunk in chunks {
        put_varint(&mut part, chunk.at - end);
        put_varint(&mut part, chunk.len);
        chunk.extent.put(&mut part);
        end = chunk.at + chunk.len;
    }
    let mut out = Vec::new();
    put_varint(&mut out, part.len() as u64);
    out.append(&mut part);
    put_varint(&mut part, catalogue.len() as u64);
    for (series, span) in catalogue.iter() {
        series.put(&mut part);
        put_str(&mut part, &span.unit);
    }
    put_varint(&mut out, part.len() as u64);
    out.append(&mut part);
    for (_, span) in catalogue.iter() {
        put_varint(&mut out, span.samples);
        put_varint(&mut out, span.first_ms.wrapping_sub(extent.first_ms) as u64);
        put_varint(&mut out, extent.last_ms.wrapping_sub(span.last_ms) as u64);
    }
    out
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

/// The series of a check in one segment, not taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesList<'a> {
    /// Names and units: those of two segments are mostly the same bytes.
    names: &'a [u8],
    spans: &'a [u8],
    extent: &'a Extent,
}

impl<'a> SeriesList<'a> {
    pub(super) fn get(entry: &'a [u8], extent: &'a Extent) -> Result<SeriesList<'a>, Short> {
        let mut cursor = Cursor::new(entry);
        let chunks_len = cursor.count(1)?;
        cursor.take(chunks_len)?;
        let names_len = cursor.count(1)?;
        let names = cursor.take(names_len)?;
        Ok(SeriesList { names, spans: cursor.rest(), extent })
    }

    /// `true` if both have the same series, with the same units.
    pub(crate) fn has_the_names_of(&self, other: &SeriesList<'_>) -> bool {
        self.names == other.names
    }

    /// Names and units, by name.
    pub(crate) fn names(&self) -> Result<Vec<(SeriesDef, String)>, Short> {
        let mut cursor = Cursor::new(self.names);
        let names = (0..cursor.count(3)?)
            .map(|_| Ok((SeriesDef::get(&mut cursor)?, cursor.str()?.to_owned())))
            .collect::<Result<_, Short>>()?;
        if cursor.is_at_end() { Ok(names) } else { Err(Short) }
    }

    /// (samples, first time, last time) of each series, by name.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Result<(u64, i64, i64), Short>> + use<'a> {
        let (mut cursor, extent) = (Cursor::new(self.spans), self.extent);
        std::iter::from_fn(move || {
            if cursor.is_at_end() {
                return None;
            }
            let next = span(&mut cursor, extent);
            if next.is_err() {
                // What follows has no meaning.
                cursor = Cursor::new(&[]);
            }
            Some(next)
        })
    }

    /// Everything, by name.
    pub(crate) fn all(&self) -> Result<Vec<(SeriesDef, SeriesSpan)>, Short> {
        let (names, mut spans) = (self.names()?, self.spans());
        let all = names
            .into_iter()
            .map(|(series, unit)| {
                let (samples, first_ms, last_ms) = spans.next().ok_or(Short)??;
                Ok((series, SeriesSpan { unit, samples, first_ms, last_ms }))
            })
            .collect::<Result<_, Short>>()?;
        if spans.next().is_none() { Ok(all) } else { Err(Short) }
    }
}

/// Reads (samples, first time, last time).
fn span(cursor: &mut Cursor<'_>, extent: &Extent) -> Result<(u64, i64, i64), Short> {
    let samples = cursor.varint()?;
    let first_ms = extent.first_ms.wrapping_add(cursor.varint()? as i64);
    let last_ms = extent.last_ms.wrapping_sub(cursor.varint()? as i64);
    Ok((samples, first_ms, last_ms))
}
