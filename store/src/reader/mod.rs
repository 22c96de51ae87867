//! Reading a store, in any process, without locks.

mod arrivals;
mod catalogue;
mod envelope;
mod handle;
mod newest;
mod positions;
mod runs;
mod samples;
mod series;
mod snapshot;
mod states;

pub use arrivals::{Arrivals, Arrived};
pub use handle::Reader;
pub use newest::ArrivedRev;
pub use runs::Runs;
pub use samples::{SampleBatch, Samples};
pub use series::{Bucket, Catalogue, CheckInfo, CheckSeries, Sample, SeriesInfo, SeriesKey, StoreInfo};
pub use snapshot::Snapshot;
pub use states::{RunState, States};
