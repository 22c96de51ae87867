//! The only place of the shim where time is read: monotonic, as the shim stamps nothing.

use std::time::Instant;

/// A monotonic clock that starts at zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts it.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// Microseconds since the start.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
