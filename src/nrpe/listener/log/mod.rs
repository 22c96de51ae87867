//! NRPE's own log: where it goes, and its lines about requests.

mod announce;
mod file;
mod output;
pub(super) mod refusal;
pub(super) mod request;

pub(super) use announce::announce;
pub use output::{Log, LogSettings};
