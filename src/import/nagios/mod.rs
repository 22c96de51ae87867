//! The services of one host in Nagios' object cache, as checks.

mod command;
mod document;
mod host;
mod period;
mod service;

pub use document::{nagios_document, nagios_hosts, resource_macros};
pub use host::NagiosHost;
