//! `custos import`: what other systems kept and defined.

mod args;
mod covered;
mod faults;
mod files;
mod rrd;
mod target;

pub(in crate::cli) use args::{ImportArgs, run};
