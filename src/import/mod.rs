//! What files of other systems become here: checks, runs and metrics. Pure: files are read, and runs stored, by others.

mod rrd;

pub use rrd::{Names, RrdRuns, collectd_names, munin_names, plain_names, pnp_names};
