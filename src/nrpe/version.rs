//! The version of NRPE that is emulated.

/// The version in answers to clients and in the environment of commands.
pub const NRPE_VERSION: &str = "4.1.0";
