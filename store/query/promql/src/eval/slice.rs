//! The samples of a stretch of time.

/// The samples within one window, at least one.
pub(super) struct Slice<'s> {
    pub(super) times: &'s [i64],
    pub(super) values: &'s [f64],
    /// The same as integers, where floats are not exact.
    pub(super) integers: Option<&'s [i64]>,
    /// The window is after `start_ms`, up to `end_ms`.
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}
