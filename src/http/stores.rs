//! The store that requests are answered from.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use custos_store::{Reader, Snapshot};

use crate::lock::locked;

/// A store, of which each request sees what is there when it comes.
pub struct Stores {
    dir: PathBuf,
    reader: Mutex<Reader>,
}

impl Stores {
    /// Opens a store.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub fn open(dir: &Path) -> custos_store::Result<Stores> {
        Ok(Stores { dir: dir.to_owned(), reader: Mutex::new(Reader::open(dir)?) })
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store as it is now. If it cannot be looked at, as it was last.
    pub(super) fn now(&self) -> Snapshot {
        let mut reader = locked(&self.reader);
        if let Err(error) = reader.refresh() {
            tracing::warn!("requests are answered from the store as it was: {error}");
        }
        reader.snapshot()
    }
}
