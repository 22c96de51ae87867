//! The worker's own resource limits, which another process of its user can change with `prlimit(2)`.
//!
//! Every plugin inherits them, and a hard limit that was lowered cannot be raised again without privileges. So a worker
//! that finds them changed starts nothing more and has itself replaced.

use nix::sys::resource::{Resource, getrlimit};

/// All that Linux has, but for the limit of open files, which the worker changes itself.
const RESOURCES: [Resource; 15] = [
    Resource::RLIMIT_AS,
    Resource::RLIMIT_CORE,
    Resource::RLIMIT_CPU,
    Resource::RLIMIT_DATA,
    Resource::RLIMIT_FSIZE,
    Resource::RLIMIT_LOCKS,
    Resource::RLIMIT_MEMLOCK,
    Resource::RLIMIT_MSGQUEUE,
    Resource::RLIMIT_NICE,
    Resource::RLIMIT_NPROC,
    Resource::RLIMIT_RSS,
    Resource::RLIMIT_RTPRIO,
    Resource::RLIMIT_RTTIME,
    Resource::RLIMIT_SIGPENDING,
    Resource::RLIMIT_STACK,
];

/// The limits as they were at the start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnLimits([Option<(u64, u64)>; RESOURCES.len()]);

impl OwnLimits {
    /// The limits of this process now.
    pub(crate) fn now() -> OwnLimits {
        OwnLimits(RESOURCES.map(|resource| getrlimit(resource).ok()))
    }

    /// Whether somebody has changed one since.
    pub(crate) fn are_changed(&self) -> bool {
        *self != OwnLimits::now()
    }
}
