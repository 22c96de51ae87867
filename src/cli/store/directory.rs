//! The store that a command works on.

use std::path::PathBuf;

use crate::cli::read::{Failure, chain, configuration};
use crate::config::DEFAULT_STORE;

/// Which store is meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct StoreDir {
    /// Directory of the store [default: the one that the configuration names]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Configuration, which names the store [default: /etc/custos/custos.yaml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl StoreDir {
    /// The directory.
    pub(super) fn dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let config = configuration(self.config.as_deref(), "naming the DIR does without")?;
        Ok(config.map_or_else(|| DEFAULT_STORE.into(), |config| config.store))
    }
}

/// A failure of the store, with what was being done to which directory.
pub(super) fn failed(what: &str, error: &custos_store::Error) -> Failure {
    Failure::new(format!("failed to {what}: {}", chain(error)))
}
