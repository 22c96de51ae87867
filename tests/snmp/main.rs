//! SNMP beside Debian's `snmpd` and the tools of net-snmp, over loopback.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic")]

mod agent;
mod ber;
mod commands;
mod daemon;
mod faults;
mod hostile;
mod levels;
mod names;
mod native;
mod native_grid;
mod odd;
mod packets;
mod rates;
mod rows;
mod snmpd;
mod trap_packets;
mod values;

#[path = "../stage/mod.rs"]
mod stage;
