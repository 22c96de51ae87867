//! The header of a chunk: what it holds, where, and the statistics of every series.
//!
//! ```text
//!  0  u32     magic "CHNK"
//!  4  u32     length of what follows the first 12 bytes up to the columns
//!  8  u32     CRC-32C of that
//! 12  text    name of the check
//!     varint  rows
//!     zigzag  time of the first row; varint  time of the last row minus that
//!     varint  least run number;      varint  greatest minus that
//!     varint  samples
//!     5 ×     varint length, u32 CRC-32C: times, numbers, attributes, texts, shapes
//!     varint  metas, then each
//!     varint  series, then each: name, varint rows, varint last meta, varint length, u32 CRC-32C, statistics
//!     varint length, u32 CRC-32C: instances, only if a run has some
//!     …       the columns: the five above, then those of the series in order, then instances
//! ```
//! Statistics: varint values; unless 0: f64 least, greatest, sum; first and last as (u8 0 float or 1 integer, 8 bytes).

use crate::bytes::{Cursor, Short, put_varint, put_zigzag};
use crate::limits::CHUNK_ROWS_MAX;
use crate::log::{SeriesDef, SeriesMeta};
use crate::statistics::Statistics;
use crate::value::Value;

pub(crate) const MAGIC: [u8; 4] = *b"CHNK";
pub(crate) const LEN_AT: usize = 4;
pub(crate) const CRC_AT: usize = LEN_AT + 4;
pub(crate) const PAYLOAD_AT: usize = CRC_AT + 4;

/// Columns that every chunk has before those of its series.
pub(crate) const COLUMNS: usize = 5;
pub(crate) const TIMES: usize = 0;
pub(crate) const SEQS: usize = 1;
pub(crate) const ATTRIBUTES: usize = 2;
pub(crate) const TEXTS: usize = 3;
pub(crate) const SHAPES: usize = 4;

/// Where a column is within the chunk, and its checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) at: usize,
    pub(crate) len: usize,
    pub(crate) crc: u32,
}

/// One series of a chunk, whose name is kept as `N`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeriesEntry<N = SeriesDef> {
    pub(crate) series: N,
    /// Rows that have it.
    pub(crate) rows: usize,
    pub(crate) last_meta: usize,
    pub(crate) extent: Extent,
    pub(crate) stats: Statistics,
}

/// The header of a chunk, in which the names of series are kept as `N`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Header<N = SeriesDef> {
    pub(crate) check: String,
    pub(crate) rows: usize,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
    pub(crate) samples: u64,
    pub(crate) columns: [Extent; COLUMNS],
    pub(crate) metas: Vec<SeriesMeta>,
    pub(crate) series: Vec<SeriesEntry<N>>,
    /// The column of instances, if a run has some.
    pub(crate) instances: Option<Extent>,
}

fn put_extent(out: &mut Vec<u8>, extent: &Extent) {
    put_varint(out, extent.len as u64);
    out.extend_from_slice(&extent.crc.to_le_bytes());
}

/// Reads an extent that begins where the one before ended.
fn get_extent(cursor: &mut Cursor<'_>, end: &mut usize) -> Result<Extent, Short> {
    let len = cursor.size()?;
    let crc = cursor.u32()?;
    let at = *end;
    *end = at.checked_add(len).ok_or(Short)?;
    Ok(Extent { at, len, crc })
}

fn put_value(out: &mut Vec<u8>, value: Option<Value>) {
    match value {
        Some(Value::Integer(integer)) => {
            out.push(1);
            out.extend_from_slice(&integer.to_le_bytes());
        }
        other => {
            out.push(0);
            out.extend_from_slice(&other.map_or(0.0, Value::to_f64).to_le_bytes());
        }
    }
}

fn get_value(cursor: &mut Cursor<'_>) -> Result<Option<Value>, Short> {
    match cursor.u8()? {
        0 => Ok(Some(Value::Float(cursor.f64()?))),
        1 => Ok(Some(Value::Integer(i64::from_le_bytes(cursor.array()?)))),
        _ => Err(Short),
    }
}

fn put_stats(out: &mut Vec<u8>, stats: &Statistics) {
    put_varint(out, stats.count);
    if stats.count > 0 {
        [stats.min, stats.max, stats.sum]
            .iter()
            .for_each(|float| out.extend_from_slice(&float.to_le_bytes()));
        put_value(out, stats.first);
        put_value(out, stats.last);
    }
}

fn get_stats(cursor: &mut Cursor<'_>) -> Result<Statistics, Short> {
    let count = cursor.varint()?;
    if count == 0 {
        return Ok(Statistics::NONE);
    }
    let (min, max, sum) = (cursor.f64()?, cursor.f64()?, cursor.f64()?);
    Ok(Statistics { count, min, max, sum, first: get_value(cursor)?, last: get_value(cursor)? })
}

