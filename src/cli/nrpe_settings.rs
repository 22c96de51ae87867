//! The settings by which an agent listens for NRPE, for commands that look at them and are no agent.

use crate::config::Config;
use crate::nrpe::listener::{Error, Settings};

/// The settings, if NRPE is to be answered. `of_root` says whether the agent in question runs as root, which runs the commands
/// of an `nrpe.cfg` only if that is meant.
///
/// # Errors
/// The agent could not listen by them.
pub(super) fn nrpe_settings(config: &Config, of_root: bool) -> Result<Option<Settings>, Error> {
    let Some(mut nrpe) = config.nrpe.clone() else { return Ok(None) };
    // The listener goes by who this process is.
    nrpe.keys.commands_as_root |= !of_root;
    Settings::from_agent(&nrpe, config.checks.keys().map(String::as_str), config.own_checks()).map(Some)
}
