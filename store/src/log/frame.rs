//! The frame: the unit that a checksum covers.
//!
//! ```text
//!  0   u32  length of the payload, not 0
//!  4   u32  CRC-32C of the payload
//!  8   u64  number of the first run in the payload
//! 16   u32  CRC-32C of bytes 0..16
//! 20   …    payload
//! ```
//!
//! The header has a checksum of its own, so that a damaged payload can be stepped over. A header of zeros is the
//! preallocated end.

pub(super) const LEN_AT: usize = 0;
pub(super) const PAYLOAD_CRC_AT: usize = LEN_AT + 4;
pub(super) const SEQ_AT: usize = PAYLOAD_CRC_AT + 4;
pub(super) const HEADER_CRC_AT: usize = SEQ_AT + 8;
pub(crate) const HEADER_LEN: usize = HEADER_CRC_AT + 4;

/// What a log file begins with.
pub(super) const MAGIC: [u8; 8] = *b"CUSTLOG\0";
/// Version of the log format.
pub(super) const VERSION: u32 = 1;
const FLAGS_AT: usize = 12;
const START_AT: usize = FLAGS_AT + 4;
const BEFORE_AT: usize = START_AT + 8;
const CRC_AT: usize = BEFORE_AT + 8;
/// Magic, version, flags, number of the first run, number after the last run before, CRC-32C of all that, a u32 of zero.
pub(super) const FILE_HEADER_LEN: usize = CRC_AT + 8;

/// Flag: the number after the last run before this log is exact.
const EXACT: u32 = 1;

/// What a log's header says of the logs before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    /// Runs numbered from here on to before this log were refused: if they are in a log before, they do not count.
    pub(crate) end: u64,
    /// The run numbered one less was there when this log was begun, so what is missing before it is damage.
    pub(crate) exact: bool,
}

/// A frame header that its checksum confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) len: usize,
    pub(crate) payload_crc: u32,
    pub(crate) seq: u64,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

impl Header {
    /// The header at the start of `bytes`, if its checksum holds.
    pub(crate) fn read(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..HEADER_LEN)?;
        let len = u32_at(bytes, LEN_AT) as usize;
        if len == 0 || u32_at(bytes, HEADER_CRC_AT) != crc32c::crc32c(&bytes[..HEADER_CRC_AT]) {
            return None;
        }
        Some(Header { len, payload_crc: u32_at(bytes, PAYLOAD_CRC_AT), seq: u64_at(bytes, SEQ_AT) })
    }
}

/// Fills in the header of a frame whose payload follows it to the end of `out`.
pub(crate) fn finish(out: &mut [u8], frame_at: usize, seq: u64) {
    let (header, payload) = out[frame_at..].split_at_mut(HEADER_LEN);
    header[LEN_AT..PAYLOAD_CRC_AT].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[PAYLOAD_CRC_AT..SEQ_AT].copy_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    header[SEQ_AT..HEADER_CRC_AT].copy_from_slice(&seq.to_le_bytes());
    let crc = crc32c::crc32c(&header[..HEADER_CRC_AT]);
    header[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
}

/// The first bytes of a log file whose runs are numbered from `start`.
pub(super) fn file_header(start: u64, before: Before) -> [u8; FILE_HEADER_LEN] {
    let mut header = [0; FILE_HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..FLAGS_AT].copy_from_slice(&VERSION.to_le_bytes());
    header[FLAGS_AT..START_AT].copy_from_slice(&(if before.exact { EXACT } else { 0 }).to_le_bytes());
    header[START_AT..BEFORE_AT].copy_from_slice(&start.to_le_bytes());
    header[BEFORE_AT..CRC_AT].copy_from_slice(&before.end.to_le_bytes());
    let crc = crc32c::crc32c(&header[..CRC_AT]);
    header[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    header
}

/// What an intact header of a log says of the logs before it.
pub(super) fn before(bytes: &[u8], start: u64) -> Option<Before> {
    let before = Before { end: u64_at(bytes, BEFORE_AT), exact: u32_at(bytes, FLAGS_AT) == EXACT };
    (bytes.get(..FILE_HEADER_LEN)? == file_header(start, before)).then_some(before)
}

/// What the first bytes of a log file turn out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileHeader {
    Good,
    /// All zeros or cut short.
    Unwritten,
    Damaged,
    Version(u32),
}

pub(super) fn check_file_header(bytes: &[u8], start: u64) -> FileHeader {
    if bytes.len() < FILE_HEADER_LEN || bytes[..FILE_HEADER_LEN].iter().all(|byte| *byte == 0) {
        return FileHeader::Unwritten;
    }
    if bytes[..8] != MAGIC || u32_at(bytes, CRC_AT) != crc32c::crc32c(&bytes[..CRC_AT]) {
        return FileHeader::Damaged;
    }
    match u32_at(bytes, 8) {
        VERSION if before(bytes, start).is_some() => FileHeader::Good,
        VERSION => FileHeader::Damaged,
        other => FileHeader::Version(other),
    }
}

/// A log with one frame around any payload.
#[cfg(feature = "fuzzing")]
pub(crate) fn frame_of(start: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = file_header(start, Before { end: start, exact: false }).to_vec();
    let at = out.len();
    out.resize(at + HEADER_LEN, 0);
    out.extend_from_slice(payload);
    finish(&mut out, at, start);
    out
}
