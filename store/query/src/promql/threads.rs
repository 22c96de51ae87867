//! How many threads read the series of a query.

use std::num::NonZero;

use crate::limits::QUERY_THREADS_MAX;

/// How many threads may read the series of one query: one for each processor, up to a few.
pub fn query_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(QUERY_THREADS_MAX)
}
