//! SNMP beside Debian's `snmpd` and the tools of net-snmp, over loopback.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod commands;
mod daemon;
mod faults;
mod levels;
mod native;
mod snmpd;
mod values;

/// A directory with a configuration and a store, as the tests of the whole program use it.
#[path = "../it/world.rs"]
#[allow(dead_code)]
mod world;
