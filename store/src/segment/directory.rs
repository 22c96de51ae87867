//! The frame of a segment file: header, directory and trailer.
//!
//! ```text
//! header    8 bytes "CUSTSEG\0", u32 version, u32 zero, u64 start, u64 end, u32 CRC-32C of all before, u32 zero
//! chunks    by check name, then time
//! directory varint checks; for each: name, varint chunks; for each chunk:
//!           varint offset minus the end of the chunk before (of the header for the first), varint length,
//!           varint rows, zigzag first time, varint last time minus that, varint least run number,
//!           varint greatest minus that, varint samples
//! trailer   u64 offset of the directory, u64 its length, u32 its CRC-32C, u32 CRC-32C of the 20 bytes before,
//!           8 bytes "CUSTEND\0"
//! ```

use crate::bytes::{Cursor, Short, put_str, put_varint, put_zigzag};

const MAGIC: [u8; 8] = *b"CUSTSEG\0";
const END_MAGIC: [u8; 8] = *b"CUSTEND\0";
const VERSION: u32 = 1;
pub(super) const HEADER_LEN: usize = 40;
pub(super) const TRAILER_LEN: usize = 32;

/// Where a chunk is, and what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkRef {
    /// Offset in the file.
    pub(crate) at: u64,
    /// Bytes.
    pub(crate) len: u64,
    pub(crate) rows: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) seq_min: u64,
    pub(crate) seq_max: u64,
    pub(crate) samples: u64,
}

/// The chunks of one check in a segment, by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckChunks {
    pub(crate) name: String,
    pub(crate) chunks: Vec<ChunkRef>,
}

pub(super) fn put_header(start: u64, end: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&start.to_le_bytes());
    header[24..32].copy_from_slice(&end.to_le_bytes());
    let crc = crc32c::crc32c(&header[..32]);
    header[32..36].copy_from_slice(&crc.to_le_bytes());
    header
}

/// The version of an intact header that this program does not know.
pub(super) fn unknown_version(bytes: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(bytes);
    let magic = cursor.array::<8>().ok()?;
    let version = cursor.u32().ok()?;
    cursor.take(20).ok()?;
    let crc = cursor.u32().ok()?;
    (magic == MAGIC && version != VERSION && crc == crc32c::crc32c(&bytes[..32])).then_some(version)
}

pub(super) fn put_directory(checks: &[CheckChunks]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut end = HEADER_LEN as u64;
    put_varint(&mut out, checks.len() as u64);
    for check in checks {
        put_str(&mut out, &check.name);
        put_varint(&mut out, check.chunks.len() as u64);
        for chunk in &check.chunks {
            put_varint(&mut out, chunk.at - end);
            put_varint(&mut out, chunk.len);
            put_varint(&mut out, chunk.rows);
            put_zigzag(&mut out, chunk.first_ms);
            put_varint(&mut out, chunk.last_ms.wrapping_sub(chunk.first_ms) as u64);
            put_varint(&mut out, chunk.seq_min);
            put_varint(&mut out, chunk.seq_max - chunk.seq_min);
            put_varint(&mut out, chunk.samples);
            end = chunk.at + chunk.len;
        }
    }
    out
}

/// Reads a directory whose chunks must lie before `limit`.
pub(super) fn get_directory(bytes: &[u8], limit: u64) -> Result<Vec<CheckChunks>, Short> {
    let mut cursor = Cursor::new(bytes);
    let mut end = HEADER_LEN as u64;
    let checks = (0..cursor.count(2)?)
        .map(|_| {
            let name = cursor.str()?.to_owned();
            let chunks = (0..cursor.count(8)?)
                .map(|_| {
                    let at = end.checked_add(cursor.varint()?).ok_or(Short)?;
                    let len = cursor.varint()?;
                    end = at.checked_add(len).filter(|end| *end <= limit).ok_or(Short)?;
                    let rows = cursor.varint()?;
                    let first_ms = cursor.zigzag()?;
                    let last_ms = first_ms.wrapping_add(cursor.varint()? as i64);
                    let seq_min = cursor.varint()?;
                    let seq_max = seq_min.checked_add(cursor.varint()?).ok_or(Short)?;
                    let samples = cursor.varint()?;
                    if last_ms < first_ms {
                        return Err(Short);
                    }
                    Ok(ChunkRef { at, len, rows, first_ms, last_ms, seq_min, seq_max, samples })
                })
                .collect::<Result<_, Short>>()?;
            Ok(CheckChunks { name, chunks })
        })
        .collect::<Result<Vec<_>, Short>>()?;
    let sorted = checks.windows(2).all(|pair| pair[0].name < pair[1].name);
    if cursor.is_at_end() && sorted { Ok(checks) } else { Err(Short) }
}

pub(super) fn put_trailer(at: u64, directory: &[u8]) -> [u8; TRAILER_LEN] {
    let mut trailer = [0; TRAILER_LEN];
    trailer[..8].copy_from_slice(&at.to_le_bytes());
    trailer[8..16].copy_from_slice(&(directory.len() as u64).to_le_bytes());
    trailer[16..20].copy_from_slice(&crc32c::crc32c(directory).to_le_bytes());
    let crc = crc32c::crc32c(&trailer[..20]);
    trailer[20..24].copy_from_slice(&crc.to_le_bytes());
    trailer[24..].copy_from_slice(&END_MAGIC);
    trailer
}

/// The directory's (offset, length, checksum) from the last bytes of a file.
pub(super) fn get_trailer(bytes: &[u8]) -> Result<(u64, u64, u32), Short> {
    let mut cursor = Cursor::new(bytes);
    let (at, len, crc, own) = (cursor.u64()?, cursor.u64()?, cursor.u32()?, cursor.u32()?);
    if cursor.array::<8>()? != END_MAGIC || crc32c::crc32c(&bytes[..20]) != own {
        return Err(Short);
    }
    Ok((at, len, crc))
}

/// A segment of one chunk of the check `x`.
#[cfg(feature = "fuzzing")]
pub(crate) fn segment_around(start: u64, end: u64, header: &crate::chunk::Header, chunk: &[u8]) -> Vec<u8> {
    let at = HEADER_LEN as u64;
    let (rows, len) = (header.rows as u64, chunk.len() as u64);
    let (first_ms, last_ms) = (header.first_ms, header.last_ms);
    let chunks =
        vec![ChunkRef { at, len, rows, first_ms, last_ms, seq_min: start, seq_max: end - 1, samples: rows }];
    let directory = put_directory(&[CheckChunks { name: header.check.clone(), chunks }]);
    let mut out = put_header(start, end).to_vec();
    out.extend_from_slice(chunk);
    let directory_at = out.len() as u64;
    out.extend_from_slice(&directory);
    out.extend_from_slice(&put_trailer(directory_at, &directory));
    out
}
