//! The client: asks a host's NRPE daemon, as `check_nrpe` does.

mod exchange;
mod options;
mod outcome;
mod tls;

pub use options::{Addresses, Options, TimeoutState};
pub use outcome::{Outcome, run};
