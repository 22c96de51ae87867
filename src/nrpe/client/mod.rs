//! The NRPE client: asks a host's NRPE daemon, as `check_nrpe` does.

mod connection;
mod exchange;
mod options;
mod outcome;
mod tls;

pub use options::Options;
pub use outcome::{Outcome, run};
