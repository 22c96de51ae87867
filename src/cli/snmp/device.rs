//! Which device is meant, and by which profile it is asked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::Oid;

use crate::cli::config_option::ConfigOption;
use crate::cli::read::{Failure, ReadArgs};
use crate::config::{Command, Config, SnmpProfile};
use crate::mib::Names;
use crate::snmp::{Answer, Question, ask_once};

/// How long an answer may take in all.
const PATIENCE: Duration = Duration::from_secs(300);

/// Which device is meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DeviceArgs {
    /// Name or address of the device
    pub(super) target: String,
    /// Profile [default: that of the checks of the device, or the only one]
    #[arg(long, short, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// UDP port [default: that of the check or the profile]
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    config: ConfigOption,
}

/// A device that can be asked.
pub(super) struct Asked {
    target: String,
    pub(super) port: u16,
    pub(super) profile: Arc<SnmpProfile>,
    pub(super) names: Arc<Names>,
}

impl DeviceArgs {
    /// Finds the profile.
    pub(super) fn find(&self) -> Result<Asked, Failure> {
        let read = ReadArgs { config: self.config.clone(), ..ReadArgs::default() };
        let (_, config) = read.locate_strictly()?;
        let config =
            config.ok_or_else(|| Failure::usage("there is no configuration; name one with --config"))?;
        let (profile, port) = self.profile(&config)?;
        let port = self.port.unwrap_or(port);
        Ok(Asked { target: self.target.clone(), port, profile, names: config.snmp.names.shared() })
    }

    fn profile(&self, config: &Config) -> Result<(Arc<SnmpProfile>, u16), Failure> {
        let profiles = &config.snmp.profiles;
        let known = || profiles.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(name) = &self.profile {
            let profile = profiles.get(name);
            let profile = profile.ok_or_else(|| {
                Failure::usage(format!("no profile {name} is defined; there are: {}", known()))
            })?;
            return Ok((Arc::clone(profile), profile.port));
        }
        let polls = config.checks.values().filter_map(|check| match &check.command {
            Command::Snmp(poll) if poll.target == self.target => Some(poll),
            _ => None,
        });
        let polls: Vec<_> = polls.collect();
        if let Some(poll) = polls.first() {
            let of_checks: BTreeSet<&str> = polls.iter().map(|poll| poll.profile.name.as_str()).collect();
            if of_checks.len() > 1 {
                let names = of_checks.into_iter().collect::<Vec<_>>().join(", ");
                let target = &self.target;
                return Err(Failure::usage(format!(
                    "the checks of {target} use several profiles; choose one with --profile: {names}"
                )));
            }
            return Ok((Arc::clone(&poll.profile), poll.port));
        }
        match profiles.values().next() {
            Some(profile) if profiles.len() == 1 => Ok((Arc::clone(profile), profile.port)),
            Some(_) => Err(Failure::usage(format!("choose a profile with --profile: {}", known()))),
            None => Err(Failure::usage("no profile is defined under `snmp` in the configuration")),
        }
    }
}

impl Asked {
    /// The objects that are named.
    pub(super) fn resolve(&self, objects: &[String]) -> Result<Vec<Oid>, Failure> {
        let resolve = |text: &String| {
            self.names
                .resolve(text)
                .map_err(|error| Failure::usage(format!("failed to find {text}: {error}")))
        };
        objects.iter().map(resolve).collect()
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&self, question: Question) -> Result<Answer, Failure> {
        let (target, profile) = (&self.target, &self.profile.name);
        let failed = |why: &dyn std::fmt::Display| {
            Failure::new(format!("failed to ask {target} by the profile `{profile}`: {why}"))
        };
        ask_once(&self.target, self.port, &self.profile, question, PATIENCE)
            .map_err(|error| failed(&error))?
            .map_err(|failure| failed(&failure))
    }
}
