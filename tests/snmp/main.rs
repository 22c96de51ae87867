//! SNMP beside Debian's `snmpd` and the tools of net-snmp, over loopback.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod commands;
mod daemon;
mod faults;
mod levels;
mod native;
mod snmpd;
mod values;

#[path = "../stage/mod.rs"]
mod stage;
