//! The version of NRPE that is emulated.

/// The version that clients are told, and that commands find in their environment.
pub const NRPE_VERSION: &str = "4.1.0";
