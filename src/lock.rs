//! Taking locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a mutex guards.
///
/// A panic elsewhere costs what it happened in, and not everybody who shares a lock with that. Nobody panics while
/// holding one; if somebody did, what it guards is still whole, or at worst one entry of it is lost.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