impl Header {
    /// The bytes of the header, magic to end. The extents' positions follow from their lengths.
    pub(crate) fn put(&self) -> Vec<u8> {
        let mut out = vec![0; PAYLOAD_AT];
        crate::bytes::put_str(&mut out, &self.check);
        put_varint(&mut out, self.rows as u64);
        put_zigzag(&mut out, self.first_ms);
        put_varint(&mut out, self.last_ms.wrapping_sub(self.first_ms) as u64);
        put_varint(&mut out, self.seq_min);
        put_varint(&mut out, self.seq_max - self.seq_min);
        put_varint(&mut out, self.samples);
        self.columns.iter().for_each(|extent| put_extent(&mut out, extent));
        put_varint(&mut out, self.metas.len() as u64);
        self.metas.iter().for_each(|meta| meta.put(&mut out));
        put_varint(&mut out, self.series.len() as u64);
        for entry in &self.series {
            entry.series.put(&mut out);
            put_varint(&mut out, entry.rows as u64);
            put_varint(&mut out, entry.last_meta as u64);
            put_extent(&mut out, &entry.extent);
            put_stats(&mut out, &entry.stats);
        }
        self.instances.iter().for_each(|extent| put_extent(&mut out, extent));
        let len = (out.len() - PAYLOAD_AT) as u32;
        let crc = crc32c::crc32c(&out[PAYLOAD_AT..]);
        out[..LEN_AT].copy_from_slice(&MAGIC);
        out[LEN_AT..CRC_AT].copy_from_slice(&len.to_le_bytes());
        out[CRC_AT..PAYLOAD_AT].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The length that the header claims for itself, if its magic is here; at most the bytes that there are.
    pub(crate) fn claimed_len(bytes: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array::<4>().ok()? != MAGIC {
            return None;
        }
        let len = cursor.u32().ok()? as usize;
        Some(len.saturating_add(PAYLOAD_AT).min(bytes.len()))
    }

    /// Length of the header that begins here, if its magic and checksum hold.
    pub(crate) fn check(bytes: &[u8]) -> Result<usize, Short> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array::<4>()? != MAGIC {
            return Err(Short);
        }
        let len = cursor.u32()? as usize;
        let crc = cursor.u32()?;
        if crc32c::crc32c(cursor.take(len)?) != crc {
            return Err(Short);
        }
        Ok(PAYLOAD_AT + len)
    }

    /// Reads a header that has been checked.
    pub(crate) fn get(bytes: &[u8]) -> Result<Header, Short> {
        Header::get_with(bytes, SeriesDef::get)
    }
}

impl<N> Header<N> {
    /// Reads a header that has been checked, and the names of series so.
    pub(crate) fn get_with<'a>(
        bytes: &'a [u8],
        mut name: impl FnMut(&mut Cursor<'a>) -> Result<N, Short>,
    ) -> Result<Header<N>, Short> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(PAYLOAD_AT)?;
        let check = cursor.str()?.to_owned();
        let rows = cursor.size()?;
        let first_ms = cursor.zigzag()?;
        let last_ms = first_ms.wrapping_add(cursor.varint()? as i64);
        let seq_min = cursor.varint()?;
        let seq_max = seq_min.checked_add(cursor.varint()?).ok_or(Short)?;
        let samples = cursor.varint()?;
        if rows == 0 || rows > CHUNK_ROWS_MAX || first_ms > last_ms {
            return Err(Short);
        }
        let mut end = bytes.len();
        let mut columns = [Extent::default(); COLUMNS];
        for extent in &mut columns {
            *extent = get_extent(&mut cursor, &mut end)?;
        }
        let metas: Vec<SeriesMeta> =
            (0..cursor.count(3)?).map(|_| SeriesMeta::get(&mut cursor)).collect::<Result<_, Short>>()?;
        let series = (0..cursor.count(9)?)
            .map(|_| {
                let series = name(&mut cursor)?;
                let (rows_here, last_meta) = (cursor.size()?, cursor.size()?);
                if rows_here > rows || (last_meta >= metas.len() && rows_here > 0) {
                    return Err(Short);
                }
                let extent = get_extent(&mut cursor, &mut end)?;
                Ok(SeriesEntry { series, rows: rows_here, last_meta, extent, stats: get_stats(&mut cursor)? })
            })
            .collect::<Result<_, Short>>()?;
        let instances = if cursor.is_at_end() { None } else { Some(get_extent(&mut cursor, &mut end)?) };
        Ok(Header {
            check,
            rows,
            first_ms,
            last_ms,
            seq_min,
            seq_max,
            samples,
            columns,
            metas,
            series,
            instances,
        })
    }

    /// Every column.
    pub(crate) fn extents(&self) -> impl Iterator<Item = &Extent> {
        let series = self.series.iter().map(|entry| &entry.extent);
        self.columns.iter().chain(series).chain(&self.instances)
    }

    /// Length of the whole chunk.
    pub(crate) fn chunk_len(&self, header_len: usize) -> usize {
        header_len + self.extents().map(|extent| extent.len).sum::<usize>()
    }
}
