//! Returning freed memory to the system.
//!
//! The C library keeps freed memory for later. After thousands of connections at once that is more than the agent needs
//! otherwise, and a machine in trouble needs it elsewhere.
#![cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "calls malloc_trim, which has no safe form"))]

/// Returns freed memory to the system. Takes some milliseconds, in which other threads may have to wait for memory.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the function takes its own locks, may be called by any thread, and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
