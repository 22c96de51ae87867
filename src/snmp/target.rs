//! Whom to ask, and by what right.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use custos_compat::snmp::Version;
use custos_compat::snmp::usm::{Level, MasterKeys};

/// What a request proves itself with. Never printed.
#[derive(Clone)]
pub enum Credentials {
    /// Versions 1 and 2c.
    Community {
        /// [`Version::V1`] or [`Version::V2c`].
        version: Version,
        /// The community.
        community: Vec<u8>,
    },
    /// Version 3.
    User {
        /// The user.
        name: Vec<u8>,
        /// The context that is asked; empty for the default one.
        context: Vec<u8>,
        /// The user's keys; none for messages without protection.
        keys: Option<MasterKeys>,
    },
}

impl Credentials {
    /// The version that they are of.
    pub fn version(&self) -> Version {
        match self {
            Credentials::Community { version, .. } => *version,
            Credentials::User { .. } => Version::V3,
        }
    }

    /// How well an answer must be protected.
    pub(super) fn level(&self) -> Level {
        match self {
            Credentials::User { keys: Some(keys), .. } if keys.encrypts() => Level::AuthPriv,
            Credentials::User { keys: Some(_), .. } => Level::Auth,
            _ => Level::NoAuth,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// One device, and how patiently it is asked.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// By what right it is asked. Polls that share this share what is known of the device.
    pub credentials: Arc<Credentials>,
    /// How long the first answer may take; each retry waits twice as long as the one before.
    pub timeout: Duration,
    /// How often a request is repeated.
    pub retries: u32,
    /// Most rows to ask for at once.
    pub max_repetitions: u32,
    /// Which answers are taken.
    pub answers: Answers,
}

/// Which answers are taken, beyond those of the address asked and with the community of the request. An answer must have
/// the id of its request in any case, which is a random number of 31 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// From whatever address they come, as of clusters and old routers that answer from another of theirs.
    pub from_any_address: bool,
    /// With whatever community.
    pub with_any_community: bool,
}
