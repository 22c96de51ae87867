//! Files whose checksums hold, around any bytes: for fuzzing what is behind the checksums.

use crate::bundle::bundle_around;
use crate::chunk::{COLUMNS, put_chunk_around};
use crate::log::frame_of;
use crate::segment::segment_around;

/// A log that starts at this number, with these bytes as the payload of its only frame.
pub fn log_of(start: u64, payload: &[u8]) -> Vec<u8> {
    frame_of(start, payload)
}

/// A bundle with this content.
pub fn bundle_of(content: &[u8]) -> Vec<u8> {
    bundle_around(content)
}

/// A segment with one chunk. The first bytes say how long its columns are; the rest are the columns.
pub fn segment_of(start: u64, end: u64, data: &[u8]) -> Vec<u8> {
    let (head, body) = data.split_at(data.len().min(2 + 2 * (COLUMNS + 2)));
    let number = |at: usize| {
        usize::from(head.get(at).copied().unwrap_or(0))
            | usize::from(head.get(at + 1).copied().unwrap_or(0)) << 8
    };
    let rows = number(0) % 5000 + 1;
    let lens: Vec<usize> = (0..COLUMNS + 2).map(|column| number(2 + 2 * column)).collect();
    let (header, bytes) = put_chunk_around(rows, &lens, body);
    segment_around(start, end, &header, &bytes)
}
