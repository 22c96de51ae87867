//! Where what is in an RRD, in bytes.
//!
//! ```text
//! head         128   "RRD\0", version, the cookie, how many sources and archives, the step
//! sources      120   each: name, kind, heartbeat, least, greatest
//! archives     120   each: function, rows, steps in a row, share that may be unknown
//! update        16   seconds and microseconds of the last update
//! readings     112   for each source: what was read last
//! pending       80   for each archive, for each source
//! places         8   for each archive: its newest row
//! rows               for each archive, for each row, for each source 8 bytes
//! ```
//!
//! All numbers are little-endian, of 64 bits.

pub(super) const MAGIC: &[u8; 4] = b"RRD\0";
/// Four digits and a zero.
pub(super) const VERSION: std::ops::Range<usize> = 4..9;
/// A number by which a reader knows how numbers lie in the file.
pub(super) const COOKIE: usize = 16;
/// Where it is if numbers of 64 bits are aligned to 32.
pub(super) const COOKIE_32: usize = COOKIE - 4;
pub(super) const COOKIE_VALUE: f64 = 8.642135e130;
pub(super) const SOURCES: usize = COOKIE + 8;
pub(super) const ARCHIVES: usize = SOURCES + 8;
pub(super) const STEP: usize = ARCHIVES + 8;
/// Behind the step are ten numbers that nothing uses.
pub(super) const HEAD_LEN: usize = STEP + 8 + 10 * 8;

pub(super) const NAME_LEN: usize = 20;
/// Within a source: its kind; behind it are ten numbers, of which the heartbeat, the least and the greatest are known.
pub(super) const SOURCE_KIND: usize = NAME_LEN;
pub(super) const SOURCE_LEN: usize = SOURCE_KIND + NAME_LEN + 10 * 8;

/// Within an archive: behind the name of its function the rows are aligned.
pub(super) const ARCHIVE_ROWS: usize = NAME_LEN + 4;
pub(super) const ARCHIVE_STEPS: usize = ARCHIVE_ROWS + 8;
pub(super) const ARCHIVE_LEN: usize = ARCHIVE_STEPS + 8 + 10 * 8;

pub(super) const UPDATE_LEN: usize = 8 + 8;
pub(super) const READING_LEN: usize = 32 + 10 * 8;
pub(super) const PENDING_LEN: usize = 10 * 8;
pub(super) const PLACE_LEN: usize = 8;
pub(super) const CELL_LEN: usize = 8;

const _: () = assert!(HEAD_LEN == 128 && SOURCE_LEN == 120 && ARCHIVE_LEN == 120 && READING_LEN == 112);

/// The number at a byte that is known to be there.
pub(super) fn number(bytes: &[u8], at: usize) -> u64 {
    let mut taken = [0; 8];
    if let Some(found) = bytes.get(at..at + 8) {
        taken.copy_from_slice(found);
    }
    u64::from_le_bytes(taken)
}

/// A name that ends with a zero, or with its room.
pub(super) fn name(bytes: &[u8], at: usize) -> Option<&str> {
    let room = bytes.get(at..at + NAME_LEN)?;
    let end = room.iter().position(|byte| *byte == 0).unwrap_or(NAME_LEN);
    std::str::from_utf8(&room[..end]).ok()
}
