//! Failures to start or to reload the listener.

use std::fmt;
use std::io;
use std::path::PathBuf;

use custos_compat::nrpe::BadConfig;

/// A failure to start or to reload the listener.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `nrpe.cfg`, or a file that it includes, has a mistake.
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BadConfig,
    },
    /// A key of `nrpe` in the YAML has a mistake.
    Setting(String),
    /// The user or group to run as does not exist, or is root.
    User(String),
    /// TLS cannot be set up.
    Tls {
        /// What was tried, such as `use certificate file /etc/x.pem`.
        what: String,
        /// OpenSSL's reason.
        reason: String,
    },
    /// No address can be listened on.
    Bind {
        /// The address, or what was to be resolved.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config { path, source } => write!(f, "failed to read {}: {source}", path.display()),
            Error::Setting(message) => write!(f, "failed to use the nrpe settings: {message}"),
            Error::User(message) => write!(f, "failed to choose the user to run as: {message}"),
            Error::Tls { what, reason } => write!(f, "failed to {what}: {reason}"),
            Error::Bind { address, source } => write!(f, "failed to listen on {address}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Config { source, .. } => Some(source),
            Error::Bind { source, .. } => Some(source),
            Error::Setting(_) | Error::User(_) | Error::Tls { .. } => None,
        }
    }
}
