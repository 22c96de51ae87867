//! `custos snmp`: asking devices by hand, as the configuration would have them asked.

mod args;
mod device;
mod show;
mod suggest;

pub(super) use args::{SnmpArgs, run};
