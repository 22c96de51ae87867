//! NRPE: the listener in place of `nrpe`, and the client in place of `check_nrpe`.

pub mod client;
pub mod listener;
mod tls_version;
mod version;

pub use version::NRPE_VERSION;
