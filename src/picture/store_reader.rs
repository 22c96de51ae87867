//! The store as the agent itself reads it, opened when it is needed first.

use std::path::PathBuf;

use custos_store::{Reader, Snapshot};

/// The store in a directory, opened when it is needed first.
#[derive(Default)]
pub struct StoreReader {
    directory: PathBuf,
    reader: Option<Reader>,
}

impl StoreReader {
    /// Reads the store in a directory.
    pub fn new(directory: PathBuf) -> StoreReader {
        StoreReader { directory, reader: None }
    }

    /// The store as it is now; `None` if it cannot be read. It takes as long as it takes to read what is new.
    pub fn snapshot(&mut self) -> Option<Snapshot> {
        match &mut self.reader {
            Some(reader) => {
                // What it showed before is better than nothing.
                let _ = reader.refresh();
            }
            None => self.reader = Reader::open(&self.directory).ok(),
        }
        self.reader.as_ref().map(Reader::snapshot)
    }
}
