//! Custos: a host agent that runs plugins, keeps every metric, judges it and answers NRPE.
//!
//! Data moves one way: config, schedule, execute, observe, evaluate, record, publish. `ARCHITECTURE.md` walks one
//! sample along it.

pub mod agent;
pub mod backtest;
pub mod cli;
pub mod clock;
pub mod config;
mod connect;
pub mod control;
pub mod daemon;
mod discover;
pub mod document;
pub mod evaluate;
pub mod execute;
pub mod exit_code;
pub mod feed;
pub mod graph;
mod hash;
pub mod http;
pub mod import;
pub mod judge;
pub mod limits;
pub mod live;
mod lock;
pub mod mib;
pub mod notify;
pub mod nrpe;
pub mod observe;
pub mod part;
pub mod period;
pub mod picture;
pub mod record;
pub mod rules;
pub mod snmp;
pub mod terminal;
pub mod text;
pub mod timeline;
mod trim;
pub mod watch;
mod whole_file;
pub mod why;
