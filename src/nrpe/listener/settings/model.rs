//! The settings that a listener runs with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use custos_compat::nrpe::{AddressFamily, AllowedHosts, Note, Policy, Severity, SslConfig};
use custos_shim::Credentials;

use super::user;
use crate::nrpe::listener::access::CommandAccess;
use crate::nrpe::listener::error::Error;
use crate::nrpe::listener::log::LogSettings;
use crate::nrpe::listener::tls;

/// The settings of a listener, checked as far as that is possible without asking the system.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The addresses to listen on.
    pub listen: Vec<Listen>,
    /// Connections that the kernel may hold until they are accepted.
    pub backlog: u32,
    /// The hosts that may connect.
    pub allowed_hosts: AllowedHosts,
    /// Whether `hosts.allow` and `hosts.deny` apply.
    pub tcp_wrappers: bool,
    /// TLS.
    pub ssl: SslConfig,
    /// The TLS context, if [`Settings::prepare`] has built it; otherwise the listener builds it.
    pub tls: tls::Prepared,
    /// Commands by name.
    pub commands: BTreeMap<Vec<u8>, ServedCommand>,
    /// What clients may send.
    pub policy: Policy,
    /// `dont_blame_nrpe=1` was asked for, but arguments are not allowed by the command line or the native keys.
    pub arguments_withheld: bool,
    /// How long a command may run.
    pub command_timeout: Duration,
    /// How long a client may take to send its request, including the TLS handshake.
    pub request_timeout: Duration,
    /// Commands that may run at once.
    pub commands_max: usize,
    /// Whether requests for the same command line share an execution that is under way.
    pub coalesce: bool,
    /// The whole environment of a command line.
    pub environment: Vec<(OsString, OsString)>,
    /// The user that commands run as; `None`: the agent's own.
    pub credentials: Option<Credentials>,
    /// The log.
    pub log: LogSettings,
    /// Remarks on the configuration, for the log.
    pub notes: Vec<Note>,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// A name or an address; `None`: every address.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// The families to listen on.
    pub family: AddressFamily,
}

/// A command that clients may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedCommand {
    /// What the command runs.
    pub task: ServedTask,
    /// Who may ask for it; `None`: everyone who may connect.
    pub access: Option<CommandAccess>,
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedTask {
    /// A line for `/bin/sh -c`, with the prefix; arguments are not expanded yet.
    Line(Vec<u8>),
    /// The check of that name in the agent's configuration.
    Check,
}

/// What the command line changes about an `nrpe.cfg`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `-n`: no TLS.
    pub no_ssl: bool,
    /// `-4`, `-6`.
    pub family: AddressFamily,
    /// `--allow-arguments`: `dont_blame_nrpe=1` takes effect.
    pub allow_arguments: bool,
}

impl Settings {
    /// Builds the TLS context now, while this process may read the files.
    pub fn prepare(&mut self) -> Result<(), Error> {
        self.tls = tls::Prepared::of(&self.ssl)?;
        Ok(())
    }

    /// Whether TLS can be set up, by this process.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn try_tls(&self) -> Result<(), Error> {
        tls::Prepared::of(&self.ssl).map(drop)
    }

    /// The files that TLS is set up with: certificate, key and authorities.
    pub fn tls_files(&self) -> Vec<PathBuf> {
        tls::files(&self.ssl).map(PathBuf::from).collect()
    }

    /// Whether one of the files for TLS exists but this process may not read it.
    pub fn tls_is_out_of_reach(&self) -> bool {
        tls::out_of_reach(&self.ssl)
    }

    /// Gives commands the whole environment of this process, for `-i`.
    pub fn inherit_environment(&mut self) {
        self.environment = user::inherited_environment(std::env::vars_os());
    }

    /// Uses the TLS context of earlier settings if the settings for TLS are equal and this process can no longer read the
    /// files.
    pub fn inherit_tls(&mut self, earlier: &Settings) {
        if self.ssl == earlier.ssl && self.ssl.enabled && self.tls_is_out_of_reach() {
            self.tls = earlier.tls.clone();
            self.remark(
                Severity::Warning,
                "The TLS files cannot be read without root, so they stay as they were at the start",
            );
        }
    }

    /// Adds a remark for the log.
    pub fn remark(&mut self, severity: Severity, text: impl Into<String>) {
        self.notes.push(Note { severity, text: text.into() });
    }
}
