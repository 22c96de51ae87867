//! Reading a store, in any process, without locks.

mod series;
mod store;

pub use series::{Bucket, CheckInfo, SeriesInfo, SeriesKey, StoreInfo};
pub use store::{Arrived, Reader};
