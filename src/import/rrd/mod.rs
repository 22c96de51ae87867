//! Files of RRDtool. No row of one is a sample: each becomes a consolidated run, under the name of its check and its function.

mod finest;
mod names;
mod runs;

pub use names::{Names, collectd_names, munin_names, plain_names, pnp_names};
pub use runs::RrdRuns;
