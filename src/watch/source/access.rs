//! What hosts are reached by, and what is asked of them.

use std::path::PathBuf;
use std::time::Duration;

use super::credentials::Keyring;

/// What is needed to reach hosts.
#[derive(Clone, Debug)]
pub struct Access {
    /// The store of this host.
    pub store: PathBuf,
    /// What is shown to hosts over HTTP.
    pub keyring: Keyring,
    /// The authorities of their certificates; those of the system if absent.
    pub authorities: Option<PathBuf>,
    /// ssh, with options.
    pub ssh: Vec<String>,
    /// What ssh has the shell of the other host run, before the arguments.
    pub remote: String,
    /// How often checks shall be run (ms); absent for as often as they are run anyway.
    pub every_ms: Option<u64>,
    /// How much of the past is wanted.
    pub past: Duration,
}
