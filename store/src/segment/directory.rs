//! The frame of a segment file: header, directory and trailer.
//!
//! ```text
//! header    8 bytes "CUSTSEG\0", u32 version, u32 zero, u64 start, u64 end, u32 CRC-32C of all before, u32 zero
//! chunks    by check name, then time
//! entries   one a check, by name, as `entry.rs` writes them
//! directory varint checks, varint length of their names, the names in order;
//!           for each: varint length of its entry, u32 CRC-32C of the entry, varint rows, zigzag first time, varint last
//!           time minus that, varint least run number, varint greatest minus that, varint samples, u64 FNV-1a of the
//!           names in the entry, u8 1 if every run has every series
//! trailer   u64 offset of the directory, u64 its length, u32 its CRC-32C, u32 CRC-32C of the 20 bytes before,
//!           8 bytes "CUSTEND\0"
//! ```
//!
//! The directory is read when a segment is opened; of the entries, only those that somebody asks for.

use std::ops::Range;

use super::entry::Entry;
use super::extent::Extent;
use crate::bytes::{Cursor, Short, put_str, put_varint};

const MAGIC: [u8; 8] = *b"CUSTSEG\0";
const END_MAGIC: [u8; 8] = *b"CUSTEND\0";
const VERSION: u32 = 1;
pub(super) const HEADER_LEN: usize = 40;
pub(super) const TRAILER_LEN: usize = 32;

/// Bytes of the shortest line of the directory.
const LINE_LEN_MIN: usize = 20;

/// One check in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where its name stands, from the start of the directory.
    pub(super) name: Range<u32>,
    /// Where its entry stands, from the start of the first one.
    pub(super) entry: Range<u64>,
    pub(super) crc: u32,
    pub(super) extent: Extent,
    /// Tells whether two segments name the same series.
    pub(super) names_hash: u64,
    /// Every run has every series, and the entry says no more of them.
    pub(super) whole: bool,
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

/// The directory of checks, by name, each with its extent and its entry.
pub(super) fn put_directory(checks: &[(String, Extent, Entry)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut names = Vec::new();
    checks.iter().for_each(|(name, ..)| put_str(&mut names, name));
    put_varint(&mut out, checks.len() as u64);
    put_varint(&mut out, names.len() as u64);
    out.append(&mut names);
    for (_, extent, entry) in checks {
        put_varint(&mut out, entry.bytes.len() as u64);
        out.extend_from_slice(&crc32c::crc32c(&entry.bytes).to_le_bytes());
        extent.put(&mut out);
        out.extend_from_slice(&entry.names_hash.to_le_bytes());
        out.push(u8::from(entry.whole));
    }
    out
}

/// A directory that has been read.
pub(super) struct Directory {
    /// Where the names of all checks stand, from the start of the directory.
    pub(super) names: Range<usize>,
    /// One a check, by name.
    pub(super) lines: Vec<Line>,
}

/// Reads a directory whose entries may take `room` bytes.
pub(super) fn get_directory(bytes: &[u8], room: u64) -> Result<Directory, Short> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.count(LINE_LEN_MIN)?;
    let names_len = cursor.count(1)?;
    let names_at = cursor.at();
    let mut names = Cursor::new(cursor.take(names_len)?);
    let mut lines = Vec::with_capacity(count);
    let (mut end, mut before) = (0_u64, None);
    for _ in 0..count {
        let name = names.str()?;
        let name_end = u32::try_from(names_at + names.at()).map_err(|_| Short)?;
        if before.is_some_and(|before| before >= name) {
            return Err(Short);
        }
        before = Some(name);
        let at = end;
        end = at.checked_add(cursor.varint()?).filter(|end| *end <= room).ok_or(Short)?;
        let (crc, extent) = (cursor.u32()?, Extent::get(&mut cursor)?);
        let (names_hash, whole) = (cursor.u64()?, cursor.u8()? == 1);
        let name = name_end - name.len() as u32..name_end;
        lines.push(Line { name, entry: at..end, crc, extent, names_hash, whole });
    }
    let all = names.is_at_end() && cursor.is_at_end();
    if all { Ok(Directory { names: names_at..names_at + names_len, lines }) } else { Err(Short) }
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
    use super::entry::{ChunkRef, put_entry};
    let rows = header.rows as u64;
    let (first_ms, last_ms) = (header.first_ms, header.last_ms);
    let extent = Extent { rows, first_ms, last_ms, seq_min: start, seq_max: end - 1, samples: rows };
    let chunks = [ChunkRef { at: HEADER_LEN as u64, len: chunk.len() as u64, extent }];
    let entry = put_entry(&extent, &chunks, &super::catalogue::Catalogue::default());
    let mut out = put_header(start, end).to_vec();
    out.extend_from_slice(chunk);
    out.extend_from_slice(&entry.bytes);
    let directory = put_directory(&[(header.check.clone(), extent, entry)]);
    let directory_at = out.len() as u64;
    out.extend_from_slice(&directory);
    out.extend_from_slice(&put_trailer(directory_at, &directory));
    out
}
