//! SNMP beside Debian's `snmpd` and the tools of net-snmp, over loopback.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic")]

mod commands;
mod daemon;
mod faults;
mod levels;
mod native;
mod snmpd;
mod values;

#[path = "../stage/mod.rs"]
mod stage;
