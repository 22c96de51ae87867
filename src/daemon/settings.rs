//! What the daemon is started with, and how it is read anew.

use std::path::PathBuf;

use crate::config::{self, Config, Severity};
use crate::nrpe::listener::Settings;

/// Reads the settings of the NRPE listener anew.
pub type SettingsReader = Box<dyn Fn() -> Result<Settings, crate::nrpe::listener::Error> + Send>;

/// Everything that a daemon needs to start.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The file to read it from again on SIGHUP; none if there is no such file.
    pub config_file: Option<PathBuf>,
    /// Where the NRPE listener's settings come from, if not from the configuration.
    pub nrpe: Option<SettingsReader>,
    /// What is to be done first when the agent is told to stop.
    pub stopping: Option<Box<dyn FnOnce() + Send>>,
}

impl Setup {
    /// The listener's settings for a configuration: none if NRPE is not to be served.
    pub(super) fn nrpe_settings(
        &self,
        config: &Config,
    ) -> Result<Option<Settings>, crate::nrpe::listener::Error> {
        match (&self.nrpe, &config.nrpe) {
            (Some(read), _) => read().map(Some),
            (None, Some(nrpe)) => {
                Settings::from_agent(nrpe, config.checks.keys().map(String::as_str)).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// Reads the configuration again, whole, with the listener's settings.
    pub(super) fn read_again(&self) -> Result<(Config, Option<Settings>), String> {
        let config = match &self.config_file {
            Some(path) => {
                let loaded = config::load(path).map_err(|mistakes| {
                    tracing::error!("the configuration is not reloaded:\n{mistakes}");
                    let errors = || mistakes.list.iter().filter(|m| m.severity == Severity::Error);
                    let first = errors().next().map(ToString::to_string).unwrap_or_default();
                    match errors().count() + mistakes.dropped {
                        0 | 1 => first,
                        count => format!("{count} mistakes, the first: {first}"),
                    }
                })?;
                if !loaded.warnings.list.is_empty() {
                    tracing::warn!("the configuration is odd:\n{}", loaded.warnings);
                }
                loaded.config
            }
            None => self.config.clone(),
        };
        let settings = self.nrpe_settings(&config).map_err(|error| {
            tracing::error!("the configuration is not reloaded: {error}");
            error.to_string()
        })?;
        Ok((config, settings))
    }
}
