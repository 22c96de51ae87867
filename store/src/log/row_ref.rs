//! Where a run is in an image of a log.

/// A run within the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowRef {
    /// When it was, in ms since the epoch.
    pub(crate) time_ms: i64,
    /// Its number.
    pub(crate) seq: u64,
    /// Offset in the file.
    pub(super) at: u32,
    /// Index of its definition.
    pub(super) schema: u32,
}
