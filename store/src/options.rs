//! What whoever opens a store for writing may choose.

use crate::limits::{LOG_BYTES, MERGE_BYTES_MAX, RESERVE_BYTES};

/// How a store is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Size of a log file in bytes, more where one run or the definitions need it; sealing happens when one is full.
    pub log_bytes: u64,
    /// Free space in bytes below which [`Health::space`](crate::Health::space) is low.
    pub low_space_bytes: u64,
    /// Size in bytes of the largest segment that merging makes: bounds the room that merging needs on the disk.
    pub segment_bytes_max: u64,
    /// Bytes held back on the disk while the store is open for writing, for sealing when the disk is full.
    pub reserve_bytes: u64,
    /// Seal and merge on a thread of its own. Otherwise that happens within [`Writer::settle`](crate::Writer::settle) and
    /// [`Writer::compact`](crate::Writer::compact) only.
    pub background: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            log_bytes: LOG_BYTES,
            low_space_bytes: 1 << 30,
            segment_bytes_max: MERGE_BYTES_MAX,
            reserve_bytes: RESERVE_BYTES,
            background: true,
        }
    }
}
