//! What is proposed for a host, and what is not, with the reasons.

use std::path::PathBuf;

/// A proposal. The default has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// The directories in which plugins are looked up.
    pub(crate) plugins: Vec<PathBuf>,
    /// The checks, in the order in which they are written.
    pub(crate) checks: Vec<Proposed>,
    /// What the commands of nrpe look at already, and is therefore not proposed.
    pub(crate) covered: Vec<Covered>,
    /// What would be checked if its plugin were there.
    pub(crate) missing: Vec<Missing>,
    /// What was seen and is not checked, a sentence each.
    pub(crate) remarks: Vec<String>,
    /// The configuration of nrpe that was found.
    pub(crate) nrpe: Option<NrpePart>,
}

/// A check that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposed {
    /// Its name.
    pub(crate) name: String,
    /// Why it is there, in a line.
    pub(crate) why: String,
    /// Its words; the first is the name of a plugin that is there.
    pub(crate) command: Vec<String>,
    /// Further keys, as YAML.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// Its thresholds, each as a mapping in YAML.
    pub(crate) thresholds: &'static [&'static str],
    /// The command of nrpe that looks at the same.
    pub(crate) also: Option<String>,
}

/// A check that a command of nrpe makes needless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The name of the check.
    pub(crate) name: String,
    /// The command.
    pub(crate) command: String,
}

/// A check whose plugin is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The name of the check.
    pub(crate) name: String,
    /// Why there would be one.
    pub(crate) why: String,
    /// The plugin.
    pub(crate) plugin: String,
    /// The package that has it on this host.
    pub(crate) package: String,
}

/// A configuration of nrpe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NrpePart {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How many commands it has.
    pub(crate) commands: usize,
    /// Whether the agent shall answer by it.
    pub(crate) taken: bool,
    /// Whether something listens on its port now.
    pub(crate) port_in_use: Option<u16>,
}
