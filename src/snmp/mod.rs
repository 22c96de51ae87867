//! SNMP at work: names of objects, and what devices report by themselves.

pub mod names;
pub mod traps;
