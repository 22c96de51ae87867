//! Reading a store, in any process, without locks.

mod arrivals;
mod batch;
mod catalogue;
mod column;
mod envelope;
mod excerpts;
mod feed;
mod figures;
mod handle;
mod newest;
mod open_chunk;
mod own_names;
mod positions;
mod runs;
mod samples;
mod scan;
mod series;
mod snapshot;
mod states;
mod sweep;
mod wanted;
mod windows;

pub use arrivals::{ArrivalRange, Arrivals, Arrived, Unread};
pub use batch::Batch;
pub use column::{Cell, Column};
pub use figures::{Figures, RunFigure};
pub use handle::Reader;
pub use newest::ArrivedRev;
pub use runs::Runs;
pub use samples::{SampleBatch, Samples};
pub use scan::Scan;
pub use series::{Bucket, Catalogue, CheckInfo, CheckSeries, Sample, SeriesInfo, SeriesKey, StoreInfo};
pub use snapshot::Snapshot;
pub use states::{RunState, States};
pub use windows::Windows;
