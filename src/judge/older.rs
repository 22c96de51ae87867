//! The store, as the judging thread looks at it: opened when it is needed, and again after a failure.

use std::path::PathBuf;

use custos_store::{Reader, Snapshot};

/// A store that is looked at now and then.
pub(super) struct Older {
    dir: PathBuf,
    reader: Option<Reader>,
    /// Whether the log says already that it cannot be read.
    is_reported: bool,
}

impl Older {
    pub(super) fn new(dir: PathBuf) -> Older {
        Older { dir, reader: None, is_reported: false }
    }

    /// The store as it is now; as it was last if it cannot be looked at, and none if it never could.
    pub(super) fn look(&mut self) -> Option<Snapshot> {
        let looked = match &mut self.reader {
            Some(reader) => reader.refresh(),
            None => Reader::open(&self.dir).map(|reader| self.reader = Some(reader)),
        };
        match looked {
            Ok(()) => self.is_reported = false,
            Err(error) if !self.is_reported => {
                tracing::warn!("rules are judged by what is in memory alone: {error}");
                self.is_reported = true;
            }
            Err(_) => {}
        }
        self.reader.as_ref().map(Reader::snapshot)
    }
}
