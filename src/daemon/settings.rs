//! The configuration that the agent starts with, and where a reload reads it from.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{self, Config};
use crate::document::Severity;
use crate::nrpe::listener::{Error, Settings};

/// Reads the settings of the NRPE listener, at the start and for each reload. It may take its time: a reload calls it on
/// a thread of its own.
pub type SettingsReader = Arc<dyn Fn() -> Result<Settings, Error> + Send + Sync>;

/// Everything that a daemon needs to start.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// Where it is read again from on SIGHUP.
    pub source: Source,
    /// Called first when the agent ends.
    pub stopping: Option<Box<dyn FnOnce() + Send>>,
}

/// Where the configuration and the listener's settings are read from.
#[derive(Clone, Default)]
pub struct Source {
    /// The configuration file; `None` if there is no such file, and the configuration stays as it is.
    pub config_file: Option<PathBuf>,
    /// Where the NRPE listener's settings come from, if not from the configuration.
    pub nrpe: Option<SettingsReader>,
}

impl Source {
    /// The listener's settings for a configuration; `None` if it does not serve NRPE.
    pub(super) fn nrpe_settings(&self, config: &Config) -> Result<Option<Settings>, Error> {
        match (&self.nrpe, &config.nrpe) {
            (Some(read), _) => read().map(Some),
            (None, Some(nrpe)) => {
                Settings::from_agent(nrpe, config.checks.keys().map(String::as_str), config.own_checks())
                    .map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// Reads the configuration again, whole. `current` is the one in force.
    ///
    /// # Errors
    /// The first mistake and how many there are; all of them are in the log.
    pub(super) fn read_config(&self, current: &Config) -> Result<Config, String> {
        let Some(path) = &self.config_file else { return Ok(current.clone()) };
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
            tracing::warn!("the configuration has warnings:\n{}", loaded.warnings);
        }
        Ok(loaded.config)
    }
}
