//! Whether upkeep may go on: it is asked to stop when the writer ends, and must stop when the lock is another's.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::{Disk, FileId, LOCK_NAME};
use crate::error::{Error, Result};

/// The permission to change the files of a store that is locked.
#[derive(Debug)]
pub(crate) struct Permit {
    lock: FileId,
    cancelled: AtomicBool,
}

impl Permit {
    /// The permission of whoever has this lock.
    pub(crate) fn new(lock: FileId) -> Permit {
        Permit { lock, cancelled: AtomicBool::new(false) }
    }

    /// Takes the permission away.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it holds, as far as this process knows.
    pub(crate) fn goes_on(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Whether it holds, by what is at the path now: before anything takes the place of files that another writer may
    /// have taken over.
    pub(crate) fn check(&self, disk: &dyn Disk) -> Result<()> {
        self.goes_on()?;
        match displaced(disk, LOCK_NAME, self.lock) {
            None => Ok(()),
            Some(what) => Err(Error::Displaced { path: disk.path().to_path_buf(), what }),
        }
    }
}

/// What has become of a file that had this name in the store; none if it is there.
pub(crate) fn displaced(disk: &dyn Disk, name: &str, id: FileId) -> Option<String> {
    match disk.id_at(name) {
        Ok(Some(now)) if now == id => None,
        Ok(Some(_)) => Some(format!("another file has taken the place of {name}")),
        Ok(None) => Some(format!("{name} is gone")),
        Err(error) => Some(format!("{name} cannot be looked for: {error}")),
    }
}
