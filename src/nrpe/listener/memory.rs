//! Memory that connections have left behind.
//!
//! The C library keeps what was freed for the next time. After thousands of connections at once that is more than the
//! agent ever needs otherwise, and on a machine in trouble it belongs to others.
#![allow(unsafe_code)]

/// Gives freed memory back to the system. It takes some milliseconds, in which other threads may have to wait for
/// memory.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function takes its own locks, may be called by any thread, and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
