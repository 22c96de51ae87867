//! What files of other systems become here: checks, runs, metrics, definitions. Pure: files are read, and runs stored, by others.

mod definitions;
mod influx;
mod nagios;
mod page;
mod past_states;
mod rrd;
mod sample;
mod series_names;
mod whisper;

pub use definitions::{mrpe_document, nrpe_document};
pub use influx::influx_samples;
pub use nagios::{NagiosHost, nagios_document, nagios_hosts, resource_macros};
pub use past_states::PastStates;
pub use rrd::{Names, RrdRuns, collectd_names, munin_names, plain_names, pnp_names};
pub use sample::{Gathered, Sample};
pub use series_names::SeriesNames;
pub use whisper::{WhisperNames, whisper_runs};
