//! How many threads read the series of a query.

use std::num::NonZero;
use std::sync::OnceLock;

use crate::limits::QUERY_THREADS_MAX;

/// How many threads may read the series of one query: one for each processor, up to a few. The system is asked once: it
/// reads some files to tell, which takes longer than a small query.
pub fn query_threads() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    (*PROCESSORS.get_or_init(processors)).min(QUERY_THREADS_MAX)
}
