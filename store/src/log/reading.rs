//! How far the reading of a log has got.

use std::collections::HashMap;
use std::sync::Arc;

/// How far a log has been read, and what its definitions mean there.
#[derive(Clone, Default)]
pub(super) struct Reading {
    /// Offset in the file up to which frames have been taken.
    pub(super) parsed: u64,
    pub(super) checked_header: bool,
    pub(super) last_seq: Option<u64>,
    pub(super) last_frame: Option<u64>,
    /// Counts up where something is missing, or definitions are forgotten: instances do not go on from before that.
    pub(super) epoch: u64,
    pub(super) generation: Option<u64>,
    /// Check number and schema number in this generation to index.
    pub(super) checks: Arc<HashMap<u64, u32>>,
    pub(super) schemas: Arc<HashMap<u64, u32>>,
    /// Check and checksum of a definition to its index: every generation defines the same again.
    pub(super) known: Arc<HashMap<(u32, u32), u32>>,
}
