//! What the judging thread counts.

use std::sync::atomic::AtomicU64;

/// What the thread counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) judged: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) lost_runs: AtomicU64,
    pub(super) samples: AtomicU64,
    pub(super) took_us: AtomicU64,
}
