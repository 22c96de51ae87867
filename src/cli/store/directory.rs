//! The store that a command works on.

use std::path::{Path, PathBuf};

use custos_store::Imported;

use crate::cli::config_option::ConfigOption;
use crate::cli::locate::{locate, locate_strictly};
use crate::cli::read::{Failure, chain, store_error};
use crate::text::human::counted;

/// Which store is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct StoreDir {
    /// Directory of the store [default: the one that the configuration names]
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) config: ConfigOption,
}

impl StoreDir {
    /// The directory, for a command that only reads.
    ///
    /// # Errors
    /// A directory was named that has nothing of a store, and so says nothing of one; one that cannot be listed may well
    /// be a store.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        match &self.dir {
            Some(dir) if matches!(custos_store::is_store(dir), Ok(false)) => {
                Err(Failure::usage(format!("there is no store in {}", dir.display())))
            }
            Some(dir) => Ok(dir.clone()),
            None => Ok(locate(None, &self.config)?.0),
        }
    }

    /// The directory, for a command that writes to it.
    pub(super) fn dir_to_write(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        Ok(locate_strictly(None, &self.config, Some("the DIR of the store"))?.0)
    }
}

/// The store could not be opened for reading.
pub(in crate::cli) fn not_opened(store: &Path, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to open the store: {}", store_error(store, error)))
}

/// The store could not be verified.
pub(super) fn not_verified(store: &Path, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to verify the store: {}", store_error(store, error)))
}

/// A failure of the store, with what was being done to it.
pub(in crate::cli) fn failed(what: &str, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to {what}: {}", chain(error)))
}

/// What an import did: `3 runs added, 0 there already`.
pub(in crate::cli) fn taken_in(done: &Imported) -> String {
    format!("{} added, {} there already", counted(done.added, "run"), done.known)
}
