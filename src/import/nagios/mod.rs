//! The services of one host in Nagios' object cache, as checks.

mod command;
mod document;
mod period;
mod service;

pub use document::{NagiosHost, nagios_document, nagios_hosts, resource_macros};
