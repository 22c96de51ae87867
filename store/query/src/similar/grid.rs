//! How history is divided.

/// Buckets of time that history is divided into: bucket n begins at `origin_ms + n × width_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) origin_ms: i64,
    pub(super) width_ms: i64,
}

impl Grid {
    /// The bucket of a time.
    pub(super) fn bucket(&self, time_ms: i64) -> i64 {
        time_ms.saturating_sub(self.origin_ms).div_euclid(self.width_ms)
    }

    /// When a bucket begins (ms since the epoch).
    pub(super) fn time_ms(&self, bucket: i64) -> i64 {
        self.origin_ms.saturating_add(bucket.saturating_mul(self.width_ms))
    }
}
