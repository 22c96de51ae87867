//! The store that a command works on.

use std::path::PathBuf;

use crate::cli::locate::{locate, locate_strictly};
use crate::cli::read::Failure;
use crate::cli::refused::with_advice;

/// Which store is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct StoreDir {
    /// Directory of the store [default: the one that the configuration names]
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Configuration, which names the store [default: /etc/custos/custos.yaml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl StoreDir {
    /// The directory, for a command that only reads.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        match &self.dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(locate(None, self.config.as_deref())?.0),
        }
    }

    /// The directory, for a command that writes to it.
    pub(super) fn dir_to_write(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        Ok(locate_strictly(None, self.config.as_deref(), "name the DIR to do without")?.0)
    }
}

/// A failure of the store, with what was being done to which directory.
pub(super) fn failed(what: &str, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to {what}: {}", with_advice(error)))
}
