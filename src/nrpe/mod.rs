//! NRPE: the listener that stands in for the daemon, and the client that stands in for `check_nrpe`.

pub mod client;
pub mod listener;
mod tls_version;
