//! `custos import`: what other systems kept and defined.

mod args;
mod covered;
mod faults;
mod files;
mod hosts;
mod influx;
mod lines;
mod nagios;
mod nagios_log;
mod nrpe;
mod openmetrics;
mod perfdata;
mod rrd;
mod samples;
mod table;
mod target;
mod victoria;
mod whisper;

pub(in crate::cli) use args::{ImportArgs, run};
