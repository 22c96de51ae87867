//! SNMP beside Debian's `snmpd` and the tools of net-snmp, over loopback.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod faults;
mod levels;
mod snmpd;
mod values;
