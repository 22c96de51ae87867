//! Custos: a host agent that runs plugins, keeps every metric, judges it and answers NRPE.
//!
//! Data moves one way: definition, schedule, execute, parse, record, evaluate, publish. `ARCHITECTURE.md` walks
//! one sample along it.

pub mod agent;
pub mod cli;
pub mod client;
pub mod clock;
pub mod control;
pub mod daemon;
pub mod definition;
pub mod evaluate;
pub mod execute;
pub mod exit_code;
pub mod graph;
pub mod human;
pub mod interpret;
pub mod limits;
mod lock;
pub mod period;
pub mod record;
pub mod serve;
pub mod snmp;
mod system_error;
pub mod time_spec;
mod tls_version;
