//! A configuration written down again, with every default and without secrets, as `custos config show` prints it.

pub(crate) mod config;
pub(crate) mod http;
mod notify;
mod rule;
pub(crate) mod secret;
mod sequence;
mod sink;
pub(crate) mod snmp;
mod word;

pub use config::show;
pub(crate) use word::word;
