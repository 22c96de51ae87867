//! Reading a store, in any process, without locks.

mod arrivals;
mod describe;
mod envelope;
mod runs;
mod samples;
mod series;
mod states;
mod view;

pub use arrivals::{Arrivals, Arrived};
pub use runs::Runs;
pub use samples::{SampleBatch, Samples};
pub use series::{Bucket, CheckInfo, Sample, SeriesInfo, SeriesKey, StoreInfo};
pub use states::{RunState, States};
pub use view::Reader;
