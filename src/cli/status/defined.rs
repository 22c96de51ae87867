//! Which checks of the store belong into the status: those that are defined, unless others are wanted.

use std::collections::BTreeSet;
use std::path::Path;

use custos_query::{check_names, own_check};
use custos_store::Snapshot;

use crate::config::{AGENT_CHECK, Config};
use crate::nrpe::listener::read_config;

/// By what a check counts as defined.
pub(in crate::cli) enum Defined {
    /// A running agent names its own: the configuration in force.
    ByAgent,
    /// No agent runs: a configuration that can be read, with the commands of its `nrpe.cfg`.
    ByConfig(BTreeSet<String>),
    /// Nothing says which are; all of the store count.
    Unknown,
}

impl Defined {
    pub(in crate::cli) fn of(config: Option<&Config>, is_running: bool) -> Defined {
        match config {
            _ if is_running => Defined::ByAgent,
            Some(config) => by_config(config).map_or(Defined::Unknown, Defined::ByConfig),
            None => Defined::Unknown,
        }
    }

    /// The checks of the store that belong into the status, and those that are wanted all the same.
    pub(in crate::cli) fn stored_names(
        &self,
        store: &Snapshot,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut names = check_names(store);
        names.retain(|name| is_wanted(name) || self.has(name));
        names
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Defined::ByAgent => name == AGENT_CHECK,
            Defined::ByConfig(names) => names.contains(name),
            // What a check had only because somebody watched it is none.
            Defined::Unknown => own_check(name).is_none(),
        }
    }
}

/// Checks and commands by the files; none if the `nrpe.cfg` cannot be read, by this user perhaps.
fn by_config(config: &Config) -> Option<BTreeSet<String>> {
    let mut names: BTreeSet<String> = config.checks.keys().cloned().collect();
    names.extend(config.own_checks().map(str::to_owned));
    if let Some(path) = config.nrpe.as_ref().and_then(|nrpe| nrpe.config.as_ref()) {
        let nrpe = read_config(path, Path::new("")).ok()?;
        names.extend(nrpe.commands.keys().map(|name| String::from_utf8_lossy(name).into_owned()));
    }
    Some(names)
}
