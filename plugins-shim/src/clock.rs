//! The only place of the shim where time is read: monotonic, as the shim stamps nothing.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Microseconds of monotonic time, which is the same for every process of the machine; suspends do not count.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
