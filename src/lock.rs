//! Taking locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards.
///
/// A panic in one thread must not end every other that shares a lock with it. No code panics while it holds one; if it
/// did, the data would still be usable, with at worst one entry lost.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
