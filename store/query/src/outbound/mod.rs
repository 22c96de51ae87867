//! Series as they leave the host: named as queries name them, with the host among their labels.

mod runs;
mod sample;
mod series;
mod thinned;
mod walk;

pub use runs::{OutboundRuns, RunSample, RunSeries, Wanted};
pub use sample::OutboundSample;
pub use series::{OutboundSeries, outbound_labels, outbound_series};
pub use walk::walk_outbound;
