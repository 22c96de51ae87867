//! The store that requests are answered from.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use custos_store::{Reader, Snapshot};

use crate::clock;
use crate::limits::{HTTP_LISTING_AGE_MAX, HTTP_QUICK_LOOK_AGE_MAX};
use crate::lock::locked;

/// A store, of which each request sees the runs that are there when it comes.
pub struct Stores {
    dir: PathBuf,
    looked: Mutex<Looked>,
}

/// The store as it was looked at last.
struct Looked {
    reader: Reader,
    /// When its files were listed last, on the clock that never jumps (µs).
    listed_us: u64,
    /// When it was looked at last (µs).
    looked_us: u64,
}

impl Looked {
    /// Looks for what is new. Files are listed only if that was a while ago: for many requests at once it is enough to look
    /// at the end of the last log.
    fn look(&mut self) -> custos_store::Result<()> {
        let now_us = clock::now().mono_us;
        self.looked_us = now_us;
        if age(self.listed_us, now_us) < HTTP_LISTING_AGE_MAX {
            return self.reader.refresh_log();
        }
        self.listed_us = now_us;
        self.reader.refresh()
    }
}

/// How long ago a moment was (both in µs).
fn age(then_us: u64, now_us: u64) -> Duration {
    Duration::from_micros(now_us.saturating_sub(then_us))
}

impl Stores {
    /// Opens a store.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub fn open(dir: &Path) -> custos_store::Result<Stores> {
        let now_us = clock::now().mono_us;
        let looked = Looked { reader: Reader::open(dir)?, listed_us: now_us, looked_us: now_us };
        Ok(Stores { dir: dir.to_owned(), looked: Mutex::new(looked) })
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store as it is now. If it cannot be looked at, as it was last.
    pub(super) fn now(&self) -> Snapshot {
        snapshot(locked(&self.looked))
    }

    /// The store as it is now, if it was looked at not long ago, so that this takes no time worth mentioning.
    pub(super) fn at_once(&self) -> Option<Snapshot> {
        let looked = match self.looked.try_lock() {
            Ok(looked) => looked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let is_recent = age(looked.looked_us, clock::now().mono_us) < HTTP_QUICK_LOOK_AGE_MAX;
        is_recent.then(|| snapshot(looked))
    }
}

fn snapshot(mut looked: MutexGuard<'_, Looked>) -> Snapshot {
    if let Err(error) = looked.look() {
        tracing::warn!("requests are answered from the store as it was: {error}");
    }
    looked.reader.snapshot()
}
